import { expect, test } from 'vitest';
import { HOUR, MINUTE } from '../format/time';
import { anIncident, heartbeatSettings, httpSettings } from './samples';
import { toFilter, toHost, toReach, toTraffic, toWindow } from './traffic';

test('the host of a monitor as requests name it', () => {
  expect(toHost(httpSettings)).toBe('api.shop.example');
  expect(toHost({ ...httpSettings, url: 'http://API.shop.example:8080/x' })).toBe('api.shop.example');
  expect(toHost({ ...httpSettings, url: 'http://[2001:db8::1]:8080/x' })).toBe('2001:db8::1');
  expect(toHost({ ...httpSettings, kind: 'tcp', target: 'db.example:5432' })).toBe('db.example');
  expect(toHost({ ...httpSettings, url: 'no address' })).toBeNull();
  expect(toHost(heartbeatSettings)).toBeNull();
  expect([toFilter('api.shop.example'), toFilter(null), toFilter('a b')]).toEqual(['host:api.shop.example', '', 'host:"a b"']);
});

test('an open outage fills the last fifth, one that is over stands in the middle', () => {
  const began = Date.parse('2026-11-26T12:00:00Z');
  const at = (ms: number) => new Date(began + ms).toISOString();
  const open = anIncident({ began_at: at(0) });
  expect(toWindow(open, began + 5 * HOUR)).toEqual({ from: began - 20 * HOUR, to: began + 5 * HOUR });
  expect(toWindow(open, began + MINUTE)).toEqual({ from: began - 48 * MINUTE, to: began + MINUTE });
  const closed = anIncident({ began_at: at(0), ended_at: at(HOUR) });
  expect(toWindow(closed, began + 9 * HOUR)).toEqual({ from: began - 2 * HOUR, to: began + 2 * HOUR });
  // The future is not shown.
  expect(toWindow(closed, began + HOUR + MINUTE).to).toBe(began + HOUR + MINUTE);
});

test('failed requests apart from the others; a gap stays one', () => {
  const series = { '1xx': [null, null], '2xx': [8, null], '3xx': [1, null], '4xx': [2, null], '5xx': [4, null], consumers: [], success_rate: [] };
  const period = { from: '1970-01-01T00:00:00.001Z', to: '1970-01-01T00:00:00.002Z' };
  expect(toTraffic({ edges: [0, 1, 2], series }, period)).toEqual({ edges: [0, 1, 2], failed: [4, null], others: [11, null], cut: { first: true, last: false } });
});

test('whom it hits', () => {
  const stat = (value: number) => ({ value, previous: null, series: [], about: false });
  const endpoint = { method: 'GET', route: '/v1/orders', requests: 7, client_errors: 0, server_errors: 7, p50_ms: null, p95_ms: null, p99_ms: null, last_seen: '' };
  const consumer = { key: '', user: '', address: '203.0.113.9', country: '', requests: 7, client_errors: 0, server_errors: 7, p95_ms: null, last_seen: '' };
  const rows = { total_rows: 9, about: false, missing_up_to: null, hidden: false };
  expect(toReach({ requests: stat(7), consumers: stat(2), endpoints: { ...rows, rows: Array.from({ length: 9 }, () => endpoint) }, top_consumers: { ...rows, rows: [consumer, { ...consumer, user: 'alice' }] } } as never)).toMatchObject({
    requests: 7, endpoints_total: 9, consumers_total: 2, endpoints: { length: 5, 0: { name: 'GET /v1/orders', requests: 7 } },
    consumers: [{ name: '203.0.113.9', requests: 7 }, { name: 'alice', requests: 7 }],
  });
  expect(toReach({})).toEqual({ requests: 0, endpoints: [], endpoints_total: 0, consumers: [], consumers_total: 0 });
});
