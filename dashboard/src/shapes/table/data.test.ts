import { expect, test } from 'vitest';
import { errorLevel, errorRate, matches } from './data';

test('limits: at the limit is still well', () => {
  expect(errorLevel(5, 100, 0.95, 0.9)).toBe('plain');
  expect(errorLevel(6, 100, 0.95, 0.9)).toBe('warn');
  expect(errorLevel(11, 100, 0.95, 0.9)).toBe('bad');
  expect(errorLevel(0, 0, 0.95, 0.9)).toBe('plain');
});

test('rates and searching', () => {
  const row = { requests: 4, client_errors: 1, server_errors: 1 };
  expect(errorRate(row)).toBe(0.5);
  expect(errorRate({ ...row, requests: 0 })).toBeNull();
  expect(matches('GB United Kingdom', 'king UNITED')).toBe(true);
  expect(matches('GB United Kingdom', 'king states')).toBe(false);
  expect(matches('GB', '  ')).toBe(true);
});
