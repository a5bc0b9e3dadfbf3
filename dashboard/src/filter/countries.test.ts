import { expect, test } from 'vitest';
import { countriesLike, countryOf } from './countries';

test.each([
  ['Germany', 'DE'], ['germany', 'DE'], ['United States', 'US'], ['usa', 'US'], ['UK', 'GB'], ['DE', 'DE'], ['turkiye', 'TR'], ['Turkey', 'TR'], ["Côte d'Ivoire", 'CI'],
  ['de', null], ['EU', null], ['XX', null], ['', null], ['orders', null],
])('%s is the country %s', (text, code) => {
  expect(countryOf(text, 'en')).toBe(code);
});

test('in the language of the viewer as well as in English', () => {
  expect([countryOf('Deutschland', 'de'), countryOf('Germany', 'de'), countryOf('Deutschland', 'en')]).toEqual(['DE', 'DE', null]);
});

test('by the beginning of a word of the name', () => {
  expect(countriesLike('germ', 'en')).toEqual([{ code: 'DE', name: 'Germany' }]);
  expect(countriesLike('zeal', 'en').map(({ code }) => code)).toEqual(['NZ']);
  expect(countriesLike('', 'en')).toEqual([]);
});
