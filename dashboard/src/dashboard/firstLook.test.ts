import { expect, test } from 'vitest';
import { fitsInDay } from './firstLook';

const HOUR = 3_600_000;
const now = Date.parse('2026-11-27T12:00:00Z');
/** Buckets of an hour up to now, with requests in those that began this many hours ago. */
const activity = (...hoursAgo: number[]) => {
  const edges = Array.from({ length: 169 }, (_, i) => now - (168 - i) * HOUR);
  const counts = edges.slice(0, -1).map((edge) => (hoursAgo.some((ago) => edge === now - ago * HOUR) ? 3 : 0));
  return { edges, series: { '2xx': counts.map(() => 0), '5xx': counts, consumers: counts.map(() => 9) } } as Parameters<typeof fitsInDay>[1];
};

test('a young project begins with a day where a day holds all of its requests', () => {
  const young = now - 2 * 24 * HOUR;
  expect(fitsInDay(young, activity(1, 3), now)).toBe(true);
  expect(fitsInDay(young, activity(1, 30), now)).toBe(false);
  expect(fitsInDay(now - 8 * 24 * HOUR, activity(1, 3), now)).toBe(false);
  expect(fitsInDay(null, activity(1), now)).toBe(false);
  // Nothing in a week: a day would show no more.
  expect(fitsInDay(young, activity(), now)).toBe(false);
});
