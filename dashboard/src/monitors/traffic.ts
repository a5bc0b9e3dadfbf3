// The project's own requests beside an outage: the range to show, and the relevant parts of the dashboard's answer.

import type { AnsweredPeriod, Incident, MonitorSettings, Numbers, Panels, Reach } from '../api/types';
import { quote } from '../filter/text';
import { MINUTE } from '../format/time';
import { toCut, type Cut } from '../shapes/series-chart/data';

export interface Traffic {
  edges: number[];
  failed: Numbers;
  /** Those that did not fail. */
  others: Numbers;
  cut: Cut;
}

/** The host that a monitor calls, in the form that requests have: without a port. Null if it calls nobody. */
export function toHost({ kind, url, target }: MonitorSettings): string | null {
  if (kind === 'heartbeat') return null;
  try {
    return new URL(kind === 'tcp' ? `http://${target ?? ''}` : (url ?? '')).hostname.replace(/^\[|\]$/g, '').toLowerCase() || null;
  } catch {
    return null;
  }
}

export const toFilter = (host: string | null) => (host === null ? '' : `host:${quote(host)}`);

/** An open outage fills the last fifth of the chart, a closed one about its middle. */
export function toWindow({ began_at, ended_at }: Incident, now: number): { from: number; to: number } {
  const began = Date.parse(began_at);
  if (ended_at === null) return { from: began - Math.max(48 * MINUTE, 4 * (now - began)), to: now };
  const ended = Date.parse(ended_at);
  const length = ended - began;
  return { from: began - Math.max(40 * MINUTE, 2 * length), to: Math.min(now, ended + Math.max(20 * MINUTE, length)) };
}

export function toTraffic({ edges, series }: Panels['activity'], period: Pick<AnsweredPeriod, 'from' | 'to'>): Traffic {
  const classes = (['1xx', '2xx', '3xx', '4xx'] as const).map((name) => series[name]);
  const others = series['5xx'].map((_, i) => {
    const there = classes.flatMap((values) => values[i] ?? []);
    return there.length ? there.reduce((sum, value) => sum + value, 0) : null;
  });
  return { edges, failed: series['5xx'], others, cut: toCut(edges, Date.parse(period.from), Date.parse(period.to)) };
}

/** Number of names shown. */
export const NAMED = 5;

/** Who is affected, from an answer about failed requests only. */
export function toReach({ requests, consumers, endpoints, top_consumers: top }: Partial<Panels>): Reach {
  return {
    requests: requests?.value ?? 0,
    endpoints: (endpoints?.rows ?? []).slice(0, NAMED).map(({ method, route, requests: count }) => ({ name: `${method} ${route}`, requests: count })),
    endpoints_total: endpoints?.total_rows ?? 0,
    consumers: (top?.rows ?? []).slice(0, NAMED).map(({ user, address, requests: count }) => ({ name: user || address, requests: count })),
    consumers_total: consumers?.value ?? 0,
  };
}
