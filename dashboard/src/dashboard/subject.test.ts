import { expect, test } from 'vitest';
import { split, unquote } from '../filter/text';
import { toPage } from '../router/address';
import { dashboardOf, placeAt, requestsOf, subjectOf } from './places';
import { isGiven, lockOf, toSubject, toSubjectParameters, toTitle, withoutAnyOwn, withoutOwn, type Subject } from './subject';

const HOSTILE = ['<img src=x onerror=alert(1)>', '" onload="x', 'a b,c', '/files/*', 'back\\slash', "it's", '/v1/orders/{id}', 'u:x', '-not', '>1s', '1..2', ' led by a space', 'a&b=c#d%20', 'مرحبا'];
const subjects: Subject[] = [
  ...HOSTILE.map((route): Subject => ({ kind: 'endpoint', method: 'GET', route })),
  ...HOSTILE.map((id): Subject => ({ kind: 'consumer', key: `u:${id}` })),
  { kind: 'consumer', key: 'a:2001:db8::1' },
  { kind: 'endpoint', method: '', route: '/any' },
  { kind: 'endpoint', method: 'GET', route: '' },
];

test.each(subjects)('%j goes into an address and its filter, and comes back as itself', (subject) => {
  const parameters = new URLSearchParams(new URLSearchParams(toSubjectParameters(subject)).toString());
  expect(toSubject(subject.kind, parameters)).toEqual(subject);
  const values = Object.fromEntries(split(lockOf(subject)).map(({ field, values }) => [field, values.map(unquote)]));
  if (subject.kind === 'consumer') expect(values).toEqual({ consumer: [subject.key] });
  else expect(values).toEqual({ ...(subject.method ? { method: [subject.method] } : {}), route: [subject.route] });
  // A bare star would match anything.
  expect(lockOf(subject)).not.toMatch(/(^|[^"\\])\*(?![^"]*")/);
});

test('an address that names nothing is no such page', () => {
  expect(toSubject('endpoint', new URLSearchParams('project=1'))).toBeNull();
  for (const consumer of ['', 'u:', 'alice', 'x:alice']) expect(toSubject('consumer', new URLSearchParams({ consumer })), consumer).toBeNull();
  expect(toSubject('dashboard', new URLSearchParams('route=/a'))).toBeNull();
});

test('where the pages are, for owner, demo and guest', () => {
  const at = (address: string) => {
    const { pathname, searchParams } = new URL(address, 'http://h');
    return placeAt(toPage(pathname), searchParams);
  };
  const endpoint: Subject = { kind: 'endpoint', method: 'GET', route: '/a' };
  expect(at('/endpoint?project=1&method=GET&route=/a&period=24h')).toEqual({ scope: { project: '1' }, place: subjectOf({ project: '1' }, endpoint) });
  expect(at('/endpoint/demo?method=GET&route=/a')?.place).toEqual({ path: '/endpoint/demo', fixed: { method: 'GET', route: '/a' }, subject: endpoint });
  expect(at('/share/t?view=endpoint&method=GET&route=/a')).toEqual({ scope: { token: 't' }, place: { path: '/share/t', fixed: { view: 'endpoint', method: 'GET', route: '/a' }, subject: endpoint } });
  expect(at('/consumer?project=1&consumer=u:a')?.place.subject).toEqual({ kind: 'consumer', key: 'u:a' });
  expect(at('/share/t')?.place).toEqual(dashboardOf({ token: 't' }));
  expect(at('/share/t?view=requests')?.place).toEqual(requestsOf({ token: 't' }));
  expect(at('/explorer?project=1')?.place).toEqual(requestsOf({ project: '1' }));
  for (const nothing of ['/dashboard', '/endpoint?project=1', '/share/t?view=consumer', '/settings?project=1', '/endpoint?route=/a']) expect(at(nothing), nothing).toBeNull();
});

test('conditions that the page makes idle are left out of what goes with it', () => {
  expect(withoutOwn('status:5xx route:/a,/b method:GET -route:/health* country:DE', 'endpoint')).toBe('status:5xx -route:/health* country:DE');
  expect(withoutAnyOwn('-status:404 -route:/health* route:/a', 'endpoint')).toBe('-status:404');
  expect(withoutOwn('consumer:u:a route:/a', 'consumer')).toBe('route:/a');
});

test('what the page is about can not be clicked', () => {
  expect(isGiven({ kind: 'endpoint', method: 'GET', route: '/a' }, 'route', '/a')).toBe(true);
  expect(isGiven({ kind: 'endpoint', method: 'GET', route: '/a' }, 'path', '/a')).toBe(false);
  expect(isGiven({ kind: 'consumer', key: 'u:a' }, 'user', 'a')).toBe(true);
  expect(isGiven({ kind: 'consumer', key: 'a:a' }, 'user', 'a')).toBe(false);
  expect(toTitle({ kind: 'consumer', key: 'u:a' })).toBe('a');
  expect(toTitle({ kind: 'endpoint', method: 'GET', route: '' })).toBe('GET (no path)');
});
