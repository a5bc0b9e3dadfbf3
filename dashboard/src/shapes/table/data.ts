// Shared by the endpoint and consumer tables: text search, and the threshold for a number's colour.

export type Level = 'plain' | 'warn' | 'bad';

/** The project's thresholds are for the share of successes; a table shows the share of errors. */
export function errorLevel(errors: number, requests: number, amber: number, red: number): Level {
  if (requests === 0 || errors === 0) return 'plain';
  const success = 1 - errors / requests;
  return success < red ? 'bad' : success < amber ? 'warn' : 'plain';
}

export function errorRate(row: { requests: number; client_errors: number; server_errors: number }): number | null {
  return row.requests > 0 ? (row.client_errors + row.server_errors) / row.requests : null;
}

/** Every word must be somewhere in the text. */
export function matches(text: string, words: string): boolean {
  const there = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => there.includes(word));
}
