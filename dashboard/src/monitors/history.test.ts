import { expect, test } from 'vitest';
import { HOUR, MINUTE } from '../format/time';
import { merge, toBuckets, toFrom, toStep } from './history';
import { aCheck } from './samples';

const START = Date.parse('2026-11-26T12:00:00Z');
const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();
const failed = (minutes: number, failure = 'connection_refused') => aCheck({ at: at(minutes), outcome: 'down', failure });

test('a newer check goes on top, one that is known does not come twice', () => {
  const rows = [aCheck({ at: at(1) }), aCheck({ at: at(0) })];
  expect(merge([aCheck({ at: at(2) })], rows, MINUTE)?.map((check) => check.at)).toEqual([at(2), at(1), at(0)]);
  expect(merge([aCheck({ at: at(1) })], rows, MINUTE)).toEqual(rows);
  expect(merge([aCheck({ at: at(2) })], [], MINUTE)).toEqual([aCheck({ at: at(2) })]);
});

test('checks that may lie between are not passed over', () => {
  expect(merge([aCheck({ at: at(4) })], [aCheck({ at: at(0) })], MINUTE)).toBeNull();
  // A stretch without checks covers more than one slot.
  expect(merge([aCheck({ at: at(4) })], [aCheck({ at: at(0), missed: 4, outcome: 'unknown' })], MINUTE)).toHaveLength(2);
});

test('a stretch without checks that has grown replaces what it was', () => {
  const [first] = merge([aCheck({ at: at(0), missed: 3, outcome: 'unknown' })], [aCheck({ at: at(0), missed: 1, outcome: 'unknown' })], MINUTE) ?? [];
  expect(first?.missed).toBe(3);
});

test.each([
  [3 * HOUR, 20_000, MINUTE],
  [3 * HOUR, 60_000, MINUTE],
  [24 * HOUR, 60_000, 10 * MINUTE],
  [48 * HOUR, 60_000, 30 * MINUTE],
  [48 * HOUR, 86_400_000, 24 * HOUR],
  [HOUR, 20_000, MINUTE],
])('%i ms of checks every %i ms in buckets of %i ms', (span, interval, step) => {
  expect(toStep(span, interval)).toBe(step);
});

test('a chart begins with a monitor that is younger than the range', () => {
  expect(toFrom(3 * HOUR, at(-600), START)).toBe(START - 3 * HOUR);
  expect(toFrom(3 * HOUR, at(-60), START)).toBe(START - HOUR);
  expect(toFrom(3 * HOUR, at(-1), START)).toBe(START - 15 * MINUTE);
});

test('the phases of a bucket add up to its total, failures give no time, and what was not checked is a gap', () => {
  const checks = [
    aCheck({ at: at(3), times: { total_ms: 200, dns_ms: 0, connect_ms: 100, tls_ms: null, first_byte_ms: 100, body_ms: 0 } }),
    failed(2.5), failed(2),
    failed(1.5),
    aCheck({ at: at(0.5) }), aCheck({ at: at(0), outcome: 'degraded', times: { total_ms: 300, dns_ms: 30, connect_ms: 20, tls_ms: 30, first_byte_ms: 215, body_ms: 5 } }),
    failed(-1),
  ];
  const buckets = toBuckets(checks, MINUTE / 2, START, START + 5 * MINUTE, MINUTE);
  expect(buckets.edges).toHaveLength(6);
  expect(buckets.total).toEqual([200, null, null, 200, null]);
  for (const i of [0, 3]) {
    const sum = Object.values(buckets.phases).reduce((all, values) => all + (values[i] ?? 0), 0);
    expect(sum).toBeCloseTo(buckets.total[i] ?? 0);
  }
  expect(buckets.phases.tls_ms).toEqual([30, null, null, null, null]);
  expect(buckets.shade).toEqual(['--client', '--server', '--server', '', '']);
  expect(buckets.notes).toEqual(['1 check degraded', '1 check failed: connection refused', '2 checks failed: connection refused', '', '']);
  // The check before the range is neither drawn nor counted.
  expect(buckets.failed).toBe(3);
});

test('a stretch that was not checked is marked as that, also where it began before the range, and is no failure', () => {
  const buckets = toBuckets([aCheck({ at: at(-2), outcome: 'unknown', missed: 5, status: null })], MINUTE, START, START + 5 * MINUTE, MINUTE);
  expect(buckets.shade).toEqual(['--info', '--info', '--info', '', '']);
  expect(buckets.notes.slice(0, 4)).toEqual(['1 check without a result', '1 check without a result', '1 check without a result', '']);
  expect([buckets.failed, buckets.total]).toEqual([0, [null, null, null, null, null]]);
  // A stretch of years must not take that long to draw.
  expect(toBuckets([aCheck({ at: at(-1e7), outcome: 'unknown', missed: 4e9 })], MINUTE, START, START + MINUTE, MINUTE).shade).toEqual(['--info']);
});
