import { expect, test } from 'vitest';
import { press, toOrder } from './order';

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
