// Rules in words: their conditions and states.

import type { ReadyMade, Rule, RuleMetric, RuleState } from '../api/types';
import { numbers } from '../format/number';
import { toLength } from '../shapes/day-bars/data';

interface MetricInfo {
  metric: RuleMetric;
  label: string;
  /** After its number. */
  unit: string;
}

export const METRICS: readonly MetricInfo[] = [
  { metric: 'requests', label: 'Requests', unit: '' },
  { metric: 'server_errors', label: 'Server errors (5xx)', unit: '' },
  { metric: 'server_error_share', label: 'Share of server errors', unit: ' %' },
  { metric: 'client_errors', label: 'Client errors (4xx)', unit: '' },
  { metric: 'client_error_share', label: 'Share of client errors', unit: ' %' },
  { metric: 'p50_ms', label: 'Median response time', unit: ' ms' },
  { metric: 'p95_ms', label: '95th percentile of response times', unit: ' ms' },
  { metric: 'p99_ms', label: '99th percentile of response times', unit: ' ms' },
  { metric: 'consumers', label: 'Consumers', unit: '' },
];

export const infoOf = (metric: RuleMetric) => METRICS.find((info) => info.metric === metric) ?? { metric, label: metric, unit: '' };

const EACH = { all: '', endpoint: ', for each endpoint', consumer: ', for each consumer' } as const;

/** "Share of server errors at least 5 % over 10 min, for each endpoint, of path:/v1/*". */
export function toCondition({ settings }: Rule, readyMade: readonly ReadyMade[]): string {
  const named = readyMade.find(({ name }) => name === settings.ready_made);
  if (named) return settings.goal_percent ? `${named.condition} (goal: ${numbers.plain(settings.goal_percent)} %)` : named.condition;
  if (!settings.metric) return '';
  const { label, unit } = infoOf(settings.metric);
  const bound = settings.at_least != null ? `at least ${numbers.plain(settings.at_least)}${unit}` : `at most ${numbers.plain(settings.at_most ?? 0)}${unit}`;
  const each = EACH[settings.group_by ?? 'all'];
  return `${label} ${bound} over ${settings.window_minutes ?? 5} min${each}${settings.q ? `, of ${settings.q}` : ''}`;
}

export const STATES: Record<RuleState, { label: string; tone: 'good' | 'warn' | 'bad' | '' }> = {
  ok: { label: 'OK', tone: 'good' },
  pending: { label: 'Pending', tone: 'warn' },
  firing: { label: 'Firing', tone: 'bad' },
  paused: { label: 'Paused', tone: '' },
};

/** "GET /orders for 12 min and 2 more"; "" if nothing is firing or pending. */
export function toAlerts({ alerts }: Rule, now: number): string {
  const [first, ...others] = alerts;
  if (!first) return '';
  const since = `for ${toLength(Math.max(0, now - Date.parse(first.since)))}`;
  return `${first.of ? `${first.of} ` : ''}${since}${others.length ? ` and ${others.length} more` : ''}`;
}

/** The labels of the form's fields. */
export const LABELS = {
  metric: 'Metric',
  at_least: 'Threshold',
  at_most: 'Threshold',
  window_minutes: 'Window',
  for_minutes: 'Fires after',
  keep_minutes: 'Ends after',
  group_by: 'One alert',
  q: 'Filter',
  least_requests: 'Least requests',
  severity: 'Severity',
  name: 'Name',
} as const;
export type RuleField = keyof typeof LABELS;

/** The field that a server's error names, and its problem. */
export function toFieldProblem(message: string): { field: RuleField | null; text: string } {
  const [, field = '', rest = ''] = /^`(\w+)` (.+)$/.exec(message) ?? [];
  if (!Object.hasOwn(LABELS, field)) return { field: null, text: message };
  return { field: field as RuleField, text: `${LABELS[field as RuleField]} ${rest}` };
}
