import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { failureMeaning, toSentence } from './words';

test('every code of the server has words', () => {
  const source = readFileSync(new URL('../../../crates/analytics/src/check.rs', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/Failure::\w+(?:\(\w+::\w+\))? => "([a-z_]+)"/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(20);
  for (const code of codes) expect(failureMeaning(code).what, code).not.toBe(code);
});

test('a code that is not known is shown as it is', () => {
  expect(failureMeaning('brand_new')).toEqual({ what: 'brand_new', todo: '' });
});

test('sentences', () => {
  expect(toSentence('status 503, expected 2xx')).toBe('Status 503, expected 2xx.');
  expect(toSentence('Done.')).toBe('Done.');
});
