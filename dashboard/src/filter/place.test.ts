import { expect, test } from 'vitest';
import { toPlace } from './place';
import { split } from './text';

function marked(q: string, offset: number): string | null {
  const place = toPlace(q, offset);
  const text = place && split(q)[place.index]?.text;
  return place && text ? `${place.index} ${text.slice(place.start, place.end)}` : null;
}

test.each([
  ['status:9xx', 7, '0 9xx'],
  ['status:5xx,9xx country:US', 11, '0 9xx'],
  ['colour:red', 0, '0 colour'],
  ['status:5xx -colour:red', 12, '1 colour'],
  ['user:😀 status:9xx', 14, '1 9xx'],
  ['orders', 0, '0 orders'],
  ['status:2xx user:"a b', 16, '1 "a b'],
  ['status:', 7, '0 status:'],
  ['path:a\\', 7, '0 path:a\\'],
])('%s at %i', (q, offset, expected) => {
  expect(marked(q, offset)).toBe(expected);
});

test('there is no place in nothing', () => {
  expect(toPlace('', 0)).toBeNull();
});
