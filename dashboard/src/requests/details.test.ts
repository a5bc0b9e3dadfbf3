import { expect, test } from 'vitest';
import type { Hit } from '../api/types';
import { numberFormats } from '../format/number';
import { consumerOf, toDetails } from './details';

const numbers = numberFormats('en');
const words = { numbers, time: () => 'then', country: (code: string) => `Land ${code}` };
const empty: Hit = {
  hit_id: '7', time: '2026-11-22T10:00:00Z', method: 'GET', host: null, path: '/a b', route: null, version: null, status: 503, duration_ms: null, country: null,
  address: null, user_id: null, user_agent: null, client: null, os: null, device: null, referrer: null, framework: null, request_size: null, response_size: null,
};

test('what is not known is not listed', () => {
  expect(toDetails(empty, words).map(({ label }) => label)).toEqual(['Time', 'Status', 'Method', 'Path', 'Id']);
});

test('a click filters by what the server calls it, and quotes what must be', () => {
  const details = toDetails({ ...empty, country: 'NP', duration_ms: 12.3456, user_agent: 'curl/8 *', user_id: 'u', address: '1.2.3.4' }, words);
  const of = (label: string) => details.find((detail) => detail.label === label);
  expect(of('Path')).toMatchObject({ field: 'path', written: '"/a b"' });
  expect(of('Country')).toMatchObject({ text: 'Land NP', aside: 'NP', field: 'country', written: 'NP' });
  expect(of('User agent')).toMatchObject({ field: 'agent', written: '"curl/8 *"' });
  expect(of('Status')).toMatchObject({ text: '503', aside: 'Service Unavailable', written: '503' });
  expect(of('Duration')).toEqual({ label: 'Duration', text: '12.346 ms' });
  expect(consumerOf({ ...empty, user_id: 'u', address: '1.2.3.4' })).toBe('u');
  expect(consumerOf(empty)).toBe('');
});
