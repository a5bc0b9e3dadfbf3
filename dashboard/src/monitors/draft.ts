// The form's draft of a monitor. A new monitor is sent whole, a changed one as the fields that differ.

import type { JsonRule, MonitorChange, MonitorKind, MonitorSettings } from '../api/types';

export interface HeaderDraft {
  name: string;
  value: string;
  /** Its value is set but not shown; it stays unless another is typed. */
  kept: boolean;
}

/** Numbers are null while their field is empty, which restores the default. */
export interface Draft {
  kind: MonitorKind;
  name: string;
  interval_s: number | null;
  timeout_ms: number | null;
  down_after: number | null;
  up_after: number | null;
  degraded_above_ms: number | null;
  address_family: 'any' | 'ipv4' | 'ipv6';
  url: string;
  method: string;
  headers: HeaderDraft[];
  body: string;
  /** As typed: `2xx, 301`. */
  expected_statuses: string;
  body_contains: string;
  body_excludes: string;
  json_path: string;
  json_operator: JsonRule['operator'];
  json_value: string;
  follow_redirects: boolean;
  verify_certificate: boolean;
  target: string;
  schedule: 'period' | 'cron';
  period_s: number | null;
  cron: string;
  time_zone: string;
  grace_s: number | null;
  /** Another monitor that this one depends on. */
  part_of: number | null;
}

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export const OPERATORS: { name: JsonRule['operator']; label: string }[] = [
  { name: 'equals', label: 'equals' },
  { name: 'not_equals', label: 'does not equal' },
  { name: 'contains', label: 'contains' },
  { name: 'less', label: 'is less than' },
  { name: 'greater', label: 'is greater than' },
  { name: 'exists', label: 'exists' },
  { name: 'missing', label: 'is missing' },
];

export const takesValue = (operator: JsonRule['operator']) => operator !== 'exists' && operator !== 'missing';

/** The server's defaults, and for a heartbeat a period to begin with. */
export function newDraft(kind: MonitorKind, zone: string): Draft {
  const isHeartbeat = kind === 'heartbeat';
  return {
    kind, name: '', interval_s: 60, timeout_ms: 10_000, down_after: isHeartbeat ? 1 : 3, up_after: isHeartbeat ? 1 : 2, degraded_above_ms: null, address_family: 'any',
    url: '', method: 'GET', headers: [], body: '', expected_statuses: '2xx', body_contains: '', body_excludes: '', json_path: '', json_operator: 'equals', json_value: '',
    follow_redirects: true, verify_certificate: true, target: '', schedule: 'period', period_s: 86_400, cron: '', time_zone: zone, grace_s: isHeartbeat ? 3600 : 60, part_of: null,
  };
}

export function toDraft(settings: MonitorSettings): Draft {
  const empty = newDraft(settings.kind, 'UTC');
  return {
    kind: settings.kind,
    name: settings.name,
    interval_s: settings.interval_s,
    timeout_ms: settings.timeout_ms ?? null,
    down_after: settings.down_after,
    up_after: settings.up_after,
    degraded_above_ms: settings.degraded_above_ms ?? null,
    address_family: settings.address_family ?? 'any',
    url: settings.url ?? '',
    method: settings.method ?? empty.method,
    headers: Object.keys(settings.headers ?? {}).map((name) => ({ name, value: '', kept: true })),
    body: settings.body ?? '',
    expected_statuses: (settings.expected_statuses ?? []).join(', '),
    body_contains: settings.body_contains ?? '',
    body_excludes: settings.body_excludes ?? '',
    json_path: settings.json?.path ?? '',
    json_operator: settings.json?.operator ?? 'equals',
    json_value: settings.json?.value === undefined ? '' : String(settings.json.value),
    follow_redirects: settings.follow_redirects ?? true,
    verify_certificate: settings.verify_certificate ?? true,
    target: settings.target ?? '',
    schedule: settings.cron ? 'cron' : 'period',
    period_s: settings.period_s ?? null,
    cron: settings.cron ?? '',
    time_zone: settings.time_zone ?? 'UTC',
    grace_s: settings.grace_s ?? null,
    part_of: settings.part_of ?? null,
  };
}

