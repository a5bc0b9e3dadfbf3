import { expect, test } from 'vitest';
import type { DayBar } from '../../api/types';
import { DAY, HOUR, MINUTE } from '../../format/time';
import { toDays, toLength, toSummary } from './data';

const bar = (day: string, change: Partial<DayBar> = {}): DayBar => ({ day: `${day}T00:00:00Z`, percent: null, up_ms: 0, degraded_ms: 0, down_ms: 0, maintenance_ms: 0, unknown_ms: 0, ...change });
const LONG_AGO = '2025-01-01T00:00:00Z';
const one = (change: Partial<DayBar>, created = LONG_AGO) => {
  const [day] = toDays([bar('2026-11-24', change)], created, 'en-US');
  if (!day) throw new Error('no day');
  return day;
};
const shares = (change: Partial<DayBar>) => one(change).parts.map(({ part, share }) => [part, Math.round(share * 1000) / 1000]);

test('a day that was up is one colour; what was not known is never green', () => {
  expect(shares({ up_ms: DAY })).toEqual([['up', 1]]);
  expect(shares({ unknown_ms: DAY })).toEqual([['unknown', 1]]);
  expect(shares({})).toEqual([['unknown', 1]]);
  expect(shares({ up_ms: DAY / 2, unknown_ms: DAY / 2 })).toEqual([['unknown', 0.5], ['up', 0.5]]);
  expect(shares({ maintenance_ms: DAY / 4, up_ms: (3 * DAY) / 4 })).toEqual([['maintenance', 0.25], ['up', 0.75]]);
});

test('an outage of a minute is seen, one of a day fills it, and shares always add up', () => {
  const [[part, share] = []] = shares({ down_ms: MINUTE, up_ms: DAY - MINUTE });
  expect(part).toBe('down');
  expect(share).toBeGreaterThanOrEqual(0.55);
  expect(shares({ down_ms: DAY })).toEqual([['down', 1]]);
  for (const change of [{ down_ms: 12 * HOUR, up_ms: 12 * HOUR }, { down_ms: MINUTE, degraded_ms: MINUTE, unknown_ms: HOUR, up_ms: HOUR }, { degraded_ms: DAY }]) {
    expect(one(change).parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  }
  const longer = one({ down_ms: 20 * HOUR, up_ms: 4 * HOUR }).parts[0]?.share ?? 0;
  expect(longer).toBeGreaterThan(one({ down_ms: HOUR, up_ms: 23 * HOUR }).parts[0]?.share ?? 1);
});

test('days before the monitor are empty, and the part of the first day before it is not unknown', () => {
  expect(one({ unknown_ms: DAY }, '2026-11-25T00:00:00Z')).toMatchObject({ parts: [], text: 'Not monitored yet.' });
  expect(one({ unknown_ms: 10 * HOUR, up_ms: 14 * HOUR }, '2026-11-24T10:00:00Z')).toMatchObject({ parts: [{ part: 'up', share: 1 }], text: 'Up all day.' });
  expect(one({ unknown_ms: 12 * HOUR, up_ms: 12 * HOUR }, '2026-11-24T10:00:00Z').text).toBe('Unknown 2 h, up 12 h.');
});

test('the text names the day in UTC, and lengths', () => {
  expect(one({ up_ms: DAY })).toMatchObject({ name: 'Nov 24', text: 'Up all day.' });
  expect(one({ down_ms: 12 * MINUTE, degraded_ms: 38 * MINUTE, up_ms: 23 * HOUR + 10 * MINUTE }).text).toBe('Down 12 min, degraded 38 min, up 23 h 10 min.');
  // Half a second between two checks is not worth mentioning.
  expect(one({ unknown_ms: 500, up_ms: DAY - 500 }).text).toBe('Up all day.');
  expect(one({}).text).toBe('Nothing is known yet.');
});

test.each([[0, '0 s'], [48_000, '48 s'], [59_999, '59 s'], [12 * MINUTE, '12 min'], [HOUR, '1 h'], [65 * MINUTE, '1 h 5 min'], [DAY, '1 d'], [3 * DAY + 4 * HOUR + 59 * MINUTE, '3 d 4 h'], [-5, '0 s']])('%i ms', (ms, text) => {
  expect(toLength(ms)).toBe(text);
});

test('all days in a sentence', () => {
  const days = toDays([bar('2026-11-22', { unknown_ms: DAY }), bar('2026-11-23', { down_ms: HOUR }), bar('2026-11-24', { up_ms: DAY })], '2026-11-23T00:00:00Z');
  expect(toSummary(days)).toBe('The last 2 days: down on 1 day.');
  expect(toSummary(days.slice(2))).toBe('The last 1 day: no outage.');
});
