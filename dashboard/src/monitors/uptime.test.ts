import { expect, test } from 'vitest';
import { toUptimeText } from './uptime';

test('uptime in a sentence', () => {
  const row = { period: '90d', percent: '99.93', coverage_percent: '97.2', down_ms: 5_400_000, degraded_ms: 0 };
  expect(toUptimeText(row)).toBe('Down for 1 h 30 min; 97.2 % of this period is known');
  expect(toUptimeText({ ...row, percent: '100', down_ms: 0, coverage_percent: '100.0' })).toBe('Down for no time; 100.0 % of this period is known');
  expect(toUptimeText({ ...row, percent: null, coverage_percent: '24.8' })).toBe('Only 24.8 % of this period is known: too little for a number');
  expect(toUptimeText({ ...row, percent: null, coverage_percent: null })).toBe('Nothing is known of this period');
});
