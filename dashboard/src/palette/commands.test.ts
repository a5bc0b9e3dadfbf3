import { beforeAll, expect, test, vi } from 'vitest';
import type { ProjectSummary } from '../api/types';
import { matching, toCommands, toThing } from './commands';

beforeAll(() => void vi.stubGlobal('document', { querySelector: () => null }));
const project = (project_id: number, name: string, access: ProjectSummary['access'] = 'owner') => ({ project_id, name, access }) as ProjectSummary;
const labels = (found: ReturnType<typeof toCommands>) => found.map(({ label }) => label);

test('the pages of the project first, then other projects and what everybody reaches', () => {
  const all = toCommands('1', [project(1, 'shop'), project(2, '')]);
  expect(all[0]).toEqual({ label: 'Dashboard', href: '/dashboard?project=1', group: 'shop' });
  expect(all.find(({ label }) => label === 'Keys')?.href).toBe('/settings?project=1#keys');
  expect(labels(all)).toContain('Unnamed project');
  expect(labels(all)).not.toContain('shop');
  expect(labels(toCommands('1', [project(1, 'shop', 'dashboard')]))).not.toContain('Keys');
  expect(labels(toCommands('', []))).toEqual(['Sign in', 'Start page', 'Documentation', 'Theme: as the system', 'Theme: light', 'Theme: dark']);
});

test('saved views are found by name', () => {
  const views = [{ id: 4, name: 'Failing payments', page: 'requests', query: 'period=24h&q=status%3A5xx', created_at: '' } as const];
  expect(matching(toCommands('1', [project(1, 'shop')], views), 'view pay')[0]).toEqual({ label: 'Failing payments', group: 'View', href: '/explorer?project=1&period=24h&q=status:5xx&tab.view=4' });
});

test('all words are wanted, and what begins with them comes first', () => {
  const all = toCommands('1', [project(1, 'shop'), project(2, 'Kéyboards')]);
  expect(labels(matching(all, 'key'))).toEqual(['Keys', 'Kéyboards', 'Search the documentation for “key”']);
  expect(labels(matching(all, 'settings keys'))).toEqual(['Keys', 'Search the documentation for “settings keys”']);
  expect(labels(matching(all, 'page st'))).toEqual(['Status page', 'Start page', 'Search the documentation for “page st”']);
  expect(matching(all, ' ')).toHaveLength(all.length);
});

test('endpoints and consumers that were found stand between what is here and the documentation, with the period of the page', () => {
  const at = new URLSearchParams('project=1&period=24h&tz=UTC&q=status:5xx&tab.activity=latency');
  const thing = toThing({ project: '1' }, { kind: 'endpoint', method: 'GET', route: '/v1/a b' }, at);
  expect(thing).toEqual({ label: 'GET /v1/a b', group: 'Endpoint', href: '/endpoint?project=1&method=GET&route=/v1/a+b&period=24h&tz=UTC' });
  expect(toThing({ token: 't' }, { kind: 'consumer', key: 'u:ann' }, new URLSearchParams())).toMatchObject({ label: 'ann', href: '/share/t?view=consumer&consumer=u:ann' });
  expect(labels(matching(toCommands('1', [project(1, 'shop')]), 'keys', [thing]))).toEqual(['Keys', 'GET /v1/a b', 'Search the documentation for “keys”']);
});
