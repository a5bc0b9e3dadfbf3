// First seen, and how long it has been quiet: the arithmetic and the texts. Every number in a sentence follows from the server's counts.

import { DAY, HOUR, MINUTE } from '../format/time';

/** The first bucket with a request; null if there is none. */
export function firstBucket(edges: readonly number[], series: readonly (readonly (number | null)[])[]): { from: number; to: number } | null {
  for (let i = 0; i < edges.length - 1; i++) {
    const [from, to] = [edges[i], edges[i + 1]];
    if (from !== undefined && to !== undefined && series.some((values) => (values[i] ?? 0) > 0)) return { from, to };
  }
  return null;
}

/** Milliseconds between requests, on average: `count` requests from `first` to `last`. Null if they are too few for a pace. */
export function toPace(count: number, first: number, last: number): number | null {
  return count >= 5 && last > first ? (last - first) / (count - 1) : null;
}

/** A pause is a time in which this many requests would usually have come. */
const MISSED = 5;

/** Whether it has stopped, as far as its pace shows. */
export const isQuiet = (last: number, now: number, pace: number | null) => pace !== null && now - last > Math.max(HOUR, MISSED * pace);

const UNITS = [
  { ms: DAY, one: 'a day', many: 'days' },
  { ms: HOUR, one: 'an hour', many: 'hours' },
  { ms: MINUTE, one: 'a minute', many: 'minutes' },
  { ms: 1000, one: 'a second', many: 'seconds' },
] as const;

/** "3 days", "an hour": whole units, rounded. */
export function lengthInWords(ms: number): string {
  for (const { ms: unit, one, many } of UNITS) {
    const count = Math.round(ms / unit);
    // 90 minutes are more precise than 2 hours.
    if (count >= 2 && (unit === 1000 || ms >= 2 * unit)) return `${count} ${many}`;
    if (count === 1 && ms >= unit && ms < 1.25 * unit) return one;
  }
  return 'a second';
}

/** "a request every 4 minutes", "12 requests a second". */
export function paceInWords(pace: number): string {
  if (pace < 1000) return `${Math.round(1000 / pace)} requests a second`;
  return `a request every ${lengthInWords(pace).replace(/^an? /, '')}`;
}

/** `over`: the time over which the pace was measured. */
export function quietInWords(quiet: number, pace: number, over: number): string {
  return `Quiet for ${lengthInWords(quiet)}. In the ${over > 6 * DAY ? 'week' : lengthInWords(over).replace(/^an? /, '')} before: ${paceInWords(pace)}.`;
}
