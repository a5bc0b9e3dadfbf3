import { beforeAll, expect, test, vi } from 'vitest';
import type { SavedView } from '../api/types';
import { dashboardOf, requestsOf, subjectOf } from './places';
import { isShown, searched, toCurrent, toLooks, toTaken, viewHref } from './savedViews';
import { toFirstFilter, toState } from './state';

beforeAll(() => void vi.stubGlobal('document', { querySelector: () => null }));
const scope = { project: '1' };
const at = (query: string) => toState(new URLSearchParams(query));
const view = (id: number, name: string, page: SavedView['page'] = 'dashboard', query = 'period=7d'): SavedView => ({ id, name, page, query, created_at: '' });

test('a view stores the state of the page without dialogs', () => {
  expect(toLooks(dashboardOf(scope), at('project=1&q=status:5xx&compare=off&tab.endpoints=5xx&tab.hit=1-2&tab.deploy=all&tab.view=3'))).toEqual({
    page: 'dashboard', query: 'period=7d&q=status:5xx&compare=off&tab.endpoints=5xx',
  });
  expect(toLooks(requestsOf(scope), at('from=2026-01-01T00:00:00Z'))).toEqual({ page: 'requests', query: 'from=2026-01-01T00:00:00Z' });
  const subject = { kind: 'endpoint', method: 'GET', route: '/a b' } as const;
  expect(toLooks(subjectOf(scope, subject), at('period=24h'))).toEqual({ page: 'endpoint', query: 'method=GET&route=/a+b&period=24h' });
});

test('a view opens the page that it was saved from', () => {
  expect(viewHref(scope, view(3, 'a', 'requests', 'period=24h&q=status%3A5xx&tab.live=on'))).toBe('/explorer?project=1&period=24h&q=status:5xx&tab.live=on&tab.view=3');
  expect(viewHref(scope, view(4, 'a', 'consumer', 'consumer=u%3Aann'))).toBe('/consumer?project=1&consumer=u:ann&tab.view=4');
});

test('a view matches pages with the same state, however its query is written', () => {
  const looks = toLooks(dashboardOf(scope), at('q=path:/a&tab.view=9'));
  expect(isShown({ page: 'dashboard', query: 'q=path%3A%2Fa' }, looks)).toBe(true);
  expect(isShown({ page: 'dashboard', query: 'q=path%3A%2Fa&period=7d' }, looks)).toBe(true);
  expect(isShown({ page: 'requests', query: 'q=path%3A%2Fa' }, looks)).toBe(false);
  expect(isShown({ page: 'dashboard', query: 'q=path%3A%2Fb' }, looks)).toBe(false);
  const other = toLooks(subjectOf(scope, { kind: 'consumer', key: 'u:bob' }), at('period=7d'));
  expect(isShown({ page: 'consumer', query: 'consumer=u:ann' }, other)).toBe(false);
});

test('an opened view stays current when the page is changed', () => {
  const views = [view(1, 'week'), view(2, 'day', 'dashboard', 'period=24h')];
  const looks = (query: string) => toLooks(dashboardOf(scope), at(query));
  expect(toCurrent(views, looks('period=24h'), undefined)).toEqual({ view: views[1], changed: false });
  expect(toCurrent(views, looks('period=24h&q=status:500'), '2')).toEqual({ view: views[1], changed: true });
  expect(toCurrent(views, looks('period=24h'), '1')).toEqual({ view: views[0], changed: true });
  expect(toCurrent(views, looks('period=30d'), undefined)).toBeNull();
  expect(toCurrent(views, looks('period=30d'), '7'), 'a deleted one').toBeNull();
});

test('names are searched by words and unique regardless of case', () => {
  const views = [view(1, 'Failing payments'), view(2, 'Café orders')];
  expect(searched(views, 'pay fail').map(({ id }) => id)).toEqual([1]);
  expect(searched(views, 'cafe').map(({ id }) => id)).toEqual([2]);
  expect(searched(views, ' ')).toHaveLength(2);
  expect(toTaken(views, ' FAILING payments ')?.id).toBe(1);
  expect(toTaken(views, 'failing payments', 1)).toBeUndefined();
});

test('the remembered filter is not added to a view without a filter', () => {
  const first = (query: string) => toFirstFilter(new URLSearchParams(query), '-status:404');
  expect([first('period=24h'), first('q=status:200'), first('period=24h&tab.view=2')]).toEqual(['-status:404', 'status:200', '']);
});
