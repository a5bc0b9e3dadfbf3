import { expect, test } from 'vitest';
import type { Panels } from '../api/types';
import { COMPARED, isBeyondChance, MOST_SHOWN, toMoved } from './changes';

const panels = (requests: number, statuses: Record<string, number>, total_rows = Object.keys(statuses).length) =>
  ({ requests: { value: requests }, statuses: { rows: Object.entries(statuses).map(([key, requests]) => ({ key, requests })), total_rows } }) as unknown as Partial<Panels>;
const said = (now: Partial<Panels>, before: Partial<Panels>) => toMoved(COMPARED.endpoint, now, before).map(({ key, before, now }) => `${key} ${before} ${now}`);

test('what moved furthest comes first; new ones and gone ones are among them', () => {
  expect(said(panels(100, { 200: 75, 503: 20, 429: 5 }), panels(100, { 200: 90, 404: 10 }))).toEqual(['503 0 0.2', '404 0.1 0']);
  const many = (statuses: Record<string, number>) => panels(1000, statuses);
  expect(said(many({ 200: 750, 503: 200, 429: 50 }), many({ 200: 900, 404: 100 }))).toEqual(['503 0 0.2', '200 0.9 0.75', '404 0.1 0', '429 0 0.05']);
});

test('what chance explains is no change', () => {
  expect(isBeyondChance(38, 161, 41, 134)).toBe(false);
  expect(isBeyondChance(42, 161, 14, 134)).toBe(true);
  expect(isBeyondChance(0, 50, 0, 50)).toBe(false);
  expect(isBeyondChance(50, 50, 50, 50)).toBe(false);
});

test('ten times the requests in the same parts are no change', () => {
  expect(said(panels(1000, { 200: 900, 503: 100 }), panels(100, { 200: 90, 503: 10 }))).toEqual([]);
});

test('of a list that is cut off nothing is told that may stand below the cut', () => {
  const before = panels(100, { 200: 60, 201: 40 }, 30);
  expect(said(panels(100, { 200: 60, 503: 40 }), before)).toEqual(['201 0.4 0']);
  expect(said(panels(100, { 200: 60, 503: 40 }, 30), before)).toEqual([]);
});

test('a handful of requests says nothing', () => {
  expect(said(panels(19, { 503: 19 }), panels(100, { 200: 100 }))).toEqual([]);
  expect(said(panels(100, { 503: 100 }), panels(19, { 200: 19 }))).toEqual([]);
  expect(said(panels(100, { 503: 100 }), {})).toEqual([]);
});

test('consumers filter by their key, endpoints are a method and a route, and no more are shown than have room', () => {
  const consumers = { requests: { value: 20 }, top_consumers: { rows: [{ key: 'u:a b', user: 'a b', address: '', requests: 20 }], total_rows: 1 } } as unknown as Partial<Panels>;
  const none = { requests: { value: 200 }, top_consumers: { rows: [], total_rows: 0 }, endpoints: { rows: [], total_rows: 0 } } as unknown as Partial<Panels>;
  expect(toMoved(COMPARED.endpoint, consumers, none)).toEqual([{ panel: 'top_consumers', key: 'u:a b', name: 'a b', now: 1, before: 0, field: 'consumer', written: '"u:a b"' }]);
  const endpoints = { requests: { value: 1000 }, endpoints: { rows: Array.from({ length: 9 }, (_, i) => ({ method: 'GET', route: `/${i}`, requests: 100 })), total_rows: 9 } } as unknown as Partial<Panels>;
  const moved = toMoved(COMPARED.consumer, endpoints, none);
  expect(moved).toHaveLength(MOST_SHOWN);
  expect(moved[0]).toEqual({ panel: 'endpoints', key: 'GET /0', name: 'GET /0', now: 0.1, before: 0 });
});
