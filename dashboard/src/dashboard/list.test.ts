import { expect, test } from 'vitest';
import { isListed, PAGE, pagesOf, toListQuestion } from './list';
import { toQuestion, toState } from './state';

const read = (text: string) => toState(new URLSearchParams(text));

test('a list is asked with the question of the page, its own filter, words and order', () => {
  const state = read('q=method:GET&sort=p95_ms.asc&tab.endpoints=5xx&tab.endpoints_find=+red+fox+&tab.consumers=users&tab.hosts_find=api');
  const question = toQuestion(state, 'UTC');
  expect(toListQuestion(state, question, 'endpoints')).toMatchObject({
    period: '7d', tz: 'UTC', q: 'method:GET status:5xx', compare: undefined, search: 'red fox', sort: 'p95_ms', order: 'asc',
  });
  expect(toListQuestion(state, question, 'top_consumers')).toMatchObject({ q: 'method:GET -user:""', search: undefined, sort: 'requests', order: 'desc' });
  expect(toListQuestion(state, question, 'hosts')).toMatchObject({ q: 'method:GET', search: 'api', sort: 'requests', order: 'desc' });
});

test('the rows of the page do until they are searched, sorted or unfolded', () => {
  expect(isListed(read(''), 'endpoints')).toBe(false);
  expect(isListed(read('tab.endpoints=5xx'), 'endpoints')).toBe(false);
  for (const text of ['open=endpoints', 'sort=requests.asc', 'sort=p50_ms', 'tab.endpoints_find=cart']) {
    expect(isListed(read(text), 'endpoints')).toBe(true);
    expect(isListed(read(text), 'top_consumers')).toBe(false);
  }
  for (const text of ['open=top_consumers', 'tab.consumers_sort=p95_ms', 'tab.consumers_find=ann']) expect(isListed(read(text), 'top_consumers')).toBe(true);
});

test('pages are those that hold the rows', () => {
  expect(pagesOf(0, 10)).toEqual([0]);
  expect(pagesOf(0, PAGE)).toEqual([0]);
  expect(pagesOf(PAGE - 1, PAGE + 1)).toEqual([0, 1]);
  expect(pagesOf(5 * PAGE, 7 * PAGE)).toEqual([5, 6]);
  expect(pagesOf(-3, 0)).toEqual([0]);
});
