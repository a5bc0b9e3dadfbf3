// Single checks over time: merged as they come, and put into buckets for a chart. A bucket without a check stays a gap, and a failed check
// gives no response time.

import type { MonitorCheck, Numbers } from '../api/types';
import { HOUR, MINUTE } from '../format/time';
import { PHASES, type PhaseName } from './phases';
import { failureMeaning } from './words';

/** Newer checks before older ones; null if they do not overlap, so that some may be missing between. */
export function merge(newer: readonly MonitorCheck[], older: readonly MonitorCheck[], interval_ms: number): MonitorCheck[] | null {
  const newest = older[0];
  if (!newest) return [...newer];
  const known = Date.parse(newest.at);
  const added = newer.filter(({ at }) => Date.parse(at) > known);
  // The newest may have grown: a stretch of unchecked slots keeps its first time.
  const same = newer.find(({ at }) => Date.parse(at) === known);
  const first = added[added.length - 1];
  const reach = known + Math.max(1, newest.missed) * interval_ms * 1.5;
  if (first && !same && Date.parse(first.at) > reach) return null;
  return [...added, same ?? newest, ...older.slice(1)];
}

export const isFailure = ({ outcome }: MonitorCheck) => outcome === 'down';

export interface Buckets {
  edges: number[];
  phases: Record<PhaseName, Numbers>;
  /** The mean of the checks that passed. */
  total: Numbers;
  /** A token's name if a check failed or was missed, else "". */
  shade: string[];
  /** The same in words. */
  notes: string[];
  failed: number;
}

/** The start of a chart of the last `span_ms`: a younger monitor fills it, but it covers at least a quarter of an hour. */
export function toFrom(span_ms: number, created_at: string, now: number): number {
  const created = Date.parse(created_at);
  return Math.max(now - span_ms, Math.min(created, now - 15 * MINUTE));
}

/** Bars that a chart has room for. */
const MOST = 180;
/** None below a minute, the precision of labels. */
const STEPS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR];

/** The shortest step that has a check in each bucket and gives at most `most` buckets. */
export function toStep(span_ms: number, interval_ms: number, most = MOST): number {
  return STEPS.find((step) => step >= interval_ms && span_ms / step <= most) ?? 24 * HOUR;
}

export function toBuckets(checks: readonly MonitorCheck[], interval_ms: number, from: number, to: number, step: number): Buckets {
  const start = Math.floor(from / step) * step;
  const length = Math.max(1, Math.ceil((to - start) / step));
  const edges = Array.from({ length: length + 1 }, (_, i) => start + i * step);
  const held = Array.from({ length }, () => ({ passed: [] as MonitorCheck[], slow: 0, failures: [] as string[], missed: 0, ours: 0 }));
  const at = (ms: number) => held[Math.floor((ms - start) / step)];
  for (const check of checks) {
    const ms = Date.parse(check.at);
    if (check.missed > 0) {
      const skipped = Math.max(0, Math.ceil((start - ms) / interval_ms));
      for (let i = skipped; i < check.missed && ms + i * interval_ms < to; i++) {
        const bucket = at(ms + i * interval_ms);
        if (bucket) bucket.missed++;
      }
      continue;
    }
    const bucket = at(ms);
    if (!bucket) continue;
    if (check.outcome === 'down') bucket.failures.push(check.failure ?? 'unknown');
    else if (check.outcome === 'unknown') bucket.ours++;
    else {
      bucket.passed.push(check);
      if (check.outcome === 'degraded') bucket.slow++;
    }
  }
  const mean = (values: (number | null)[]) => {
    const there = values.filter((value) => value !== null);
    // Averaged over all that passed, so that the phases add up to the total: a missing phase took no time.
    return there.length ? there.reduce((sum, value) => sum + value, 0) / values.length : null;
  };
  return {
    edges,
    phases: Object.fromEntries(PHASES.map(({ name }) => [name, held.map(({ passed }) => mean(passed.map(({ times }) => times[name])))])) as Record<PhaseName, Numbers>,
    total: held.map(({ passed }) => mean(passed.map(({ times }) => times.total_ms))),
    shade: held.map(({ failures, missed, slow }) => (failures.length ? '--server' : missed ? '--info' : slow ? '--client' : '')),
    notes: held.map((bucket) => toNote(bucket)),
    failed: held.reduce((sum, { failures }) => sum + failures.length, 0),
  };
}

function toNote({ failures, missed, slow, ours }: { failures: string[]; missed: number; slow: number; ours: number }): string {
  const checks = (n: number) => (n === 1 ? '1 check' : `${n} checks`);
  const kinds = [...new Set(failures)].map((code) => failureMeaning(code).what.toLowerCase());
  return [
    failures.length ? `${checks(failures.length)} failed: ${kinds.join(', ')}` : '',
    slow ? `${checks(slow)} degraded` : '',
    missed || ours ? `${checks(missed + ours)} without a result` : '',
  ].filter(Boolean).join('; ');
}
