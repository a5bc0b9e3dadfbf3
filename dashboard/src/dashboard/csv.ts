// The file behind a chart's menu: the panel's content, by shape. The server makes files of lists (`ListDownload.svelte`).

import type { Panels } from '../api/types';
import { toCsv } from '../export/csv';
import { heatCsv } from '../shapes/heat-map/data';
import { histogramCsv } from '../shapes/histogram/data';
import { seriesCsv, type Series } from '../shapes/series-chart/data';
import type { Panel } from './panels';

const named = (series: Record<string, Series['values']>): Series[] =>
  Object.entries(series).map(([name, values]) => ({ name, label: name, color: '', values }));

export function panelCsv(panel: Panel, panels: Partial<Panels>): string {
  const { activity, latency_over_time: over, latency, hours, traffic } = panels;
  switch (panel.shape) {
    case 'activity': {
      if (!activity) return '';
      const sameBuckets = over && over.edges.length === activity.edges.length;
      return seriesCsv(activity.edges, [...named(activity.series), ...(sameBuckets ? named(over.series) : [])]);
    }
    case 'latency':
      return histogramCsv(latency?.histogram ?? []);
    case 'heat':
      return heatCsv(hours?.cells ?? []);
    case 'traffic':
      if (!traffic) return '';
      return (
        seriesCsv(traffic.edges, named(traffic.series)) +
        '\r\n' +
        toCsv(['method', 'route', 'requests', 'request_bytes', 'response_bytes'], traffic.rows.map((r) => [r.method, r.route, r.requests, r.request_bytes, r.response_bytes]))
      );
    default:
      return '';
  }
}
