// Loads the project's own requests beside a monitor: those to its host, or all if no request has that name.

import { api } from '../api/client';
import type { Scope } from '../api/request';
import { toInstant } from '../dashboard/state';
import { toFilter, toTraffic, type Traffic } from './traffic';

export interface AskedTraffic {
  traffic: Traffic | null;
  /** The host of the requests; null: all of the project. */
  host: string | null;
}

export async function askTraffic(scope: Scope, host: string | null, from: number, to: number, signal: AbortSignal): Promise<AskedTraffic> {
  const ask = (q: string) => api.dashboard(scope, { panels: 'requests,activity', from: toInstant(from), to: toInstant(to), tz: 'UTC', q: q || undefined }, signal);
  const own = await ask(toFilter(host));
  const found = (answer: typeof own, whose: string | null) => ({ traffic: answer.panels.activity ? toTraffic(answer.panels.activity, answer.period) : null, host: whose });
  if (host === null || own.panels.requests?.value) return found(own, host);
  // A health check may use a name that no request has.
  const all = await ask('');
  return all.panels.requests?.value ? found(all, null) : found(own, host);
}
