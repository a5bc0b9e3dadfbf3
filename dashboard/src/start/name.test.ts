import { expect, test } from 'vitest';
import { proposeName } from './name';

test.each([
  ['analytics.shop.example', [], 'shop.example'],
  ['api-analytics.shop.example', ['shop.example'], 'shop.example 2'],
  ['shop.example', ['shop.example', 'shop.example 2'], 'shop.example 3'],
  ['stats.local', [], 'stats.local'],
  ['localhost', [], 'localhost'],
  ['10.0.0.7', ['other'], '10.0.0.7'],
])('%s beside %j is proposed as %s', (host, taken, name) => {
  expect(proposeName(host, taken)).toBe(name);
});
