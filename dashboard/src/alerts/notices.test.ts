import { expect, test } from 'vitest';
import { toIncident } from './notices';

test('the incident of a notice', () => {
  expect(toIncident('monitor-12-3-1')).toBe('12-3');
  expect([toIncident('rule-4-2-1'), toIncident('test-00ff'), toIncident('')]).toEqual([null, null, null]);
});
