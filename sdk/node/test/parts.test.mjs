// The parts that need no app: templates, the wire format, mappers, waits, settings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join as joinPath } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = joinPath(dirname(fileURLToPath(import.meta.url)), '../node_modules/api-analytics-client');
const part = (name) => import(pathToFileURL(joinPath(root, `dist/esm/${name}.js`)).href);
const { toTemplate, toMountTemplate, join } = await part('template');
const { cut, decodePath, fromHeader, toCache, toJson, toPath, toSize, withoutPort } = await part('hit');
const { toMapper } = await part('mapper');
const { toBackoff, toMilliseconds } = await part('answer');
const { toKey, toPrivacyLevel, toRelease, toServerUrl, Config } = await part('config');

const said = [];
const real = console.error;
console.error = (text) => said.push(text);
after(() => (console.error = real));

test('the version is that of the package', async () => {
  const { VERSION } = await part('version');
  assert.equal(VERSION, JSON.parse(readFileSync(joinPath(root, 'package.json'), 'utf8')).version);
});

test('patterns of every framework become templates', () => {
  const cases = {
    '/': '/', '/items': '/items', '/items/:id': '/items/{id}', 'items/:id': '/items/{id}',
    '/items/:id(\\d+)': '/items/{id}', '/items/:id([0-9]+(?:a|b))/x': '/items/{id}/x', '/items/:id?': '/items/{id}',
    '/files/*path': '/files/{path}', '/users{/:id}': '/users/{id}', '/:from-:to': '/{from}-{to}', '/a::b': '/a:b',
    '/at/:hour(^\\d{2}$)h:minute(^\\d{2}$)m': '/at/{hour}h{minute}m', '/:"odd name"': '/{odd name}', '/a\\:b': '/a:b',
    '*': undefined, '/files/*': undefined, '/(a|b)': undefined, '/:': undefined,
  };
  for (const [pattern, template] of Object.entries(cases)) assert.equal(toTemplate(pattern), template, pattern);
  assert.equal(toTemplate('/items/:id{[0-9]{2,}}/x', 'constraint'), '/items/{id}/x');
  assert.equal(toTemplate(/^\/a/), undefined);
  assert.equal(toTemplate(undefined), undefined);
});

test('a mount is spelled by its parameters', () => {
  assert.equal(toMountTemplate('/orgs/acme', { org: 'acme' }, '/items/{id}'), '/orgs/{org}');
  assert.equal(toMountTemplate('/a/a/x%20y', { one: 'a', two: 'x y' }, '/'), '/a/{one}/{two}');
  assert.equal(toMountTemplate('/orgs/7', { id: '7' }, '/items/{id}'), '/orgs/7', 'the route\'s own parameter, not the mount\'s');
  assert.equal(toMountTemplate('/orgs/acme', undefined, '/'), '/orgs/acme');
  assert.equal(toMountTemplate('/bad/%zz', { x: '%zz' }, '/'), '/bad/{x}');
  assert.equal(join('/orgs/{org}', '/'), '/orgs/{org}');
  assert.equal(join('/api/', '/x'), '/api/x');
  assert.equal(join('', '/'), '/');
});

const hit = (more) => ({ startedAt: 1_700_000_000_123, duration: 1.23456, method: 'GET', path: '/a', status: 200, ...more });

test('a hit on the wire', () => {
  assert.deepEqual(JSON.parse(toJson(hit())), { method: 'GET', path: '/a', status: 200, response_time: 1.235, created_at: '2023-11-14T22:13:20.123Z' });
  const full = JSON.parse(toJson(hit({
    route: '/{a}', hostname: 'a.example:80', address: '::1', userAgent: 'é\ud800"', userId: '', referrer: 'https://a/b?c#d',
    requestSize: 0, responseSize: 7, requestId: 'r', cache: 'hit', duration: -5,
  })));
  assert.deepEqual([full.hostname, full.user_agent, full.user_id, full.referrer], ['a.example', 'é\ufffd"', undefined, 'https://a/b']);
  assert.deepEqual([full.request_size, full.response_size, full.response_time, full.cache], [0, 7, 0, 'hit']);
});

test('texts are cut between characters, and copied', () => {
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('ab😀', 3), 'ab');
  assert.equal(cut('x'.repeat(9000), 2048).length, 2048);
});

