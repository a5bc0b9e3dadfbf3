import { expect, test } from 'vitest';
import { fileName } from './name';

test('a file is called after project and period, whatever the project is called', () => {
  const week = { from: '2026-11-20T10:00:00Z', to: '2026-11-27T10:00:00Z' };
  expect(fileName('Shop API', 'requests', week, 'csv')).toBe('Shop-API-requests-2026-11-20-to-2026-11-27.csv');
  expect(fileName('../../etc/pass\nwd', 'requests', null, 'csv')).toBe('etc-pass-wd-requests.csv');
  expect(fileName('Überblick 東京', 'hosts', null, 'ndjson')).toBe('Überblick-東京-hosts.ndjson');
  expect(fileName('//', 'hosts', null, 'csv')).toBe('api-analytics-hosts.csv');
  expect(fileName(undefined, 'hosts', null, 'csv')).toBe('api-analytics-hosts.csv');
});
