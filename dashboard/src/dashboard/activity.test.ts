import { expect, test } from 'vitest';
import type { Panels } from '../api/types';
import { activityTabs, align, toActivity, toActivityTab, toShareFrom, toStrip, withBefore } from './activity';

const panels = {
  activity: {
    edges: [0, 1, 2],
    series: { '1xx': [0, 0], '2xx': [5, 0], '3xx': [1, 0], '4xx': [2, 0], '5xx': [3, 0], consumers: [4, 0], success_rate: [0.5, null] },
  },
  latency_over_time: { edges: [0, 2], series: { p50_ms: [1], p95_ms: [2], p99_ms: [null] } },
} as unknown as Partial<Panels>;

test('requests stand by class, 1xx only where there are any', () => {
  const drawn = toActivity('requests', panels, 0.95, 0.9);
  expect(drawn?.series.map(({ name }) => name)).toEqual(['2xx', '3xx', '4xx', '5xx']);
  expect(drawn?.over?.values).toEqual([4, 0]);
  expect(drawn?.strip).toEqual(['--server', '']);
});

test('latency has buckets of its own; nothing without an answer', () => {
  expect(toActivity('latency', panels, 0.95, 0.9)?.edges).toEqual([0, 2]);
  expect(toActivity('latency', { activity: panels.activity } as Partial<Panels>, 0.95, 0.9)).toBeNull();
  expect(toActivity('requests', {}, 0.95, 0.9)).toBeNull();
  expect(toActivityTab('nonsense')).toBe('requests');
});

test('at a limit is still well', () => {
  expect(toStrip([1, 0.95, 0.949, 0.9, 0.89, null], 0.95, 0.9)).toEqual(['--ok', '--ok', '--client', '--client', '--server', '']);
});

test('an axis of success rates begins close below the lowest', () => {
  expect(toShareFrom([0.9991, 0.9999, null])).toBe(0.999);
  expect(toShareFrom([0.999, 0.9999])).toBe(0.995);
  expect(toShareFrom([0.97])).toBe(0.95);
  expect(toShareFrom([0.6, 0])).toBe(0);
  expect(toShareFrom([1, null, 1])).toBe(0.99);
  expect(toShareFrom([null])).toBe(0.99);
});

test('the period before lies on the same buckets, also where the clock changed in one of them', () => {
  const HOUR = 3_600_000;
  const edges = (from: number, count: number) => Array.from({ length: count + 1 }, (_, i) => from + i * HOUR);
  expect(align(edges(0, 3), [1, 2, 3], edges(3 * HOUR, 3))).toEqual([1, 2, 3]);
  expect(align(edges(0, 4), [9, 1, 2, 3], edges(4 * HOUR, 3))).toEqual([1, 2, 3]);
  expect(align(edges(0, 2), [1, 2], edges(2 * HOUR, 3))).toEqual([null, 1, 2]);
  expect(align(edges(0, 5), [1, 2, 3, 4, 5], edges(0, 3))).toBeNull();
  expect(align([0, 6 * HOUR, 12 * HOUR, 18 * HOUR], [1, 2, 3], edges(0, 3))).toBeNull();
  expect(align([], [], edges(0, 3))).toBeNull();
});

test('each tab is compared with its own numbers, and with nothing where nothing came before', () => {
  const of = (tab: Parameters<typeof withBefore>[1], before = panels) => {
    const drawn = toActivity(tab, panels, 0.95, 0.9);
    return drawn && withBefore(drawn, tab, before).before?.values;
  };
  expect(of('requests')).toEqual([11, 0]);
  expect(of('client_errors')).toEqual([2, 0]);
  expect(of('success_rate')).toEqual([0.5, null]);
  expect(of('latency')).toEqual([2]);
  expect(of('requests', {})).toBeUndefined();
  const none = { activity: { edges: [0, 1, 2], series: Object.fromEntries(Object.keys(panels.activity?.series ?? {}).map((name) => [name, [0, 0]])) } } as unknown as Partial<Panels>;
  expect(of('requests', none)).toBeUndefined();
  expect(activityTabs('consumer').map(({ name }) => name)).not.toContain('consumers');
  expect(activityTabs(undefined).map(({ name }) => name)).toContain('consumers');
});
