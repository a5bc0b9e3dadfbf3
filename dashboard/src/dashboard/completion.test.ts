import { expect, test } from 'vitest';
import type { FieldInfo } from '../api/types';
import { complete } from './completion';

const field = (name: string, kind: FieldInfo['kind'], aliases: string[] = []): FieldInfo => ({ name, aliases, kind, doc: 'what `it` is', counted: true, label: name, key: name, code: false });
const fields = [field('status', 'status', ['status_code']), field('country', 'country', ['location']), field('client', 'text')];
const texts = (typed: string, values: Parameters<typeof complete>[2] = null) => complete(typed, fields, values).map((s) => s.text);

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
