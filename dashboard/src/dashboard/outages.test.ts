import { expect, test, vi } from 'vitest';
import type { Incident } from '../api/types';
import { anIncident } from '../monitors/samples';
import { toOutages } from './outages';

test('outages are marked from the first failure to the first success, open ones up to now', () => {
  vi.stubGlobal('document', { querySelector: () => null });
  const now = Date.parse('2026-11-26T13:05:00Z');
  const incidents: Incident[] = [
    anIncident({ id: '1-3' }), anIncident({ id: '1-2', cause: 'certificate' }), anIncident({ id: '2-1', monitor_name: 'Search', state: 'closed', began_at: '2026-11-25T10:00:00Z', ended_at: '2026-11-25T10:38:00Z' }),
  ];
  expect(toOutages(incidents, 7, now)).toEqual([
    { from: Date.parse('2026-11-26T12:00:00Z'), to: now, label: 'Orders down', title: 'Orders has been down for 1 h 5 min.', href: '/alerts?project=7&incident=1-3' },
    { from: Date.parse('2026-11-25T10:00:00Z'), to: Date.parse('2026-11-25T10:38:00Z'), label: 'Search down', title: 'Search was down for 38 min.', href: '/alerts?project=7&incident=2-1' },
  ]);
});
