// Compares a request's duration with those of its endpoint.

import type { Panels } from '../api/types';

type Histogram = NonNullable<Panels['latency']>['histogram'];

/** Fewer requests mean nothing. */
const ENOUGH = 20;

/** The share of requests that were faster, from 0 to 1, and their total; null if there are too few. */
export function fasterShare(histogram: Histogram, durationMs: number): { share: number; requests: number } | null {
  let [faster, requests] = [0, 0];
  for (const { from_ms, to_ms, requests: count } of histogram) {
    requests += count;
    if (to_ms <= durationMs) faster += count;
    // Assumes an even spread within its bucket.
    else if (from_ms < durationMs) faster += count * ((durationMs - from_ms) / (to_ms - from_ms));
  }
  return requests < ENOUGH ? null : { share: faster / requests, requests };
}

/** Whole percents, and never 100: the request itself is among those counted. */
export function slowerWords(share: number): string {
  const percent = Math.min(Math.floor(share * 100 + 1e-9), 99);
  return percent < 1 ? 'Among the fastest 1 %' : `Slower than ${percent} %`;
}
