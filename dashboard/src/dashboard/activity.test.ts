import { expect, test } from 'vitest';
import type { Panels } from '../api/types';
import { toActivity, toActivityTab, toShareFrom, toStrip } from './activity';

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
