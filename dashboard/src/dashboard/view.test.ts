import { expect, test } from 'vitest';
import { hideBots, hideNotFound, hideRoute, showRoute, toHidden, viewPart } from './view';

test('each is a condition of the filter, and goes as it came', () => {
  expect(hideNotFound('country:US')).toBe('country:US -status:404');
  expect(hideNotFound('country:US -status:404')).toBe('country:US');
  expect(hideBots('')).toBe('-device:bot');
  expect(hideRoute('-route:/a', ' /health* ')).toBe('-route:/a,/health*');
  expect(hideRoute('-route:/health*', '/health*')).toBe('-route:/health*');
  expect(hideRoute('', 'a b')).toBe('-route:"a b"');
  expect(hideRoute('', '')).toBe('');
  expect(showRoute('-route:/a,/health*', '/a')).toBe('-route:/health*');
});

test('what is hidden is read from the filter, and the rest of it is not remembered', () => {
  const q = 'country:US -status:404 -route:/a,/b* path:/x';
  expect(toHidden(q)).toEqual({ notFound: true, bots: false, routes: ['/a', '/b*'] });
  expect(viewPart(q)).toBe('-status:404 -route:/a,/b*');
  expect(viewPart('country:US')).toBe('');
});
