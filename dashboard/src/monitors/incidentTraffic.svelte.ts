// The real requests around an incident, and who is affected while it lasts.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Incident, Reach } from '../api/types';
import { toInstant } from '../dashboard/state';
import { both } from '../filter/text';
import { NAMED, toFilter, toReach, toWindow, type Traffic } from './traffic';
import { askTraffic } from './trafficCall';

export class IncidentTraffic {
  readonly #scope: Scope;
  #host: string | null;
  #abort: AbortController | null = null;
  traffic = $state.raw<Traffic | null>(null);
  reach = $state.raw<Reach | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** The host whose requests are shown; null: all of the project. */
  host = $state<string | null>(null);

  /** `host`: the one that the monitor calls. */
  constructor(scope: Scope, host: string | null) {
    this.#scope = scope;
    this.#host = host;
    this.host = host;
  }

  async load(incident: Incident, now: number) {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const { from, to } = toWindow(incident, now);
    try {
      const { traffic, host } = await askTraffic(this.#scope, this.#host, from, to, abort.signal);
      this.#host = host;
      // The requests affected by an incident are stored when it ends; until then they are counted here.
      const began = Date.parse(incident.began_at);
      const failed = incident.state !== 'open' ? null : await api.dashboard(this.#scope, {
        panels: 'requests,consumers,endpoints,top_consumers', from: toInstant(began), to: toInstant(Math.max(now, began + 1000)), tz: 'UTC',
        q: both(toFilter(host), 'status:5xx'), rows: NAMED,
      }, abort.signal);
      this.host = host;
      this.traffic = traffic;
      this.reach = failed ? toReach(failed.panels) : incident.hit;
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }

  stop() {
    this.#abort?.abort();
  }
}
