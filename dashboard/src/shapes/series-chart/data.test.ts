import { expect, test } from 'vitest';
import { timeFormats, DAY, HOUR } from '../../format/time';
import { labelMarks, placeMarks, placeSpans, seriesCsv, stack, switchSeries, toCut, toLogRange, toLogTicks, toRange, toSummary, toTicks, withoutCut } from './data';

const utc = timeFormats('en-US', 'UTC');
const edges = (from: string, step: number, buckets: number) =>
  Array.from({ length: buckets + 1 }, (_, i) => Date.parse(from) + i * step);

test('series stand on each other, and a gap stays one', () => {
  expect(stack([[1, 2, null], [10, null, null], [0, 5, null]])).toEqual([[1, 2, null], [11, 2, null], [11, 7, null]]);
  expect(stack([])).toEqual([]);
});

test('seven days of hours are marked at midnight, with the day', () => {
  const ticks = toTicks(edges('2026-11-15T10:00:00Z', HOUR, 168), utc, 10);
  expect(ticks).toHaveLength(7);
  expect(ticks[0]).toEqual({ at: 14, label: utc.weekday(Date.parse('2026-11-16T00:00:00Z')) });
});

test('midnight is that of the zone, through a change of clocks', () => {
  const london = timeFormats('en-US', 'Europe/London');
  const ticks = toTicks(edges('2026-10-24T00:00:00Z', HOUR, 96), london, 10);
  // 25 October has 25 hours there: midnights are 23:00, 00:00, 00:00 UTC.
  expect(ticks.map(({ at }) => at)).toEqual([23, 48, 72]);
});

test('a day is marked at round hours', () => {
  const ticks = toTicks(edges('2026-11-21T10:15:00Z', HOUR / 4, 96), utc, 9);
  expect(ticks.map(({ label }) => label)).toEqual(['12:00', '15:00', '18:00', '21:00', utc.weekday(Date.parse('2026-11-22')), '03:00', '06:00', '09:00']);
});

test('months and years', () => {
  const days = toTicks(edges('2026-05-22T00:00:00Z', DAY, 184), utc, 12);
  expect(days.map(({ label }) => label)).toEqual(['May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov']);
  const months = ['2025-11', '2025-12', '2026-01', '2026-02'].map((m) => Date.parse(`${m}-01T00:00:00Z`));
  expect(toTicks([...months, Date.parse('2026-03-01')], utc, 12).map(({ label }) => label)).toEqual(['Nov', 'Dec', 'Jan 2026', 'Feb']);
  expect(toTicks(edges('2026-10-22T00:00:00Z', 6 * HOUR, 124), utc, 8).length).toBeLessThanOrEqual(8);
  expect(toTicks([], utc, 8)).toEqual([]);
});

test('a drag takes whole buckets; nothing and all are no zoom', () => {
  const e = edges('2026-11-22T00:00:00Z', HOUR, 10);
  expect(toRange(e, 2.3, 4.1)).toEqual({ from: e[2], to: e[5] });
  expect(toRange(e, 4.1, 2.3)).toEqual({ from: e[2], to: e[5] });
  expect(toRange(e, -3, 2)).toEqual({ from: e[0], to: e[2] });
  expect(toRange(e, 0, 10)).toBeNull();
  expect(toRange(e, 3, 3)).toBeNull();
});

test('the summary names the peak, the file every bucket', () => {
  const e = edges('2026-11-22T00:00:00Z', HOUR, 3);
  const series = [{ name: 'requests', label: 'Requests', color: '--ok', values: [1, 7, null] }];
  expect(toSummary(series, e, utc, String)).toContain('Requests at most 7');
  expect(toSummary([], [], utc, String)).toBe('No data.');
  expect(seriesCsv(e, series).split('\r\n')).toEqual([
    'from,to,requests',
    '2026-11-22T00:00:00.000Z,2026-11-22T01:00:00.000Z,1',
    '2026-11-22T01:00:00.000Z,2026-11-22T02:00:00.000Z,7',
    '2026-11-22T02:00:00.000Z,2026-11-22T03:00:00.000Z,',
    '',
  ]);
});

test('a span lies where its time is, cut to the chart', () => {
  const e = edges('2026-11-22T00:00:00Z', HOUR, 10);
  const at = (hours: number) => Date.parse('2026-11-22T00:00:00Z') + hours * HOUR;
  const place = (from: number, to: number, on = e) => placeSpans([{ from: at(from), to: at(to), label: '', title: '' }], on).map(({ left, right }) => [left, right]);
  expect(place(2.5, 3)).toEqual([[2.5, 3]]);
  expect(place(-5, 1.25)).toEqual([[0, 1.25]]);
  expect(place(9.5, 40)).toEqual([[9.5, 10]]);
  expect([...place(-2, 0), ...place(10, 12), ...place(1, 2, [])]).toEqual([]);
  // Buckets of other lengths have the same width.
  expect(place(12, 36, [at(0), at(24), at(49)])).toEqual([[0.5, 1.48]]);
});

