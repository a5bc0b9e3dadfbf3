import { expect, test } from 'vitest';
import { found, missing, unfoldLabel } from './unfold';

const list = (total_rows: number, more: object = {}) => ({ total_rows, ...more });

test('a button says how many rows it brings', () => {
  expect(unfoldLabel(list(65), false)).toBe('Show all 65');
  expect(unfoldLabel(list(17_193), false)).toBe('Show all 17,193');
  expect(unfoldLabel(list(1_240_000, { about: true }), false)).toBe('Show all about 1,240,000');
  expect(unfoldLabel(list(17_193), true)).toBe('17,193 rows · show fewer');
  expect(found(65, list(17_193))).toBe('65 of 17,193 match');
});

test('a list that was cut says what it may lack', () => {
  expect(missing(list(65), 'a consumer')).toBe('');
  expect(missing(list(65, { missing_up_to: 1 }), 'a consumer')).toBe('There are too many to list them all: a consumer with one request may be missing.');
  expect(missing(list(65, { missing_up_to: 1_200 }), 'an endpoint')).toBe('There are too many to list them all: an endpoint with up to 1,200 requests may be missing.');
  const both = missing(list(65, { missing_up_to: 40, low_by_up_to: 1 }), 'a consumer');
  expect(both).toBe('There are too many to list them all: a consumer with up to 40 requests may be missing. A count may be too low by one request.');
});
