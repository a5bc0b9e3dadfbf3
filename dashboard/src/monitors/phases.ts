// The phases of a check, in order, and a check's times as parts of a bar.

import type { PhaseTimes } from '../api/types';

export const PHASES = [
  { name: 'dns_ms', label: 'DNS', color: '--phase-dns' },
  { name: 'connect_ms', label: 'Connect', color: '--phase-connect' },
  { name: 'tls_ms', label: 'TLS', color: '--phase-tls' },
  { name: 'first_byte_ms', label: 'First byte', color: '--phase-first-byte' },
  { name: 'body_ms', label: 'Body', color: '--phase-body' },
] as const;

export type PhaseName = (typeof PHASES)[number]['name'];

export interface Part {
  label: string;
  color: string;
  ms: number;
  /** Share of the whole, from 0 to 1. */
  share: number;
}

/** The phases that were reached; those that the kind of check lacks, or that would follow a failure, are absent. */
export function toParts(times: PhaseTimes): Part[] {
  const reached = PHASES.flatMap(({ name, label, color }) => {
    const ms = times[name];
    return ms === null ? [] : [{ label, color, ms }];
  });
  const total = reached.reduce((sum, { ms }) => sum + ms, 0);
  return reached.map((part) => ({ ...part, share: total > 0 ? part.ms / total : 0 }));
}
