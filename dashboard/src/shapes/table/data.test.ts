import { expect, test } from 'vitest';
import { endpointsCsv, errorLevel, errorRate, search } from './data';

test('limits: at the limit is still well', () => {
  expect(errorLevel(5, 100, 0.95, 0.9)).toBe('plain');
  expect(errorLevel(6, 100, 0.95, 0.9)).toBe('warn');
  expect(errorLevel(11, 100, 0.95, 0.9)).toBe('bad');
  expect(errorLevel(0, 0, 0.95, 0.9)).toBe('plain');
});

test('rates, searching, and the file', () => {
  const row = { method: 'GET', route: '/v1/a,b', requests: 4, client_errors: 1, server_errors: 1, p50_ms: 1, p95_ms: null, p99_ms: 2.5, last_seen: '2026-11-22T10:00:00Z' };
  expect(errorRate(row)).toBe(0.5);
  expect(errorRate({ ...row, requests: 0 })).toBeNull();
  expect(search([row], 'get V1', (r) => `${r.method} ${r.route}`)).toHaveLength(1);
  expect(search([row], 'post', (r) => `${r.method} ${r.route}`)).toHaveLength(0);
  expect(search([row], '  ', (r) => r.route)).toHaveLength(1);
  expect(endpointsCsv([row])).toContain('GET,"/v1/a,b",4,1,1,1,,2.5,2026-11-22T10:00:00Z\r\n');
});
