import { expect, test } from 'vitest';
import type { EndpointChange } from '../api/types';
import { numberFormats } from '../format/number';
import { serverErrorRate, toVerdict, type Verdict } from './effect';

const en = numberFormats('en-US');
const none = { requests: 0, client_errors: 0, server_errors: 0, p95_ms: null };
const rows = (...verdicts: Verdict[]): EndpointChange[] => verdicts.map((verdict, i) => ({ method: 'GET', route: `/${i}`, verdict, before: none, after: none }));

test('an effect is summed up in a sentence', () => {
  expect(toVerdict([], en)).toBe('');
  expect(toVerdict(rows('steady'), en)).toBe('1 endpoint is as before.');
  expect(toVerdict(rows('fails_more', 'slower', 'slower', 'faster', 'fails_less', 'steady'), en)).toBe('1 endpoint fails more, 2 are slower, 2 are better, 1 is as before.');
});

test('of nothing there is no rate', () => {
  expect(serverErrorRate(none)).toBeNull();
  expect(serverErrorRate({ ...none, requests: 200, server_errors: 50 })).toBe(0.25);
});
