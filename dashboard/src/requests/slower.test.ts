import { expect, test } from 'vitest';
import { fasterShare, slowerWords } from './slower';

const histogram = [
  { from_ms: 0, to_ms: 10, requests: 50 },
  { from_ms: 10, to_ms: 20, requests: 40 },
  { from_ms: 100, to_ms: 200, requests: 10 },
];

test('a duration stands among the others', () => {
  expect([0, 5, 10, 15, 50, 150, 1_000].map((ms) => fasterShare(histogram, ms)?.share)).toEqual([0, 0.25, 0.5, 0.7, 0.9, 0.95, 1]);
  expect(fasterShare(histogram, 5)?.requests).toBe(100);
  expect(fasterShare(histogram.slice(2), 5)).toBeNull();
  expect(fasterShare([], 5)).toBeNull();
});

test('it is said in whole percents', () => {
  expect([0, 0.009, 0.01, 0.93, 0.9999, 1].map(slowerWords)).toEqual([
    'Among the fastest 1 %', 'Among the fastest 1 %', 'Slower than 1 %', 'Slower than 93 %', 'Slower than 99 %', 'Slower than 99 %',
  ]);
});
