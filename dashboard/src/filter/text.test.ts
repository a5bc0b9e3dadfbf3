import { expect, test } from 'vitest';
import { both, has, quote, removeAt, replace, split, toggle, unquote } from './text';

test('q is cut at spaces outside of quotes, and half-written text is a condition too', () => {
  const texts = (q: string) => split(q).map((c) => c.text);
  expect(texts('  status:5xx   path:/v1/* ')).toEqual(['status:5xx', 'path:/v1/*']);
  expect(texts('user:"a b" -country:US,"" x')).toEqual(['user:"a b"', '-country:US,""', 'x']);
  expect(texts('path:a\\ b c')).toEqual(['path:a\\ b', 'c']);
  expect(texts('user:"never closed here')).toEqual(['user:"never closed here']);
  expect(texts('path:5"x y')).toEqual(['path:5"x', 'y']);
  expect(texts('')).toEqual([]);
  expect(split('-country:US,GB')[0]).toEqual({ text: '-country:US,GB', negated: true, field: 'country', values: ['US', 'GB'] });
  expect(split('consumer:u:alice')[0]).toMatchObject({ field: 'consumer', values: ['u:alice'] });
  expect(split('agent:"a,b",c')[0]?.values).toEqual(['"a,b"', 'c']);
});

test.each(['US', '', 'a b', 'a,b', 'say "x"', 'back\\slash', '/files/*', '<b>&amp;', 'ünï', '"', '\n', 'a\u0085b'])(
  'the value %j reads back as itself',
  (value) => {
    const condition = split(`user:${quote(value)} status:200`)[0];
    expect(condition?.values.map(unquote)).toEqual([value]);
    expect(split(`user:${quote(value)} status:200`)).toHaveLength(2);
  },
);

test('a click adds, a second one takes off, another value joins', () => {
  expect(toggle('', 'country', ['US'])).toBe('country:US');
  expect(toggle('status:5xx country:US', 'country', ['US'])).toBe('status:5xx');
  expect(toggle('country:US status:5xx', 'country', ['GB'])).toBe('country:US,GB status:5xx');
  expect(toggle('country:US,GB', 'country', ['US'])).toBe('country:GB');
  expect(toggle('country:US', 'country', ['US'], true)).toBe('-country:US');
  expect(toggle('-country:US,GB', 'country', ['US'])).toBe('-country:GB country:US');
  expect(toggle('-country:GB', 'country', ['US'], true)).toBe('-country:GB,US');
});

test('setting, removing and asking', () => {
  expect(replace('host:a -host:b status:2xx', 'host', ['c'])).toBe('-host:b status:2xx host:c');
  expect(replace('host:a', 'host', [])).toBe('');
  expect(removeAt('a:1 b:2 c:3', 1)).toBe('a:1 c:3');
  expect(has('country:US,GB', 'country', 'GB')).toBe(true);
  expect(has('-country:GB', 'country', 'GB')).toBe(false);
  expect(has('-country:GB', 'country', 'GB', true)).toBe(true);
  expect(both(' ', 'status:5xx')).toBe('status:5xx');
  expect(both('a:1', 'b:2')).toBe('a:1 b:2');
});
