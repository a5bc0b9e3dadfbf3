import { expect, test } from 'vitest';
import type { FieldInfo } from '../api/types';
import { complete, toAsk } from './completion';

const field = (name: string, kind: FieldInfo['kind'], aliases: string[] = []): FieldInfo => ({ name, aliases, kind, doc: 'what `it` is', counted: true, label: name, key: name, code: false });
const fields = [field('status', 'status', ['status_code']), field('country', 'country', ['location']), field('client', 'text')];
const texts = (typed: string, values: Parameters<typeof complete>[2] = null) => complete(typed, fields, values, 'en').map((s) => s.text);

test('fields by name or alias, turned round by a minus, and a word as a path', () => {
  expect(texts('')).toEqual(['status:', 'country:', 'client:']);
  expect(texts('c')).toEqual(['country:', 'client:', 'path:*c*']);
  expect(texts('-loc')).toEqual(['-country:']);
  expect(complete('st', fields, null)[0]).toMatchObject({ done: false, doc: 'what it is' });
});

test('values follow the field, joined to those that are there', () => {
  const values = { field: 'country', prefix: '', found: [{ value: 'US', requests: 9 }, { value: 'UA', requests: 4 }, { value: '', requests: 1 }] };
  expect(texts('country:u', values)).toEqual(['country:US', 'country:UA']);
  expect(texts('-country:US,', values)).toEqual(['-country:US,UA', '-country:US,""']);
  expect(complete('country:US', fields, values)[0]).toMatchObject({ country: 'US', requests: 9, done: true });
  expect(texts('client:', values)).toEqual([]);
  expect(texts('client:"a', { field: 'client', prefix: 'a', found: [{ value: 'a b', requests: 1 }] })).toEqual(['client:"a b"']);
});

test('classes need no counting; an unknown field has nothing', () => {
  expect(texts('status:5')).toEqual(['status:5xx']);
  expect(texts('nothing:x')).toEqual([]);
});

test('what words mean stands first, what else they could be below', () => {
  expect(texts('5xx')).toEqual(['status:5xx', 'path:*5xx*']);
  expect(complete('5xx', fields, null)[0]).toMatchObject({ doc: 'status is 5xx', done: true, meaning: { q: 'status:5xx' } });
  expect(texts('germ')).toEqual(['country:DE', 'path:*germ*']);
  expect(texts('-germany')).toEqual(['-country:DE']);
  expect(texts('POST germany')).toEqual(['method:POST country:DE', 'path:*POST* path:*germany*']);
  const consumers = { field: 'consumer', prefix: 'al', found: [{ value: 'u:alice', requests: 9 }, { value: 'a:1.2.3.4', requests: 3 }] };
  expect(texts('al', consumers)).toEqual(['country:AL', 'country:AX', 'country:DZ', 'consumer:u:alice', 'path:*al*']);
  expect(texts('alice', consumers)).toEqual(['consumer:u:alice', 'path:*alice*']);
  const routes = { field: 'route', prefix: '/v1', found: [{ value: '/v1/users/{id}', requests: 9 }] };
  expect(texts('/v1', routes)).toEqual(['path:/v1*', 'route:/v1/users/{id}', 'path:*/v1*']);
});

test('countries of a condition are found by name, also those that no request came from', () => {
  const values = { field: 'country', prefix: '', found: [{ value: 'DE', requests: 9 }, { value: 'US', requests: 4 }] };
  expect(texts('country:germ', values)).toEqual(['country:DE']);
  expect(texts('country:united s', values)).toEqual(['country:US']);
  expect(texts('-country:DE,unit', values)).toEqual(['-country:DE,US', '-country:DE,AE', '-country:DE,GB']);
});

test('which values are asked for', () => {
  const all = [...fields, field('consumer', 'text'), field('route', 'text'), { ...field('request_id', 'text'), counted: false }];
  expect(toAsk('client:fire', all)).toEqual({ field: 'client', prefix: 'fire' });
  expect(toAsk('-client:a,"b c*', all)).toEqual({ field: 'client', prefix: 'b c' });
  expect(toAsk('location:germ', all)).toEqual({ field: 'country', prefix: '' });
  expect(toAsk('alice', all)).toEqual({ field: 'consumer', prefix: 'alice' });
  expect(toAsk('/v1', all)).toEqual({ field: 'route', prefix: '/v1' });
  for (const typed of ['', 'a', 'two words', 'request_id:7', 'nothing:x']) expect(toAsk(typed, all)).toBeNull();
});
