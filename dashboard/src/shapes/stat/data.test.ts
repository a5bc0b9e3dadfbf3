import { expect, test } from 'vitest';
import { toSpark } from './data';

test('from the bottom to the top', () => {
  expect(toSpark([0, 10], 100, 40)).toEqual({ line: 'M0,38L100,4', area: 'M0,40L0,38L100,4L100,40Z', dots: [] });
  expect(toSpark([0.9, 1], 100, 40, false).line).toBe('M0,38L100,4');
});

test('gaps are gaps, and a value between two of them is a dot', () => {
  const spark = toSpark([1, 1, null, 1, null], 100, 40);
  expect(spark.line).toBe('M0,4L25,4');
  expect(spark.dots).toEqual([{ x: 75, y: 4 }]);
});

test('nothing, zeroes, one value', () => {
  expect(toSpark([], 100, 40).line).toBe('');
  expect(toSpark([null, null], 100, 40)).toEqual({ line: '', area: '', dots: [] });
  expect(toSpark([0, 0], 100, 40).line).toBe('M0,38L100,38');
  expect(toSpark([7], 100, 40).dots).toEqual([{ x: 50, y: 4 }]);
});
