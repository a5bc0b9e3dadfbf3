// A monitor's sums as a chart draws them: response times by phase, and problems behind them.

import type { MonitorHistory, Numbers } from '../api/types';
import { numbers } from '../format/number';
import { toLength } from '../shapes/day-bars/data';
import type { Buckets } from './history';
import { PHASES, type PhaseName } from './phases';

const SECOND = 1000;

export function toLongRun({ edges, series }: MonitorHistory): Buckets {
  const states = edges.slice(0, -1).map((_, i) => ({
    up: series.up_ms[i] ?? 0, down: series.down_ms[i] ?? 0, degraded: series.degraded_ms[i] ?? 0, maintenance: series.maintenance_ms[i] ?? 0,
    unknown: series.unknown_ms[i] ?? 0, failures: series.failures[i] ?? 0, checks: series.checks[i] ?? 0,
  }));
  return {
    edges,
    phases: Object.fromEntries(PHASES.map(({ name }): [PhaseName, Numbers] => [name, series[name]])) as Record<PhaseName, Numbers>,
    total: series.total_ms,
    shade: states.map(toShade),
    notes: states.map(toNote),
    failed: states.reduce((sum, { failures }) => sum + failures, 0),
  };
}

type States = Record<'up' | 'down' | 'degraded' | 'maintenance' | 'unknown' | 'failures' | 'checks', number>;

/** Maintenance and unknown time are drawn if they are most of a bucket: an hour of them every week would colour a whole year. */
function toShade({ up, down, degraded, maintenance, unknown }: States): string {
  if (down >= SECOND) return '--server';
  if (degraded >= SECOND) return '--client';
  if (maintenance > up + unknown) return '--redirect';
  return unknown > up ? '--info' : '';
}

function toNote({ down, degraded, maintenance, unknown, failures, checks }: States): string {
  const lengths = [['Down', down], ['degraded', degraded], ['in maintenance', maintenance], ['unknown', unknown]] as const;
  const said = lengths.filter(([, ms]) => ms >= SECOND).map(([word, ms]) => `${word} ${toLength(ms)}`);
  if (failures) said.push(`${numbers.count(failures)} of ${checks === 1 ? '1 check' : `${numbers.count(checks)} checks`} failed`);
  const sentence = said.join(', ');
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
