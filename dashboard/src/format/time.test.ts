import { expect, test } from 'vitest';
import { ago, DAY, fromWall, HOUR, isLive, MINUTE, timeFormats, toMs, toWall, zoneOr } from './time';

const at = (text: string) => Date.parse(text);

test('a bucket is named by its day and hours, by its day, or by its days', () => {
  const t = timeFormats('en-GB', 'UTC');
  const from = at('2025-11-19T04:00:00Z');
  expect(t.bucket(from, from + HOUR)).toBe('Wed 19 Nov, 04:00 – 05:00');
  expect(t.bucket(at('2025-11-19T00:00:00Z'), at('2025-11-20T00:00:00Z'))).toBe('Wed, 19 Nov 2025');
  expect(t.bucket(at('2025-11-17T00:00:00Z'), at('2025-11-24T00:00:00Z')).replace(/\s/g, '')).toBe('17–23Nov2025');
});

test('a bucket is named in the chosen zone', () => {
  expect(timeFormats('en-GB', 'Asia/Kathmandu').bucket(at('2025-11-19T04:00:00Z'), at('2025-11-19T05:00:00Z'))).toBe('Wed 19 Nov, 09:45 – 10:45');
  expect(zoneOr('Not/AZone')).toBeUndefined();
  expect(timeFormats('en-GB', 'Not/AZone').clock(0)).toBe('00:00');
});

test('a day on an axis', () => {
  expect(timeFormats('en-US', 'UTC').weekday(at('2026-11-16T00:00:00Z'))).toBe('Mon 16');
});

test('the period ends before its end', () => {
  const t = timeFormats('en-GB', 'UTC');
  const text = t.period(at('2026-11-15T00:00:00Z'), at('2026-11-22T00:00:00Z'), at('2026-11-22T10:00:00Z'));
  expect(text.replace(/\s/g, '')).toBe('15–21Nov');
});

test.each([
  [0, 'now'], [1400, 'now'], [2000, '2 s'], [59_999, '59 s'], [60_000, '1 min'], [3_599_999, '59 min'], [47 * HOUR, '47 h'], [2 * DAY, '2 d'], [-5000, 'now'],
])('%d ms ago is %s', (passed, text) => {
  expect(ago(1e12 - passed, 1e12)).toBe(text);
});

test('never, and in a sentence', () => {
  expect(ago(null, 0)).toBe('never');
  expect(ago(1000, 4000, ' ago')).toBe('3 s ago');
  expect(ago(1000, 1000, ' ago')).toBe('just now');
  expect(toMs(null)).toBeNull();
  expect(toMs('nonsense')).toBeNull();
  expect(toMs('1970-01-01T00:00:01Z')).toBe(1000);
});

test.each([
  ['2026-11-22T10:30', 'UTC', '2026-11-22T10:30:00Z'],
  ['2026-11-22T10:30', 'Asia/Kathmandu', '2026-11-22T04:45:00Z'],
  ['2026-07-01T00:00', 'Europe/London', '2026-06-30T23:00:00Z'],
  // It occurs twice: the first.
  ['2026-10-25T01:30', 'Europe/London', '2026-10-25T00:30:00Z'],
  // It does not occur: after the gap.
  ['2026-03-29T01:30', 'Europe/London', '2026-03-29T01:30:00Z'],
])('%s in %s is %s', (wall, tz, instant) => {
  expect(fromWall(wall, tz)).toBe(at(instant));
});

test('the wall clock of an instant, and what is no time', () => {
  expect(toWall(at('2026-03-29T01:30:00Z'), 'Europe/London')).toBe('2026-03-29T02:30');
  expect(toWall(at('2026-11-22T00:00:00Z'), 'UTC')).toBe('2026-11-22T00:00');
  expect(fromWall('soon', 'UTC')).toBeNull();
});

test('what came minutes ago is live, what came an hour ago is not', () => {
  expect([0, 4, 5, 52].map((minutes) => isLive(1e12 - minutes * MINUTE, 1e12))).toEqual([true, true, false, false]);
  expect(isLive(1e12 + HOUR, 1e12)).toBe(true);
});
