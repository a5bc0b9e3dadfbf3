// A breakdown to the rows of a list whose bars make it a chart.

import type { BreakdownRow } from '../../api/types';
import { toCsv } from '../../export/csv';
import { quote } from '../../filter/text';

export interface Bar {
  key: string;
  requests: number;
  errors: number | null;
  /** Of all requests in the period; null where there is none. */
  share: number | null;
  /** Of the longest bar, 0 to 1. */
  length: number;
  /** The value as the filter writes it. */
  written: string;
}

/** `total`: all requests that the breakdown is a part of. */
export function toBars(rows: readonly BreakdownRow[], total: number): Bar[] {
  const longest = rows.reduce((most, row) => Math.max(most, row.requests), 0);
  return rows.map((row) => ({
    key: row.key,
    requests: row.requests,
    errors: row.errors ?? null,
    share: total > 0 ? Math.min(1, row.requests / total) : null,
    length: longest > 0 ? row.requests / longest : 0,
    written: quote(row.key),
  }));
}

export function breakdownCsv(key: string, rows: readonly BreakdownRow[]): string {
  return toCsv([key, 'requests', 'errors'], rows.map((row) => [row.key, row.requests, row.errors ?? null]));
}

/** The colour token of a status or of a class as `4xx`. */
export function statusColor(status: string): string {
  return { '1': '--info', '2': '--ok', '3': '--redirect', '4': '--client', '5': '--server' }[status.charAt(0)] ?? '--muted';
}
