import { expect, test } from 'vitest';
import { questionOf, toCalls, toMissing } from './calls';
import { ALL } from './panels';
import { dashboardOf, subjectOf } from './places';
import { toState } from './state';

const calls = (address: string) => toCalls(toState(new URLSearchParams(address)), 'UTC', dashboardOf({ project: '1' }));

test('one call brings the whole page', () => {
  const [call, ...more] = calls('q=status:5xx');
  expect(more).toEqual([]);
  expect(call?.panels).toEqual(ALL);
  expect(call?.parameters).toMatchObject({ period: '7d', tz: 'UTC', q: 'status:5xx', compare: 'previous', panels: ALL.join(',') });
});

test('a card with a tab of its own is asked for beside the page, once', () => {
  const [page, endpoints, consumers, ...more] = calls('q=method:GET&tab.endpoints=5xx&tab.consumers=users');
  expect(page?.panels).toHaveLength(ALL.length - 2);
  expect(page?.parameters).toMatchObject({ q: 'method:GET' });
  expect(endpoints?.parameters).toMatchObject({ panels: 'endpoints', q: 'method:GET status:5xx' });
  expect(consumers?.parameters).toMatchObject({ panels: 'top_consumers', q: 'method:GET -user:""' });
  expect(more).toEqual([]);
});

test('the page of one endpoint asks about its requests alone, and what else is filtered stands first', () => {
  const place = subjectOf({ project: '1' }, { kind: 'endpoint', method: 'GET', route: '/files/*' });
  const [call] = toCalls(toState(new URLSearchParams('q=status:5xx')), 'UTC', place);
  expect(call?.parameters).toMatchObject({ q: 'status:5xx method:GET route:"/files/*"' });
});

test('a tab that does not exist changes nothing', () => {
  expect(calls('tab.endpoints=9xx&tab.consumers=x')).toHaveLength(1);
});

test('lists that are searched, sorted or unfolded are asked for by their cards', () => {
  expect(calls('tab.endpoints_find=cart&sort=p95_ms.asc&open=clients,endpoints&tab.consumers_sort=requests.asc')).toHaveLength(1);
});

test('only what is not answered yet is asked for', () => {
  const [page] = calls('q=status:5xx');
  if (!page) throw new Error('no call');
  const answered = new Map(page.panels.map((panel) => [panel, questionOf(page)]));
  expect(toMissing(page, answered)).toEqual([]);
  answered.delete('clients');
  expect(toMissing(page, answered)).toEqual([{ panels: ['clients'], parameters: { ...page.parameters, panels: 'clients' } }]);

  // A card's tab leaves the query of other panels unchanged.
  const [rest, narrowed] = calls('q=status:5xx&tab.endpoints=4xx');
  if (!rest || !narrowed) throw new Error('two calls expected');
  answered.set('clients', questionOf(page));
  expect(toMissing(rest, answered)).toEqual([]);
  expect(toMissing(narrowed, answered).map((call) => call.panels)).toEqual([['endpoints']]);

  // Another filter is another query for all of them.
  const [other] = calls('q=status:4xx');
  if (!other) throw new Error('no call');
  expect(toMissing(other, answered)[0]?.panels).toEqual(ALL);
});
