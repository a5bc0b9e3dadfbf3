// Monitors, checks and incidents for tests: a healthy one, with a case's changes.

import type { Incident, Monitor, MonitorCheck, MonitorSettings } from '../api/types';

export function aCheck(change: Partial<MonitorCheck> = {}): MonitorCheck {
  return {
    at: '2026-11-26T12:00:00Z', outcome: 'up', failure: null, message: null, status: 200, missed: 0, late_ms: 1,
    times: { total_ms: 100, dns_ms: 10, connect_ms: 20, tls_ms: 30, first_byte_ms: 35, body_ms: 5 }, ...change,
  };
}

export const httpSettings: MonitorSettings = {
  kind: 'http', name: 'Orders', paused: false, interval_s: 60, timeout_ms: 10_000, down_after: 3, up_after: 2, address_family: 'any',
  url: 'https://api.shop.example/health', method: 'GET', headers: {}, body: '', expected_statuses: ['2xx'], follow_redirects: true, verify_certificate: true,
};

export const heartbeatSettings: MonitorSettings = {
  kind: 'heartbeat', name: 'Export', paused: false, interval_s: 60, down_after: 1, up_after: 1, period_s: 86_400, grace_s: 60,
};

export function aMonitor(change: Partial<Monitor> = {}): Monitor {
  return {
    id: 1, settings: httpSettings, created_at: '2026-11-26T10:00:00Z', state: 'up', since: '2026-11-26T10:01:00Z', is_down: false, unconfirmed: null, last_check: aCheck(),
    next_check_at: '2026-11-26T12:01:00Z', certificate: null, signals: null, heartbeat_url: null, uptime: null, bars: null, file_entry: null, ...change,
  };
}

export function anIncident(change: Partial<Incident> = {}): Incident {
  return {
    id: '1-1', monitor: 1, monitor_name: 'Orders', rule: null, rule_name: '', cause: 'down', state: 'open', began_at: '2026-11-26T12:00:00Z', confirmed_at: '2026-11-26T12:02:00Z', ended_at: null, duration_ms: null,
    unconfirmed: false, failure: 'connection_refused', message: 'the connection was refused', status: null, times: null, last_good_at: '2026-11-26T11:59:00Z', hit: null,
    acknowledged_at: null, note: null, public_title: null, severity: null, ...change,
  };
}
