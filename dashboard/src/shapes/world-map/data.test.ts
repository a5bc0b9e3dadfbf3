import { expect, test } from 'vitest';
import { countryName, toShades } from './data';
import atlas from './countries.json';

test('the most is darkest, little still shows, unknown is nowhere', () => {
  const shades = toShades([{ key: 'US', requests: 100 }, { key: 'GB', requests: 1 }, { key: '', requests: 500 }]);
  expect(shades.get('US')).toEqual({ requests: 100, shade: 1 });
  expect(shades.get('GB')?.shade).toBeCloseTo(0.262);
  expect(shades.size).toBe(2);
});

test('names, and letters that are none', () => {
  expect(countryName('GB', 'en-US')).toBe('United Kingdom');
  expect(countryName('<b>', 'en-US')).toBe('<b>');
});

test('the atlas draws each country once, by two letters', () => {
  const entries = Object.entries(atlas.outlines);
  expect(entries.length).toBeGreaterThan(170);
  for (const [code, path] of entries) {
    expect(code).toMatch(/^[A-Z]{2}$/);
    expect(path).toMatch(/^M[\d.,MLZ-]+Z$/);
  }
  expect(atlas.outlines).toHaveProperty('XK');
});
