import { expect, test } from 'vitest';
import { toHref, toIdentity, toPage } from './address';

test.each([
  ['/', { name: 'start' }],
  ['/generate', { name: 'start' }],
  ['/signin/', { name: 'signin' }],
  ['/projects', { name: 'projects' }],
  ['/dashboard', { name: 'dashboard' }],
  ['/dashboard/demo', { name: 'dashboard', project: 'demo' }],
  ['/dashboard/0b9d', { name: 'open', secret: '0b9d', next: 'dashboard' }],
  ['/explorer', { name: 'explorer' }],
  ['/explorer/demo', { name: 'explorer', project: 'demo' }],
  ['/explorer/0b9d', { name: 'open', secret: '0b9d', next: 'explorer' }],
  ['/monitoring', { name: 'monitoring' }],
  ['/monitoring/demo', { name: 'dashboard', project: 'demo' }],
  ['/monitoring/0b9d', { name: 'open', secret: '0b9d', next: 'monitoring' }],
  ['/endpoint', { name: 'endpoint' }],
  ['/consumer/demo', { name: 'consumer', project: 'demo' }],
  ['/endpoint/0b9d', { name: 'not-found' }],
  ['/share/tok%20en', { name: 'share', secret: 'tok en' }],
  ['/share', { name: 'not-found' }],
  ['/delete', { name: 'settings', anchor: 'delete' }],
  ['/settings/x', { name: 'not-found' }],
  ['/dashboard/a/b', { name: 'not-found' }],
  ['/%E0%A4%A', { name: 'not-found' }],
  ['/nothing', { name: 'not-found' }],
])('%s', (path, page) => {
  expect(toPage(path)).toEqual(page);
});

test('parameters without a value are left out, the rest stays readable and reads back', () => {
  const q = 'path:/v1/* -country:US,GB user:"a b&c=d#e"';
  const href = toHref('/dashboard', { project: 'p1', q, tz: '', from: undefined }, '/base');
  expect(href).toBe('/base/dashboard?project=p1&q=path:/v1/*+-country:US,GB+user:%22a+b%26c%3Dd%23e%22');
  expect(new URL(href, 'http://h').searchParams.get('q')).toBe(q);
  expect(toHref('/', {}, '')).toBe('/');
});

test('another endpoint is another page, another period or filter is not', () => {
  const identity = (address: string) => {
    const { pathname, searchParams } = new URL(address, 'http://h');
    return toIdentity({ page: toPage(pathname), parameters: searchParams });
  };
  const one = identity('/endpoint?project=1&method=GET&route=/a');
  expect(identity('/endpoint?project=1&method=GET&route=/a&period=24h&q=status:5xx')).toBe(one);
  for (const other of ['/endpoint?project=1&method=GET&route=/b', '/endpoint?project=1&method=POST&route=/a', '/endpoint?project=2&method=GET&route=/a', '/consumer?project=1&consumer=u:a']) {
    expect(identity(other), other).not.toBe(one);
  }
  expect(identity('/share/t?view=endpoint&route=/a')).not.toBe(identity('/share/t?view=endpoint&route=/b'));
  expect(identity('/dashboard?project=1&route=/a')).toBe(identity('/dashboard?project=1'));
});
