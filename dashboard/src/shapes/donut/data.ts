// Shares of a whole to the arcs of a ring.

import type { BreakdownRow } from '../../api/types';

export interface Arc {
  key: string;
  requests: number;
  share: number;
  /** In units of the ring's length, clockwise from the top, 0 to 1. */
  from: number;
  /** The strength of its colour, 0 to 1: the first is strongest. */
  strength: number;
}

export function toArcs(rows: readonly BreakdownRow[]): Arc[] {
  const total = rows.reduce((sum, row) => sum + row.requests, 0);
  if (total === 0) return [];
  let from = 0;
  return rows.map((row, i) => {
    const share = row.requests / total;
    const arc = { key: row.key, requests: row.requests, share, from, strength: 1 - (0.78 * i) / Math.max(1, rows.length - 1) };
    from += share;
    return arc;
  });
}
