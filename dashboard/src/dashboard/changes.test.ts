import { expect, test } from 'vitest';
import type { ChangeRow, EndpointNumbers } from '../api/types';
import { numberFormats } from '../format/number';
import { isChosen, toFilter, toWords } from './changes';

const en = numberFormats('en-US');
const side = (requests: number, server_errors: number, p95_ms: number | null = null): EndpointNumbers => ({ requests, client_errors: 0, server_errors, p95_ms });
const endpoint = (verdict: 'fails_more' | 'slower', before: EndpointNumbers, after: EndpointNumbers): ChangeRow => ({ method: 'GET', route: '/orders', verdict, before, after });
const consumer = (news: 'quiet' | 'appeared', before: number, after: number, at_most = false): ChangeRow => ({ key: 'u:shop', user: 'shop', address: '', news, before, after, at_most });
const say = (row: ChangeRow) => {
  const { method, name, text } = toWords(row, en);
  return `${method} ${name} ${text}`.trim();
};

test('a row is a sentence with its numbers', () => {
  expect(say(endpoint('fails_more', side(10_000, 20), side(1204, 49)))).toBe('GET /orders fails more: 4.1 % of 1,204 requests, 0.2 % before');
  expect(say(endpoint('fails_more', side(0, 0), side(60, 18)))).toBe('GET /orders is new and fails: 30.0 % of 60 requests');
  expect(say(endpoint('slower', side(900, 0, 120), side(900, 0, 1640)))).toBe('GET /orders is slower: p95 1.64 s, 120 ms before');
  expect(say(consumer('quiet', 1204, 0))).toBe('shop went quiet: no request, 1,204 before');
  expect(say(consumer('quiet', 1204, 20, true))).toBe('shop went quiet: at most 20 requests, 1,204 before');
  expect(say(consumer('appeared', 0, 2310))).toBe('shop is new: 2,310 requests');
  expect(say(consumer('appeared', 33, 2310, true))).toBe('shop is new: 2,310 requests, at most 33 before');
  expect(toWords(endpoint('fails_more', side(10_000, 20), side(1204, 49)), en).title).toBe('Server errors (5xx): 49 of 1,204 requests; before, 20 of 10,000 requests.');
});

test('a long name keeps its begin and its end', () => {
  const { name, full } = toWords({ ...consumer('appeared', 0, 60), user: `${'a'.repeat(100)}-end` } as ChangeRow, en);
  expect(name).toMatch(/^a{48}…a{20}-end$/);
  expect(full).toHaveLength(104);
});

test('a press filters by what the row is about, a second one takes it off', () => {
  const row = endpoint('slower', side(9, 0), side(9, 0));
  const q = toFilter('country:US', row);
  expect(q).toBe('country:US route:/orders method:GET');
  expect(isChosen(q, row)).toBe(true);
  expect(toFilter(q, row)).toBe('country:US');
  expect(toFilter('method:GET', row)).toBe('method:GET route:/orders');
  const gone = consumer('quiet', 60, 0);
  expect(toFilter('', gone)).toBe('consumer:u:shop');
});
