import { expect, test } from 'vitest';
import type { Certificate, Monitor } from '../api/types';
import { DAY } from '../format/time';
import { aCheck, aMonitor, heartbeatSettings, httpSettings } from './samples';
import { inOrder, toCounts, toEvery, toLeft, toLength, toStanding, toTarget } from './standing';

const failed = aCheck({ outcome: 'down', failure: 'connection_refused', status: null });
const noSignals = { started_at: null, succeeded_at: null, failed_at: null, took_ms: null };

test.each<[string, Partial<Monitor>, string]>([
  ['well', {}, 'Up '],
  ['a failed check alone is no outage', { last_check: failed, unconfirmed: { results: 1, since: '' } }, 'Up 1 of 3 checks failed'],
  ['down, and why', { state: 'down', is_down: true, last_check: failed }, 'Down connection refused'],
  ['down, and about to recover', { state: 'down', is_down: true, unconfirmed: { results: 1, since: '' } }, 'Down 1 of 2 checks passed'],
  ['slow', { state: 'degraded', settings: { ...httpSettings, degraded_above_ms: 500 } }, 'Degraded over 500 ms'],
  ['failures from the beginning', { state: 'unknown', last_check: failed, unconfirmed: { results: 2, since: '' } }, 'Unknown 2 of 3 checks failed'],
  ['never checked', { state: 'unknown', last_check: null }, 'Waiting for the first check'],
  ['not checked for long', { state: 'unknown', last_check: aCheck({ outcome: 'unknown', missed: 5 }) }, 'Unknown not checked'],
  ['an outage that nobody looks at any more', { state: 'unknown', is_down: true }, 'Unknown down when last checked'],
  ['planned maintenance', { state: 'maintenance' }, 'Maintenance '],
  ['an outage during maintenance', { state: 'maintenance', is_down: true }, 'Maintenance down'],
  ['paused wins over everything', { state: 'down', is_down: true, settings: { ...httpSettings, paused: true } }, 'Paused '],
  ['a heartbeat before its first call', { state: 'unknown', settings: heartbeatSettings, signals: noSignals, last_check: aCheck({ outcome: 'unknown' }) }, 'Waiting for the first call'],
  ['a heartbeat that has called', { state: 'unknown', settings: heartbeatSettings, signals: { ...noSignals, started_at: '2026-11-26T10:00:00Z' } }, 'Unknown '],
])('%s', (_, change, expected) => {
  const { label, detail } = toStanding(aMonitor(change));
  expect(`${label} ${detail}`).toBe(expected);
});

test('what needs attention stands first, then by name; the counts say the same', () => {
  const named = (id: number, name: string, change: Partial<Monitor> = {}) => aMonitor({ id, settings: { ...httpSettings, name }, ...change });
  const all = [
    named(1, 'b'), named(2, 'paused', { settings: { ...httpSettings, name: 'paused', paused: true } }), named(3, 'a'),
    named(4, 'z', { state: 'down', is_down: true }), named(5, 'slow', { state: 'degraded' }), named(6, 'a'),
  ];
  expect(inOrder(all).map(({ id }) => id)).toEqual([4, 5, 3, 6, 1, 2]);
  expect(toCounts(all).map(({ text }) => text)).toEqual(['1 down', '1 degraded', '3 up', '1 paused']);
  expect(toCounts([])).toEqual([]);
});

test('targets in one line', () => {
  expect(toTarget(httpSettings)).toBe('https://api.shop.example/health');
  expect(toTarget({ ...httpSettings, method: 'HEAD' })).toBe('HEAD https://api.shop.example/health');
  expect(toTarget({ ...httpSettings, kind: 'tcp', target: 'db:5432' })).toBe('tcp://db:5432');
  expect(toTarget(heartbeatSettings)).toBe('heartbeat, every day');
  expect(toTarget({ ...heartbeatSettings, cron: '0 3 * * *', time_zone: 'Europe/London' })).toBe('heartbeat, 0 3 * * * Europe/London');
});

test.each([[20, '20 s'], [90, '90 s'], [120, '2 min'], [3600, '1 h'], [86_400, '1 day'], [172_800, '2 days'], [0, '0 s']])('%i seconds', (seconds, text) => {
  expect(toLength(seconds)).toBe(text);
});

test('every so often', () => {
  expect([20, 60, 3600, 7200, 86_400].map(toEvery)).toEqual(['every 20 s', 'every minute', 'every hour', 'every 2 h', 'every day']);
});

test('a certificate: days are rounded down, and the server says what is short', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  const certificate = (days: number, change: Partial<Certificate> = {}): Certificate => ({
    not_before: '', not_after: new Date(now + days * DAY).toISOString(), names: [], issuer: '', level: 'fine', problem: null, ...change,
  });
  expect(toLeft(certificate(62.9), now)).toEqual({ text: '62 days', tone: 'good' });
  expect(toLeft(certificate(1.5, { level: 'warn' }), now)).toEqual({ text: '1 day', tone: 'warn' });
  expect(toLeft(certificate(0.5, { level: 'critical' }), now)).toEqual({ text: '< 1 day', tone: 'bad' });
  expect(toLeft(certificate(-3, { level: 'expired' }), now)).toEqual({ text: 'expired', tone: 'bad' });
  expect(toLeft(certificate(90, { level: 'not_yet_valid' }), now)).toEqual({ text: 'not valid yet', tone: 'bad' });
  expect(toLeft(certificate(90, { problem: 'the certificate is self-signed' }), now)).toEqual({ text: '90 days', tone: 'bad' });
});