test('buckets that hold less than their time are known at both ends, and their values left out', () => {
  const e = [0, 100, 200, 300];
  expect(toCut(e, 0, 300)).toEqual({ first: false, last: false });
  expect(toCut(e, 30, 300)).toEqual({ first: true, last: false });
  expect(toCut(e, 0, 299)).toEqual({ first: false, last: true });
  expect(toCut([], 0, 1)).toEqual({ first: false, last: false });
  expect(withoutCut([1, 2, 3], { first: true, last: true })).toEqual([null, 2, null]);
  expect(withoutCut([1, 2, 3], { first: false, last: true })).toEqual([1, 2, null]);
  expect(withoutCut([7], { first: false, last: false })).toEqual([7]);
});

test('a press switches one series, Alt leaves it alone, and never are all of them off', () => {
  const all = ['2xx', '4xx', '5xx'];
  expect(switchSeries(all, [], '4xx', false)).toEqual(['4xx']);
  expect(switchSeries(all, ['5xx', '4xx'], '4xx', false)).toEqual(['5xx']);
  expect(switchSeries(all, ['2xx', '5xx'], '4xx', false)).toEqual([]);
  expect(switchSeries(all, [], '4xx', true)).toEqual(['2xx', '5xx']);
  expect(switchSeries(all, ['4xx'], '4xx', true)).toEqual(['2xx', '5xx']);
  expect(switchSeries(all, ['2xx', '5xx'], '4xx', true)).toEqual([]);
  // Hidden series of another tab stay hidden.
  expect(switchSeries(all, ['p99'], '4xx', false)).toEqual(['p99', '4xx']);
});

test('a logarithmic axis spans whole powers of ten, with marks between them where there is room', () => {
  expect(toLogRange([[3, null, 40], [900]])).toEqual([1, 1000]);
  expect(toLogRange([[0.2, 0]])).toEqual([0.1, 1]);
  expect(toLogRange([[100], [1000]])).toEqual([100, 1000]);
  expect(toLogRange([[10]])).toEqual([10, 100]);
  expect(toLogRange([[null, 0], []])).toEqual([1, 10]);
  expect(toLogTicks(10, 1000, 8)).toEqual([10, 20, 50, 100, 200, 500, 1000]);
  expect(toLogTicks(10, 1000, 5)).toEqual([10, 100, 1000]);
  expect(toLogTicks(0.1, 100_000, 5)).toEqual([0.1, 10, 1000, 100_000]);
});

test('marks lie on their moment, and those outside of the chart are left out', () => {
  const start = Date.parse('2026-11-22T00:00:00Z');
  const mark = (key: string, at: number) => ({ key, at: start + at, label: `v${key}`, title: '' });
  const placed = placeMarks([mark('3', 9.5 * HOUR), mark('1', 0), mark('2', 90 * 60_000), mark('out', -1), mark('late', 10 * HOUR)], edges('2026-11-22T00:00:00Z', HOUR, 10));
  expect(placed.map(({ key, x }) => [key, x])).toEqual([['1', 0], ['2', 1.5], ['3', 9.5]]);
  expect(placeMarks([mark('1', 0)], [])).toEqual([]);
});

test('labels never overlap: those too near each other are counted', () => {
  const start = Date.parse('2026-11-22T00:00:00Z');
  const e = edges('2026-11-22T00:00:00Z', HOUR, 100);
  const at = (...hours: number[]) => placeMarks(hours.map((hour, i) => ({ key: String(i), at: start + hour * HOUR, label: 'v1.2.3', title: '' })), e);
  const text = (...hours: number[]) => labelMarks(at(...hours), 6, 600, (n) => `${n} deploys`).map((label) => label.text);
  expect(text()).toEqual([]);
  expect(text(10, 50)).toEqual(['v1.2.3', 'v1.2.3']);
  expect(text(10, 12, 50)).toEqual(['2 deploys', 'v1.2.3']);
  expect(text(10, 19, 28)).toEqual(['v1.2.3', 'v1.2.3', 'v1.2.3']);
  // The last label is moved to the left, where it would overlap the one before.
  expect(text(92, 99)).toEqual(['2 deploys']);
  let random = 7;
  for (let round = 0; round < 200; round++) {
    const hours = Array.from({ length: 1 + (round % 30) }, () => (random = (random * 48_271) % 2_147_483_647) % 100);
    const labels = labelMarks(at(...hours), 6, 600, (n) => `${n} deploys`);
    expect(labels.reduce((n, { marks }) => n + marks.length, 0)).toBe(hours.length);
    labels.forEach((label, i) => {
      expect(label.left).toBeGreaterThanOrEqual(0);
      expect(label.left + label.width).toBeLessThanOrEqual(600);
      const next = labels[i + 1];
      if (next) expect(label.left + label.width).toBeLessThanOrEqual(next.left);
    });
  }
});
