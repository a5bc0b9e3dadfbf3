import { expect, test } from 'vitest';
import { questionOf, toCalls, toMissing } from './calls';
import { ALL } from './panels';
import { toState } from './state';

const calls = (address: string) => toCalls(toState(new URLSearchParams(address)), 'UTC');

test('one call brings the whole page', () => {
  const [call, ...more] = calls('q=status:5xx');
  expect(more).toEqual([]);
  expect(call?.panels).toEqual(ALL);
  expect(call?.parameters).toMatchObject({ period: '7d', tz: 'UTC', q: 'status:5xx', compare: 'previous', panels: ALL.join(',') });
});

test('a card with its own order, tab or length is asked for beside it, once', () => {
  const [page, endpoints, consumers, clients] = calls(
    'q=method:GET&sort=p95_ms&tab.endpoints=5xx&tab.consumers=users&open=clients,endpoints',
  );
  expect(page?.panels).not.toContain('endpoints');
  expect(page?.panels).not.toContain('clients');
  expect(page?.panels).toHaveLength(ALL.length - 3);
  expect(page?.parameters).toMatchObject({ q: 'method:GET' });
  expect(page?.parameters['sort']).toBeUndefined();
  expect(endpoints?.parameters).toMatchObject({ panels: 'endpoints', q: 'method:GET status:5xx', sort: 'p95_ms', rows: 500 });
  expect(consumers?.parameters).toMatchObject({ panels: 'top_consumers', q: 'method:GET -user:""' });
  expect(consumers?.parameters['rows']).toBeUndefined();
  expect(clients?.parameters).toMatchObject({ panels: 'clients', rows: 500, q: 'method:GET' });
});

test('a tab that does not exist changes nothing', () => {
  expect(calls('tab.endpoints=9xx&tab.consumers=x')).toHaveLength(1);
});

test('what is searched, or sorted from its smallest, is asked for as a whole', () => {
  expect(calls('tab.endpoints_find=cart')[1]?.parameters).toMatchObject({ panels: 'endpoints', rows: 500 });
  expect(calls('sort=p95_ms.asc')[1]?.parameters).toMatchObject({ panels: 'endpoints', rows: 500, sort: 'p95_ms' });
  const turned = calls('sort=requests.asc&tab.consumers_sort=requests.asc');
  expect(turned).toHaveLength(3);
  for (const { parameters } of turned.slice(1)) expect([parameters['rows'], parameters['sort']]).toEqual([500, undefined]);
  expect(calls('open=nothing,requests_of_nobody')).toHaveLength(1);
});

test('only what is not answered yet is asked for', () => {
  const [page] = calls('q=status:5xx');
  if (!page) throw new Error('no call');
  const answered = new Map(page.panels.map((panel) => [panel, questionOf(page)]));
  expect(toMissing(page, answered)).toEqual([]);
  answered.delete('clients');
  expect(toMissing(page, answered)).toEqual([{ panels: ['clients'], parameters: { ...page.parameters, panels: 'clients' } }]);

  // Unfolding a card leaves the other panels' question as it was.
  const [rest, unfolded] = calls('q=status:5xx&open=clients');
  if (!rest || !unfolded) throw new Error('two calls expected');
  answered.set('clients', questionOf(page));
  expect(toMissing(rest, answered)).toEqual([]);
  expect(toMissing(unfolded, answered).map((call) => call.panels)).toEqual([['clients']]);

  // Another filter is another question for all of them.
  const [other] = calls('q=status:4xx');
  if (!other) throw new Error('no call');
  expect(toMissing(other, answered)[0]?.panels).toEqual(ALL);
});
