// Durations on a logarithmic axis. The server's buckets are log-spaced and omit empty ones; here they get their positions.

import type { HistogramBucket } from '../../api/types';
import { toCsv } from '../../export/csv';

export interface HistogramBar {
  from_ms: number;
  to_ms: number;
  requests: number;
  /** From 0 to 1, left to right and bottom to top. */
  x: number;
  width: number;
  height: number;
  color: string;
}

export interface Histogram {
  bars: HistogramBar[];
  /** The position of a duration on the axis, 0 to 1. */
  place: (ms: number) => number;
  ticks: { x: number; ms: number }[];
}

const DECADES = [0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/** The axis starts here: shorter durations share the first position, since a logarithm has no zero. */
const FLOOR_MS = 0.01;

export function toHistogram(buckets: readonly HistogramBucket[], p95: number | null, p99: number | null): Histogram {
  const there = buckets.filter((bucket) => bucket.requests > 0);
  const first = there[0];
  const last = there[there.length - 1];
  if (!first || !last) return { bars: [], place: () => 0, ticks: [] };
  const start = Math.log(Math.max(FLOOR_MS, first.from_ms));
  const span = Math.log(Math.max(FLOOR_MS, last.to_ms)) - start;
  // A few narrow buckets are drawn in the middle of a decade, not over the whole width.
  const reach = Math.max(span, Math.log(10));
  const low = start - (reach - span) / 2;
  const place = (ms: number) => Math.min(1, Math.max(0, (Math.log(Math.max(FLOOR_MS, ms)) - low) / reach));
  const most = Math.max(...there.map((bucket) => bucket.requests));
  const bars = there.map((bucket) => {
    const x = place(bucket.from_ms);
    return {
      ...bucket,
      x,
      width: Math.max(place(bucket.to_ms) - x, 0.004),
      height: bucket.requests / most,
      color: bucket.from_ms >= (p99 ?? Infinity) ? '--p99' : bucket.from_ms >= (p95 ?? Infinity) ? '--p95' : '--p50',
    };
  });
  const ticks = DECADES.filter((ms) => Math.log(ms) >= low - 1e-9 && Math.log(ms) <= low + reach).map((ms) => ({ x: place(ms), ms }));
  return { bars, place, ticks };
}

/** The filter's value for a range of durations, in whole microseconds as stored. Bars share their ends, so the end is excluded. */
export function durationRange(from_ms: number, to_ms: number): string {
  const from = Math.ceil(from_ms * 1000);
  const to = Math.max(from, Math.ceil(to_ms * 1000) - 1);
  return `${from}us..${to}us`;
}

export function histogramCsv(buckets: readonly HistogramBucket[]): string {
  return toCsv(['from_ms', 'to_ms', 'requests'], buckets.map((bucket) => [bucket.from_ms, bucket.to_ms, bucket.requests]));
}
