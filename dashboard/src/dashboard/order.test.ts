import { expect, test } from 'vitest';
import { press, sortRows, toOrder } from './order';

test('the first press sorts by a column from its largest, the next turns it round', () => {
  expect(press('', 'p95_ms')).toBe('p95_ms');
  expect(press('p95_ms', 'p95_ms')).toBe('p95_ms.asc');
  expect(press('p95_ms.asc', 'p95_ms')).toBe('p95_ms');
  expect(press('p95_ms.asc', 'requests')).toBe('');
  expect(press(undefined, 'requests')).toBe('requests.asc');
  expect(press('requests.asc', 'requests')).toBe('');
  expect(toOrder('')).toEqual({ by: 'requests', ascending: false });
  expect(toOrder('last_seen.asc')).toEqual({ by: 'last_seen', ascending: true });
});

test('rows are turned round, those without a value stay last, and equal ones as they were', () => {
  const rows = [{ name: 'a', ms: 9 }, { name: 'b', ms: 5 }, { name: 'c', ms: 5 }, { name: 'd', ms: null }, { name: 'e', ms: null }];
  const names = (text: string) => sortRows(rows, toOrder(text), (row) => row.ms).map((row) => row.name).join('');
  expect(names('ms')).toBe('abcde');
  expect(names('ms.asc')).toBe('bcade');
});
