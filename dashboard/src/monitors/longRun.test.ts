import { expect, test } from 'vitest';
import type { MonitorHistory } from '../api/types';
import { HOUR, MINUTE } from '../format/time';
import { toLongRun } from './longRun';

const history = (change: Partial<MonitorHistory['series']>): MonitorHistory => ({
  step: '1h', edges: [0, HOUR, 2 * HOUR],
  series: {
    total_ms: [30, null], dns_ms: [10, null], connect_ms: [5, null], tls_ms: [0, null], first_byte_ms: [15, null], body_ms: [0, null], slowest_ms: [40, null],
    checks: [60, 60], failures: [0, 0], up_ms: [HOUR, HOUR], degraded_ms: [0, 0], down_ms: [0, 0], maintenance_ms: [0, 0], unknown_ms: [0, 0], ...change,
  },
});

test('what was well is neither shaded nor noted', () => {
  const run = toLongRun(history({}));
  expect([run.shade, run.notes, run.failed]).toEqual([['', ''], ['', ''], 0]);
  expect([run.total, run.phases.dns_ms]).toEqual([[30, null], [10, null]]);
});

test('an outage is shaded however short it was, and failures are counted', () => {
  const run = toLongRun(history({ up_ms: [55 * MINUTE, 0], down_ms: [5 * MINUTE, 0], degraded_ms: [MINUTE, 0], failures: [6, 0], unknown_ms: [0, HOUR], checks: [60, 0] }));
  expect(run.shade).toEqual(['--server', '--info']);
  expect(run.notes).toEqual(['Down 5 min, degraded 1 min, 6 of 60 checks failed', 'Unknown 1 h']);
  expect(run.failed).toBe(6);
});

test('maintenance and a short gap', () => {
  const run = toLongRun(history({ up_ms: [0, 45 * MINUTE], maintenance_ms: [HOUR, 5 * MINUTE], unknown_ms: [0, 10 * MINUTE] }));
  expect(run.shade).toEqual(['--redirect', '']);
  expect(run.notes).toEqual(['In maintenance 1 h', 'In maintenance 5 min, unknown 10 min']);
});
