// The state of a monitor, in a word and a detail. Only the server decides the state: a failed check is not an outage until it says so, and
// a page that cannot reach the server keeps the last known one.

import type { Certificate, Monitor, MonitorSettings } from '../api/types';
import { numbers } from '../format/number';
import { DAY, HOUR, MINUTE } from '../format/time';
import { toLength as toDuration } from '../shapes/day-bars/data';
import { failureMeaning } from './words';

export type StandingName = 'down' | 'degraded' | 'unknown' | 'waiting' | 'maintenance' | 'up' | 'paused';

export interface Standing {
  name: StandingName;
  label: string;
  /** "" if the label says it all. */
  detail: string;
}

const LABELS: Record<StandingName, string> = { down: 'Down', degraded: 'Degraded', unknown: 'Unknown', waiting: 'Waiting', maintenance: 'Maintenance', up: 'Up', paused: 'Paused' };

export function toStanding(monitor: Monitor): Standing {
  const { settings, state, last_check: last, unconfirmed } = monitor;
  const standing = (name: StandingName, detail = '') => ({ name, label: LABELS[name], detail });
  if (settings.paused) return standing('paused');
  if (state === 'maintenance') return standing('maintenance', monitor.is_down ? 'down' : '');
  if (state === 'unknown') {
    if (monitor.is_down) return standing('unknown', 'down when last checked');
    if (settings.kind === 'heartbeat' && !hasCalled(monitor)) return standing('waiting', 'for the first call');
    if (!last) return standing('waiting', 'for the first check');
    if (unconfirmed) return standing('unknown', `${unconfirmed.results} of ${settings.down_after} checks failed`);
    return standing('unknown', last.missed ? 'not checked' : '');
  }
  if (unconfirmed) {
    const wanted = state === 'down' ? settings.up_after : settings.down_after;
    // Results in a row that contradict a state: successes in an outage, else failures.
    const results = `${unconfirmed.results} of ${wanted} checks`;
    return standing(state, state === 'down' ? `${results} passed` : `${results} failed`);
  }
  if (state === 'down') return standing('down', last?.failure ? failureMeaning(last.failure).what.toLowerCase() : '');
  if (state === 'degraded') return standing('degraded', settings.degraded_above_ms ? `over ${numbers.together(numbers.duration(settings.degraded_above_ms))}` : '');
  return standing('up');
}

/** "3 d 4 h": how long the state has lasted; "" before the first result. */
export function toSince(monitor: Monitor, now: number): string {
  if (monitor.since === null || toStanding(monitor).name === 'waiting') return '';
  return toDuration(now - Date.parse(monitor.since));
}

const hasCalled = ({ signals }: Monitor) => !!signals && (signals.succeeded_at ?? signals.failed_at ?? signals.started_at) !== null;

const ORDER: readonly StandingName[] = ['down', 'degraded', 'unknown', 'waiting', 'maintenance', 'up', 'paused'];

/** Those that need attention first; then by name. */
export function inOrder(monitors: readonly Monitor[]): Monitor[] {
  const keys = new Map(monitors.map((monitor) => [monitor, ORDER.indexOf(toStanding(monitor).name)]));
  return [...monitors].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0) || a.settings.name.localeCompare(b.settings.name) || a.id - b.id);
}

/** The number of monitors per state that occurs, those that need attention first. */
export function toCounts(monitors: readonly Monitor[]): { name: StandingName; text: string }[] {
  return ORDER.flatMap((name) => {
    const count = monitors.filter((monitor) => toStanding(monitor).name === name).length;
    return count ? [{ name, text: `${numbers.count(count)} ${LABELS[name].toLowerCase()}` }] : [];
  });
}

/** The target, in one line. */
export function toTarget(settings: MonitorSettings): string {
  switch (settings.kind) {
    case 'http':
      return `${settings.method && settings.method !== 'GET' ? `${settings.method} ` : ''}${settings.url ?? ''}`;
    case 'tcp':
      return `tcp://${settings.target ?? ''}`;
    case 'heartbeat':
      return settings.cron ? `heartbeat, ${settings.cron} ${settings.time_zone ?? 'UTC'}` : `heartbeat, ${toEvery(settings.period_s ?? 0)}`;
  }
}

/** 90 as "90 s", 86400 as "1 day": exact, in the largest unit that divides it. */
export function toLength(seconds: number): string {
  const units: [number, string][] = [[DAY / 1000, 'day'], [HOUR / 1000, 'h'], [MINUTE / 1000, 'min']];
  for (const [size, unit] of units) {
    if (seconds > 0 && seconds % size === 0) return `${seconds / size} ${unit}${unit === 'day' && seconds !== size ? 's' : ''}`;
  }
  return `${seconds} s`;
}

/** "every 90 s", "every hour". */
export function toEvery(seconds: number): string {
  const words: Record<string, string> = { '1 day': 'day', '1 h': 'hour', '1 min': 'minute' };
  const length = toLength(seconds);
  return `every ${words[length] ?? length}`;
}

export interface Left {
  text: string;
  tone: 'good' | 'warn' | 'bad';
}

/** The remaining time of a certificate. The server judges whether that is short, since it depends on the certificate's lifetime. */
export function toLeft(certificate: Certificate, now: number): Left {
  const tone = certificate.problem || certificate.level === 'critical' || certificate.level === 'expired' || certificate.level === 'not_yet_valid' ? 'bad' : certificate.level === 'warn' ? 'warn' : 'good';
  const left = Date.parse(certificate.not_after) - now;
  if (certificate.level === 'not_yet_valid') return { text: 'not valid yet', tone };
  if (left < 0) return { text: 'expired', tone };
  if (left < DAY) return { text: '< 1 day', tone };
  const days = Math.floor(left / DAY);
  return { text: `${numbers.count(days)} ${days === 1 ? 'day' : 'days'}`, tone };
}
