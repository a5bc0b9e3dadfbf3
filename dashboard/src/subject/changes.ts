// Values whose share of the requests differs from that in the period before, the largest difference first. Shares, not counts: twice as
// many requests of every kind is not a change.

import type { ConsumerRow, EndpointRow, PanelName, Panels } from '../api/types';
import { quote } from '../filter/text';
import type { SubjectKind } from '../dashboard/subject';

/** The panels that are compared. */
export const COMPARED: Record<SubjectKind, readonly PanelName[]> = {
  endpoint: ['statuses', 'top_consumers', 'clients', 'countries', 'hosts', 'versions'],
  consumer: ['statuses', 'endpoints', 'clients', 'countries', 'hosts', 'versions'],
};

export interface Moved {
  panel: PanelName;
  /** Unique within its panel. */
  key: string;
  name: string;
  /** Shares of all requests, 0 to 1, now and before. */
  now: number;
  before: number;
  /** The filter of a click on it; none if that takes more than one condition. */
  field?: string;
  written?: string;
}

/** Smaller changes of a share are normal, however many requests there are. */
const LEAST = 0.02;
/** Standard errors of a difference of two shares that chance exceeds only once in 370 times. */
const BEYOND_CHANCE = 3;
/** With fewer requests in either period, shares mean nothing. */
const FEWEST = 20;
export const MOST_SHOWN = 6;

interface Row {
  key: string;
  name: string;
  requests: number;
  field?: string;
  written?: string;
}

const FIELDS: Partial<Record<PanelName, string>> = { statuses: 'status', clients: 'client', countries: 'country', hosts: 'host', versions: 'version', top_consumers: 'consumer' };

function rowsOf(panels: Partial<Panels>, panel: PanelName): { rows: Row[]; isWhole: boolean } | null {
  const answer = panels[panel];
  if (!answer || !('rows' in answer) || !('total_rows' in answer)) return null;
  const isWhole = answer.total_rows <= answer.rows.length && !('hidden' in answer && answer.hidden);
  if (panel === 'endpoints') {
    const rows = answer.rows as EndpointRow[];
    return { isWhole, rows: rows.map(({ method, route, requests }) => ({ key: `${method} ${route}`, name: `${method} ${route || '(no path)'}`, requests })) };
  }
  const field = FIELDS[panel] ?? '';
  if (panel === 'top_consumers') {
    const rows = answer.rows as ConsumerRow[];
    return { isWhole, rows: rows.map(({ key, user, address, requests }) => ({ key, name: user || address || 'Unknown', requests, field, written: quote(key) })) };
  }
  const rows = answer.rows as { key: string; requests: number }[];
  return { isWhole, rows: rows.map(({ key, requests }) => ({ key, name: key, requests, field, written: quote(key) })) };
}

/** Whether the shares of `a` of `all` and `b` of `allBefore` differ by more than chance explains (a two-proportion test). */
export function isBeyondChance(a: number, all: number, b: number, allBefore: number): boolean {
  const both = (a + b) / (all + allBefore);
  const error = Math.sqrt(both * (1 - both) * (1 / all + 1 / allBefore));
  return error > 0 && Math.abs(a / all - b / allBefore) > BEYOND_CHANCE * error;
}

export function toMoved(compared: readonly PanelName[], now: Partial<Panels>, before: Partial<Panels>): Moved[] {
  const [all, allBefore] = [now.requests?.value ?? 0, before.requests?.value ?? 0];
  if (all < FEWEST || allBefore < FEWEST) return [];
  const moved = compared.flatMap((panel): Moved[] => {
    const [these, those] = [rowsOf(now, panel), rowsOf(before, panel)];
    if (!these || !those) return [];
    const names = new Map([...those.rows, ...these.rows].map((row) => [row.key, row]));
    const count = (rows: Row[]) => new Map(rows.map((row) => [row.key, row.requests]));
    const [counts, countsBefore] = [count(these.rows), count(those.rows)];
    return [...names.values()].flatMap(({ key, name, field, written }) => {
      // A value without a row has no requests, or is one of many that are not listed.
      if ((!counts.has(key) && !these.isWhole) || (!countsBefore.has(key) && !those.isWhole)) return [];
      const [has, had] = [counts.get(key) ?? 0, countsBefore.get(key) ?? 0];
      const shares = { now: has / all, before: had / allBefore };
      if (Math.abs(shares.now - shares.before) < LEAST || !isBeyondChance(has, all, had, allBefore)) return [];
      return [{ panel, key, name, ...shares, ...(field !== undefined && written !== undefined ? { field, written } : {}) }];
    });
  });
  return moved.sort((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before)).slice(0, MOST_SHOWN);
}
