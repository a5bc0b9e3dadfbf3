import { expect, test } from 'vitest';
import type { FieldInfo, Hit } from '../api/types';
import { numberFormats } from '../format/number';
import { consumerOf, toDetails } from './details';

const numbers = numberFormats('en');
const words = { numbers, time: () => 'then', country: (code: string) => `Land ${code}` };
const empty = {
  hit_id: '7', time: '2026-11-22T10:00:00Z', method: 'GET', path: '/a b', status: 503, duration_ms: null, country: null, user_agent: null, request_size: null,
} as Hit;
const field = (name: string, label: string, more: Partial<FieldInfo> = {}): FieldInfo =>
  ({ name, label, key: name, kind: 'text', code: false, aliases: [], doc: '', counted: true, ...more });
const fields = [
  field('status', 'Status', { kind: 'status' }),
  field('method', 'Method'),
  field('path', 'Path', { code: true }),
  field('duration', 'Duration', { key: 'duration_ms', kind: 'duration' }),
  field('country', 'Country', { kind: 'country' }),
  field('agent', 'User agent', { key: 'user_agent' }),
  field('request_size', 'Request size', { kind: 'size' }),
  field('consumer', 'Consumer', { key: null }),
];

test('what is not known is not listed', () => {
  expect(toDetails(empty, fields, words).map(({ label }) => label)).toEqual(['Time', 'Status', 'Method', 'Path', 'Id']);
});

test('a click filters by what the server calls it, and quotes what must be', () => {
  const details = toDetails({ ...empty, country: 'NP', duration_ms: 12.3456, user_agent: 'curl/8 *', request_size: 2048 }, fields, words);
  const of = (label: string) => details.find((detail) => detail.label === label);
  expect(of('Path')).toEqual({ label: 'Path', text: '/a b', field: 'path', written: '"/a b"', mono: true });
  expect(of('Country')).toMatchObject({ text: 'Land NP', aside: 'NP', field: 'country', written: 'NP' });
  expect(of('User agent')).toMatchObject({ field: 'agent', written: '"curl/8 *"' });
  expect(of('Status')).toMatchObject({ text: '503', aside: 'Service Unavailable', written: '503' });
  expect(of('Duration')).toEqual({ label: 'Duration', text: '12.346 ms' });
  expect(of('Request size')?.text).toMatch(/^2.KB$/);
  expect(of('Consumer')).toBeUndefined();
  expect(consumerOf({ ...empty, user_id: 'u', address: '1.2.3.4' })).toBe('u');
  expect(consumerOf(empty)).toBe('');
});