test('headers are read as UTF-8 where they are that', () => {
  assert.equal(fromHeader(Buffer.from('é').toString('latin1'), 10), 'é');
  assert.equal(fromHeader('\xe9', 10), 'é');
  assert.equal(fromHeader(['a', 'b'], 10), 'a');
  assert.equal(fromHeader(undefined, 10), undefined);
});

test('a path is decoded, but for what would end a path or a line', () => {
  const paths = { '/a': '/a', '/gr%C3%B6%C3%9Fe/a%20b%2Fc': '/größe/a b/c', '/a%3Fb%23c%0a%7F%25': '/a%3Fb%23c%0A%7F%', '/%ff/%C3%B6': '/%ff/%C3%B6', '/%zz': '/%zz' };
  for (const [path, decoded] of Object.entries(paths)) assert.equal(decodePath(path), decoded);
});

test('paths, sizes, caches and hosts', () => {
  assert.deepEqual(['/a?b', '/a#b', 'http://h:1/a?b', 'http://h', '', '*'].map(toPath), ['/a', '/a', '/a', '/', '/', '*']);
  assert.deepEqual(['12', '-1', 'x', undefined, '9'.repeat(16)].map(toSize), [12, undefined, undefined, undefined, undefined]);
  assert.deepEqual([toCache('MISS, HIT'), toCache('Hit from x, miss'), toCache(undefined, '3'), toCache('x'), toCache()], ['hit', 'miss', 'hit', undefined, undefined]);
  assert.deepEqual(['a:80', '[::1]:80', '::1', 'a'].map(withoutPort), ['a', '::1', '::1', 'a']);
});

test('a bad mapper costs its field and nothing else', async () => {
  const run = (mapper) => toMapper('getPath', mapper, 5)('request');
  assert.equal(run((request) => request), 'reque');
  assert.equal(run(() => 7), '7');
  assert.equal(run(() => null), undefined);
  assert.equal(run(() => { throw new Error('the secret'); }), undefined);
  assert.equal(run(async () => { throw new Error('rejected later'); }), undefined);
  assert.equal(toMapper('getPath', undefined, 5), undefined);
  await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail this test
});

test('a slow mapper is given a rest', () => {
  let calls = 0;
  const mapper = toMapper('getUserID', () => {
    const until = performance.now() + 25;
    while (performance.now() < until);
    return `${(calls += 1)}`;
  }, 9);
  assert.deepEqual([1, 2, 3, 4].map(() => mapper()), ['1', '2', undefined, undefined]);
});

test('any Retry-After can be read', () => {
  const cases = [[undefined, undefined], ['', undefined], ['soon', undefined], ['NaN', undefined], ['-5', 0], ['7', 7000], ['999999999', 3_600_000], ['Infinity', 3_600_000], ['Wed, 21 Oct 2015 07:28:00 GMT', 0]];
  for (const [header, milliseconds] of cases) assert.equal(toMilliseconds(header), milliseconds, header);
  for (const [failures, most] of [[1, 1000], [2, 2000], [6, 30_000], [60, 30_000]]) {
    const wait = toBackoff(failures);
    assert.ok(wait >= most / 2 && wait <= most, `${wait}`);
  }
});

test('settings: wrong ones are said once and never thrown', () => {
  delete process.env.API_ANALYTICS_KEY;
  assert.equal(toKey(' "abc" '), 'abc');
  assert.deepEqual([toKey(), toKey(''), toKey('a b'), toKey('é')], [undefined, undefined, undefined, undefined]);
  assert.equal(toServerUrl('https://a.example/base/')?.href, 'https://a.example/base');
  assert.equal(toServerUrl()?.href, 'http://127.0.0.1:8080/');
  assert.deepEqual(['ftp://a', 'nonsense', 'http://u:p@a', 'http://a/?b'].map(toServerUrl), [undefined, undefined, undefined, undefined]);
  assert.deepEqual([0, 1, 2, '1', 7, null, undefined].map(toPrivacyLevel), [0, 1, 2, 2, 2, 0, 0]);
  assert.deepEqual([toRelease(' v1\n'), toRelease('x'.repeat(101)), toRelease()], ['v1', '', '']);
  assert.equal(new Config({ privacyLevel: 2 }).privacyLevel, 2);
  const before = said.length;
  toKey();
  toServerUrl('nonsense');
  assert.equal(said.length, before, 'once');
  assert.equal(before, 6);
  assert.ok(!said.join().includes('u:p'));
});
