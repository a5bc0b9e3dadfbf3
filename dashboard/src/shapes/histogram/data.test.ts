import { expect, test } from 'vitest';
import { durationRange, toHistogram } from './data';

test('equal factors are equal widths', () => {
  const { bars, place, ticks } = toHistogram(
    [{ from_ms: 1, to_ms: 10, requests: 4 }, { from_ms: 10, to_ms: 100, requests: 8 }, { from_ms: 100, to_ms: 1000, requests: 0 }, { from_ms: 1000, to_ms: 10_000, requests: 1 }],
    10, 1000,
  );
  expect(bars.map((bar) => [bar.x, bar.width, bar.height, bar.color].map((v) => (typeof v === 'number' ? Math.round(v * 1000) / 1000 : v)))).toEqual([
    [0, 0.25, 0.5, '--p50'],
    [0.25, 0.25, 1, '--p95'],
    [0.75, 0.25, 0.125, '--p99'],
  ]);
  expect(place(100)).toBeCloseTo(0.5);
  expect(place(1e9)).toBe(1);
  expect(ticks.map((tick) => tick.ms)).toEqual([1, 10, 100, 1000, 10_000]);
});

test('nothing, one bucket, and one that begins at zero', () => {
  expect(toHistogram([], null, null).bars).toEqual([]);
  const one = toHistogram([{ from_ms: 20, to_ms: 20.4, requests: 1 }], 20, 20).bars[0];
  expect(one?.width).toBeLessThan(0.05);
  expect((one?.x ?? 0) + (one?.width ?? 0) / 2).toBeCloseTo(0.5);
  const zero = toHistogram([{ from_ms: 0, to_ms: 0, requests: 3 }, { from_ms: 5, to_ms: 5.1, requests: 1 }], null, null);
  expect(zero.bars.every((bar) => Number.isFinite(bar.x) && bar.width > 0)).toBe(true);
});

test('a bar as a filter, its end excluded', () => {
  expect(durationRange(1, 1.02)).toBe('1000us..1019us');
  expect(durationRange(0, 0)).toBe('0us..0us');
});
