import { expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../format/time';
import { firstBucket, isQuiet, lengthInWords, paceInWords, quietInWords, toPace } from './facts';

test('first seen is the first bucket with a request of any class', () => {
  expect(firstBucket([0, 10, 20, 30], [[0, 0, 2], [0, 1, 0]])).toEqual({ from: 10, to: 20 });
  expect(firstBucket([0, 10], [[0]])).toBeNull();
  expect(firstBucket([], [])).toBeNull();
});

test('a pace needs some requests', () => {
  expect(toPace(11, 0, 10 * MINUTE)).toBe(MINUTE);
  expect(toPace(4, 0, MINUTE)).toBeNull();
  expect(toPace(9, 5, 5)).toBeNull();
});

test('quiet is where several requests are missing, and never before an hour', () => {
  expect(isQuiet(0, 3 * DAY, 4 * MINUTE)).toBe(true);
  expect(isQuiet(0, 59 * MINUTE, 1000)).toBe(false);
  expect(isQuiet(0, 4 * DAY, DAY)).toBe(false);
  expect(isQuiet(0, 30 * DAY, null)).toBe(false);
});

test.each([
  [3 * DAY, '3 days'], [36 * HOUR, '36 hours'], [DAY, 'a day'], [90 * MINUTE, '90 minutes'], [HOUR, 'an hour'], [4 * MINUTE, '4 minutes'],
  [70_000, 'a minute'], [80_000, '80 seconds'], [1000, 'a second'], [1, 'a second'],
])('%d ms are %s', (ms, words) => {
  expect(lengthInWords(ms)).toBe(words);
});

test('pace and quiet in words', () => {
  expect(paceInWords(4 * MINUTE)).toBe('a request every 4 minutes');
  expect(paceInWords(MINUTE)).toBe('a request every minute');
  expect(paceInWords(80)).toBe('13 requests a second');
  expect(quietInWords(3 * DAY, 4 * MINUTE, 7 * DAY)).toBe('Quiet for 3 days. In the week before: a request every 4 minutes.');
  expect(quietInWords(2 * HOUR, MINUTE, 5 * DAY)).toBe('Quiet for 2 hours. In the 5 days before: a request every minute.');
});
