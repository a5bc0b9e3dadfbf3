// Series and colours of the activity card, for each of its tabs.

import type { Numbers, Panels } from '../api/types';
import type { Series } from '../shapes/series-chart/data';
import type { SubjectKind } from './subject';

export const ACTIVITY_TABS = [
  { name: 'requests', label: 'Requests' },
  { name: 'success_rate', label: 'Success rate' },
  { name: 'client_errors', label: '4xx' },
  { name: 'server_errors', label: '5xx' },
  { name: 'latency', label: 'Latency' },
  { name: 'consumers', label: 'Consumers' },
] as const;

export type ActivityTab = (typeof ACTIVITY_TABS)[number]['name'];

export interface Activity {
  edges: number[];
  series: Series[];
  kind: 'bars' | 'lines';
  over?: Series;
  /** The same for the period before. */
  before?: Series;
  strip?: string[];
  unit: 'count' | 'share' | 'duration';
  whole: boolean;
  /** Start of the axis, for shares. */
  shareFrom?: number;
}

export function toActivityTab(text: string | undefined): ActivityTab {
  return ACTIVITY_TABS.find((tab) => tab.name === text)?.name ?? 'requests';
}

export function toActivity(tab: ActivityTab, panels: Partial<Panels>, amber: number, red: number): Activity | null {
  const { activity, latency_over_time: latency } = panels;
  if (!activity) return null;
  const { edges, series } = activity;
  const consumers: Series = { name: 'consumers', label: 'Consumers', color: '--consumers', values: series.consumers };
  const counts = { edges, kind: 'bars', unit: 'count', whole: true } as const;
  switch (tab) {
    case 'requests': {
      const classes = (['1xx', '2xx', '3xx', '4xx', '5xx'] as const).filter((name) => name !== '1xx' || series[name].some((n) => n));
      return {
        ...counts,
        series: classes.map((name) => ({ name, label: name, color: CLASS_COLORS[name], values: series[name] })),
        over: consumers,
        strip: toStrip(series.success_rate, amber, red),
      };
    }
    case 'client_errors':
      return { ...counts, series: [{ name: '4xx', label: 'Client errors 4xx', color: '--client', values: series['4xx'] }] };
    case 'server_errors':
      return { ...counts, series: [{ name: '5xx', label: 'Server errors 5xx', color: '--server', values: series['5xx'] }] };
    case 'consumers':
      return { ...counts, series: [consumers] };
    case 'success_rate':
      return {
        edges, kind: 'lines', unit: 'share', whole: false, shareFrom: toShareFrom(series.success_rate),
        series: [{ name: 'success_rate', label: 'Success rate', color: '--ok', values: series.success_rate }],
        strip: toStrip(series.success_rate, amber, red),
      };
    case 'latency':
      return latency ? { edges: latency.edges, kind: 'lines', unit: 'duration', whole: false, series: toQuantiles(latency.series) } : null;
  }
}

/** A page about one consumer always counts one. */
export const activityTabs = (about: SubjectKind | undefined) => ACTIVITY_TABS.filter(({ name }) => name !== 'consumers' || about !== 'consumer');

/**
 * The line of the period before, bucket by bucket, as a chart draws it. Omitted if the two cannot be aligned (`before` has buckets of
 * another length, or was never loaded).
 */
export function withBefore(drawn: Activity, tab: ActivityTab, before: Partial<Panels>): Activity {
  const { activity, latency_over_time: latency } = before;
  const of = tab === 'latency' ? latency : activity;
  if (!of || !activity) return drawn;
  const values = tab === 'latency' ? (latency?.series.p95_ms ?? []) : beforeOf(tab, activity.series);
  const label = tab === 'latency' ? 'p95 before' : 'Period before';
  const aligned = align(of.edges, values, drawn.edges);
  // A time before the first request has nothing to compare with.
  return aligned?.some((value) => value) ? { ...drawn, before: { name: 'before', label, color: '--ink-3', values: aligned } } : drawn;
}

function beforeOf(tab: ActivityTab, series: Panels['activity']['series']): Numbers {
  switch (tab) {
    case 'client_errors':
      return series['4xx'];
    case 'server_errors':
      return series['5xx'];
    case 'success_rate':
      return series.success_rate;
    case 'consumers':
      return series.consumers;
    default:
      return series['2xx'].map((_, i) => (['1xx', '2xx', '3xx', '4xx', '5xx'] as const).reduce((sum, name) => sum + (series[name][i] ?? 0), 0));
  }
}

/**
 * Values of the period before, on the buckets of this one. A clock change makes one of them longer by a bucket, which is the first; null if
 * they differ by more.
 */
export function align(edges: readonly number[], values: Numbers, onto: readonly number[]): Numbers | null {
  const [have, want] = [edges.length - 1, onto.length - 1];
  const step = (of: readonly number[], buckets: number) => ((of[buckets] ?? 0) - (of[0] ?? 0)) / Math.max(1, buckets);
  if (have < 1 || want < 1 || Math.abs(have - want) > 1) return null;
  if (Math.abs(step(edges, have) / step(onto, want) - 1) > 0.1) return null;
  return have < want ? [null, ...values] : values.slice(have - want);
}

const CLASS_COLORS = { '1xx': '--info', '2xx': '--ok-fill', '3xx': '--redirect', '4xx': '--client', '5xx': '--server' } as const;

export function toQuantiles(series: Panels['latency_over_time']['series']): Series[] {
  return [
    { name: 'p50', label: 'p50', color: '--p50', values: series.p50_ms },
    { name: 'p95', label: 'p95', color: '--p95', values: series.p95_ms },
    { name: 'p99', label: 'p99', color: '--p99', values: series.p99_ms },
  ];
}

const SHARE_AXES = [0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5];

/** The start of an axis of success rates: they lie close to 1, and on an axis from 0 nobody can tell 99.0 from 99.9 %. */
export function toShareFrom(rates: Numbers): number {
  const known = rates.filter((rate) => rate !== null);
  const least = Math.min(1, ...known);
  // Without failures there is nothing to distinguish.
  return least === 1 ? 0.99 : (SHARE_AXES.find((from) => from < least) ?? 0);
}

/** A colour per bucket: good, under the amber limit, under the red one; none without requests. */
export function toStrip(rates: readonly (number | null)[], amber: number, red: number): string[] {
  return rates.map((rate) => (rate === null ? '' : rate < red ? '--server' : rate < amber ? '--client' : '--ok'));
}
