// A breakdown to the rows of a list whose bars make it a chart.

import type { BreakdownRow } from '../../api/types';
import { quote } from '../../filter/text';

export interface Bar {
  key: string;
  requests: number;
  errors: number | null;
  /** Share of all requests in the period; null if there are none. */
  share: number | null;
  /** Relative to the longest bar, 0 to 1. */
  length: number;
  /** The value in the filter's syntax. */
  written: string;
}

/** `total`: all requests of the breakdown. `most`: those of the longest bar, if it is not among the rows. */
export function toBars(rows: readonly (BreakdownRow | undefined)[], total: number, most?: number): (Bar | undefined)[] {
  const longest = most ?? rows.reduce((most, row) => Math.max(most, row?.requests ?? 0), 0);
  // Not `map`: rows that are not loaded yet are holes.
  return Array.from(rows, (row) => row && toBar(row, total, longest));
}

function toBar(row: BreakdownRow, total: number, longest: number): Bar {
  return {
    key: row.key,
    requests: row.requests,
    errors: row.errors ?? null,
    share: total > 0 ? Math.min(1, row.requests / total) : null,
    length: longest > 0 ? row.requests / longest : 0,
    written: quote(row.key),
  };
}

/** The colour token of a status, or of a class such as `4xx`. */
export function statusColor(status: string): string {
  return { '1': '--info', '2': '--ok', '3': '--redirect', '4': '--client', '5': '--server' }[status.charAt(0)] ?? '--muted';
}
