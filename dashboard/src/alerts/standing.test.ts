import { expect, test } from 'vitest';
import type { Channel } from '../api/types';
import { toStanding } from './standing';

const now = Date.parse('2026-11-26T12:00:00Z');
const channel = (change: Partial<Channel>): Channel => ({ id: 1, name: 'Hook', kind: 'webhook', enabled: true, problem: null, config: {}, created_at: '', waiting: 0, failing_since: null, quiet_hours: null, ...change });

test.each<[Partial<Channel>, string]>([
  [{}, 'Active '],
  [{ waiting: 2 }, 'Active 2 waiting'],
  [{ waiting: 2, failing_since: '2026-11-26T09:00:00Z' }, 'Failing for 3 h, 2 waiting'],
  [{ enabled: false, failing_since: '2026-11-26T09:00:00Z' }, 'Paused '],
  // The server switched it off: the reason matters more than being off.
  [{ enabled: false, problem: 'the far side says that it is gone' }, 'Switched off the far side says that it is gone'],
])('%o', (change, text) => {
  const { label, detail } = toStanding(channel(change), now);
  expect(`${label} ${detail}`).toBe(text);
});
