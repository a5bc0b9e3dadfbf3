// What the endpoint and consumer tables share: searching in what is there, and when a number is worth a colour.

import type { ConsumerRow, EndpointRow } from '../../api/types';
import { toCsv } from '../../export/csv';

export type Level = 'plain' | 'warn' | 'bad';

/** The project's limits are for the share of successes; a table shows the share of errors. */
export function errorLevel(errors: number, requests: number, amber: number, red: number): Level {
  if (requests === 0 || errors === 0) return 'plain';
  const success = 1 - errors / requests;
  return success < red ? 'bad' : success < amber ? 'warn' : 'plain';
}

export function errorRate(row: { requests: number; client_errors: number; server_errors: number }): number | null {
  return row.requests > 0 ? (row.client_errors + row.server_errors) / row.requests : null;
}

/** What a column of the table is sorted by, under the server's names for it; null where a row has nothing there. */
export function endpointValue(row: EndpointRow, by: string): number | null {
  switch (by) {
    case 'p50_ms':
      return row.p50_ms;
    case 'p99_ms':
      return row.p99_ms;
    default:
      return consumerValue(row, by);
  }
}

export function consumerValue(row: Pick<ConsumerRow, 'requests' | 'client_errors' | 'server_errors' | 'p95_ms' | 'last_seen'>, by: string): number | null {
  switch (by) {
    case 'error_rate':
      return errorRate(row);
    case 'p95_ms':
      return row.p95_ms;
    case 'last_seen':
      return row.last_seen === null ? null : Date.parse(row.last_seen);
    default:
      return row.requests;
  }
}

/** Every word must be somewhere in the row's text. */
export function search<Row>(rows: readonly Row[], words: string, text: (row: Row) => string): Row[] {
  const wanted = words.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return rows.filter((row) => {
    const there = text(row).toLowerCase();
    return wanted.every((word) => there.includes(word));
  });
}

export function endpointsCsv(rows: readonly EndpointRow[]): string {
  return toCsv(
    ['method', 'route', 'requests', 'client_errors', 'server_errors', 'p50_ms', 'p95_ms', 'p99_ms', 'last_seen'],
    rows.map((r) => [r.method, r.route, r.requests, r.client_errors, r.server_errors, r.p50_ms, r.p95_ms, r.p99_ms, r.last_seen]),
  );
}

export function consumersCsv(rows: readonly ConsumerRow[]): string {
  return toCsv(
    ['consumer', 'user', 'address', 'country', 'requests', 'client_errors', 'server_errors', 'p95_ms', 'last_seen'],
    rows.map((r) => [r.key, r.user, r.address, r.country, r.requests, r.client_errors, r.server_errors, r.p95_ms, r.last_seen]),
  );
}