/** Every field of the draft's kind, to send; null is the default. */
export function toSettings(draft: Draft): MonitorChange {
  const text = (value: string) => (value.trim() === '' ? null : value.trim());
  const shared: MonitorChange = {
    name: text(draft.name), interval_s: draft.interval_s, down_after: draft.down_after, up_after: draft.up_after, part_of: draft.part_of,
  };
  const calls: MonitorChange = { timeout_ms: draft.timeout_ms, degraded_above_ms: draft.degraded_above_ms, address_family: draft.address_family };
  switch (draft.kind) {
    case 'http':
      return {
        ...shared, ...calls, url: withScheme(draft.url), method: draft.method, body: draft.body === '' ? null : draft.body,
        headers: Object.fromEntries(draft.headers.filter(({ name }) => name.trim()).map(({ name, value, kept }) => [name.trim(), kept && value === '' ? null : value])),
        expected_statuses: toList(draft.expected_statuses),
        // Spaces at either end of an expected text may be intended.
        body_contains: draft.body_contains === '' ? null : draft.body_contains,
        body_excludes: draft.body_excludes === '' ? null : draft.body_excludes,
        json: toJsonRule(draft),
        follow_redirects: draft.follow_redirects, verify_certificate: draft.verify_certificate,
      };
    case 'tcp':
      return { ...shared, ...calls, target: text(draft.target) };
    case 'heartbeat':
      return {
        ...shared, grace_s: draft.grace_s,
        ...(draft.schedule === 'cron' ? { period_s: null, cron: text(draft.cron), time_zone: text(draft.time_zone) } : { period_s: draft.period_s, cron: null, time_zone: null }),
      };
  }
}

/** A new monitor: defaults are not sent. */
export function toNew(draft: Draft): MonitorChange {
  const settings = Object.entries(toSettings(draft)).filter(([, value]) => value !== null);
  return { kind: draft.kind, ...Object.fromEntries(settings) };
}

/** Only the fields that differ. */
export function toChange(settings: MonitorSettings, draft: Draft): MonitorChange {
  const before = toSettings(toDraft(settings)) as Record<string, unknown>;
  const changed = Object.entries(toSettings(draft)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  return Object.fromEntries(changed);
}

/** People paste `api.example.com/health` without a scheme; they mean https. */
function withScheme(url: string): string | null {
  const typed = url.trim();
  if (typed === '') return null;
  return /^[a-z][a-z0-9+.-]*:/i.test(typed) && !/^[^/]*:\d+(\/|$)/.test(typed) ? typed : `https://${typed}`;
}

function toList(typed: string): string[] | null {
  const entries = typed.split(/[\s,]+/).filter(Boolean);
  return entries.length ? entries : null;
}

function toJsonRule(draft: Draft): JsonRule | null {
  if (draft.json_path.trim() === '') return null;
  return { path: draft.json_path.trim(), operator: draft.json_operator, ...(takesValue(draft.json_operator) ? { value: draft.json_value } : {}) };
}

export type FieldName = Exclude<keyof MonitorSettings, 'paused' | 'kind'>;

/** The labels of the form's fields. */
export const FIELDS: Record<FieldName, { label: string }> = {
  name: { label: 'Name' },
  url: { label: 'Address' },
  target: { label: 'Host and port' },
  interval_s: { label: 'Check every' },
  timeout_ms: { label: 'Timeout' },
  down_after: { label: 'Failures until down' },
  up_after: { label: 'Successes until up' },
  degraded_above_ms: { label: 'Degraded above' },
  address_family: { label: 'Addresses' },
  method: { label: 'Method' },
  headers: { label: 'Headers' },
  body: { label: 'Body' },
  expected_statuses: { label: 'Expected statuses' },
  body_contains: { label: 'Body contains' },
  body_excludes: { label: 'Body does not contain' },
  json: { label: 'JSON value' },
  follow_redirects: { label: 'Follow redirects' },
  verify_certificate: { label: 'Verify the certificate' },
  period_s: { label: 'Period' },
  cron: { label: 'Cron expression' },
  time_zone: { label: 'Time zone' },
  grace_s: { label: 'Grace' },
  part_of: { label: 'Part of' },
};

export interface FieldProblem {
  /** Null if it belongs to no field of the form. */
  field: FieldName | null;
  text: string;
}

/** The server's message begins with the field's name: `` `url` is missing ``. */
export function toProblem(message: string): FieldProblem {
  const [, name = '', rest = ''] = /^`([a-z_]+)` (.+)$/s.exec(message) ?? [];
  const field = Object.hasOwn(FIELDS, name) ? (name as FieldName) : null;
  if (!field) return { field: null, text: message };
  return { field, text: `${FIELDS[field].label} ${rest}.` };
}
