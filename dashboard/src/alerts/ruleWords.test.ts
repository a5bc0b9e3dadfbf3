import { expect, test } from 'vitest';
import type { Rule } from '../api/types';
import { toAlerts, toCondition, toFieldProblem } from './ruleWords';

const now = Date.parse('2026-11-26T12:30:00Z');
const rule = (settings: Partial<Rule['settings']>, alerts: Rule['alerts'] = []): Rule => ({ id: 1, label: 'Rule', created_at: '2026-11-26T10:00:00Z', state: 'ok', alerts, settings: { paused: false, ...settings } as Rule['settings'] });

test('a condition says what it watches', () => {
  expect(toCondition(rule({ metric: 'server_error_share', at_least: 5, window_minutes: 10, group_by: 'endpoint', q: 'path:/v1/*' }), [])).toBe('Share of server errors at least 5 % over 10 min, for each endpoint, of path:/v1/*');
  expect(toCondition(rule({ metric: 'requests', at_most: 0 }), [])).toBe('Requests at most 0 over 5 min');
  const burn = { name: 'burn_rate', label: 'the error budget burns', condition: 'the budget burns too fast', for_minutes: 0, keep_minutes: 0, group_by: 'all' as const, severity: 'critical' as const, recommended: false, longer_window_minutes: null, window_minutes: null };
  expect(toCondition(rule({ ready_made: 'burn_rate', goal_percent: 99.9 }), [burn])).toBe('the budget burns too fast (goal: 99.9 %)');
});

test('alerts that are not over', () => {
  const since = '2026-11-26T12:18:00Z';
  expect(toAlerts(rule({}), now)).toBe('');
  expect(toAlerts(rule({}, [{ of: '', state: 'firing', since }]), now)).toBe('for 12 min');
  expect(toAlerts(rule({}, [{ of: 'GET /buy', state: 'firing', since }, { of: 'GET /', state: 'pending', since }]), now)).toBe('GET /buy for 12 min and 1 more');
});

test('an error of the server stands at its field', () => {
  expect(toFieldProblem('`window_minutes` is 0; it is 1 to 1440')).toEqual({ field: 'window_minutes', text: 'Window is 0; it is 1 to 1440' });
  expect(toFieldProblem('too many rules')).toEqual({ field: null, text: 'too many rules' });
});
