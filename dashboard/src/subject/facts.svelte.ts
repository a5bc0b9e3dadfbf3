// Facts about an endpoint or a consumer that are independent of period and filter. Loaded once, after the numbers.

import { api } from '../api/client';
import type { ConsumerRow, EndpointRow } from '../api/types';
import type { Board } from '../dashboard/board.svelte';
import { toInstant } from '../dashboard/state';
import { DAY, HOUR } from '../format/time';
import { firstBucket, toPace } from './facts';

type Row = (EndpointRow | ConsumerRow) & Partial<Pick<ConsumerRow, 'address' | 'country'>>;

export interface Facts {
  /** Stored requests. */
  requests: number;
  /** A consumer's address in its last requests. */
  address: string;
  country: string;
  first: { from: number; to: number } | null;
  last: number | null;
  /** Milliseconds between two requests before the last one, and the length of that time. */
  pace: number | null;
  over: number;
}

/** Queries for the first request: each narrows its time to a bucket, of which there are up to 200, so these lead from years to minutes. */
const LOOKS = 3;

export async function loadFacts(board: Board, signal: AbortSignal): Promise<Facts> {
  const { scope, lock: q, zone: tz } = board;
  const isEndpoint = board.place.subject?.kind === 'endpoint';
  const list = await api.list<Row>(scope, isEndpoint ? 'endpoints' : 'top_consumers', { period: 'all', q, tz, limit: 50 }, signal);
  const requests = list.rows.reduce((sum, row) => sum + row.requests, 0);
  const row = list.rows[0];
  const last = list.rows.reduce<number | null>((most, { last_seen }) => Math.max(most ?? 0, Date.parse(last_seen)), null);
  const known = { requests, address: row?.address ?? '', country: row?.country ?? '', last };
  if (!row || last === null) return { ...known, first: null, pace: null, over: 0 };
  let first: Facts['first'] = null;
  for (let look = 0; look < LOOKS && (!first || first.to - first.from > HOUR); look++) {
    const period = first ? { from: toInstant(first.from), to: toInstant(first.to) } : { period: 'all' };
    const { panels } = await api.dashboard(scope, { ...period, q, tz, panels: 'activity' }, signal);
    const found = panels.activity && firstBucket(panels.activity.edges, (['1xx', '2xx', '3xx', '4xx', '5xx'] as const).map((name) => panels.activity?.series[name] ?? []));
    if (!found) break;
    first = found;
  }
  const from = Math.max(last - 7 * DAY, first?.from ?? 0);
  const { panels } = await api.dashboard(scope, { from: toInstant(from), to: toInstant(last + 1), q, tz, panels: 'requests' }, signal);
  return { ...known, first, pace: toPace(panels.requests?.value ?? 0, from, last), over: last - from };
}
