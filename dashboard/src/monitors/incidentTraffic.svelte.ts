// The real requests around an incident, and whom it hits while it lasts.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Incident, Reach } from '../api/types';
import { toInstant } from '../dashboard/state';
import { both } from '../filter/text';
import { NAMED, toFilter, toReach, toTraffic, toWindow, type Traffic } from './traffic';

export class IncidentTraffic {
  readonly #scope: Scope;
  #host: string | null;
  #abort: AbortController | null = null;
  traffic = $state.raw<Traffic | null>(null);
  reach = $state.raw<Reach | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Whose requests are shown; null: all of the project. */
  host = $state<string | null>(null);

  /** `host`: which the monitor calls. */
  constructor(scope: Scope, host: string | null) {
    this.#scope = scope;
    this.#host = host;
    this.host = host;
  }

  async load(incident: Incident, now: number) {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const ask = (panels: string, from: number, to: number, q: string, rows?: number) =>
      api.dashboard(this.#scope, { panels, from: toInstant(from), to: toInstant(to), tz: 'UTC', q: q || undefined, rows }, abort.signal);
    const { from, to } = toWindow(incident, now);
    try {
      let answer = await ask('requests,activity', from, to, toFilter(this.#host));
      if (this.#host !== null && !answer.panels.requests?.value) {
        // A health check may have a name of its own that no request carries.
        answer = await ask('requests,activity', from, to, '');
        if (answer.panels.requests?.value) this.#host = null;
      }
      // What an incident hit is written down when it ends; until then it grows.
      const isOpen = incident.state === 'open';
      const failed = isOpen ? await ask('requests,consumers,endpoints,top_consumers', Date.parse(incident.began_at), Math.max(now, Date.parse(incident.began_at) + 1000), both(toFilter(this.#host), 'status:5xx'), NAMED) : null;
      this.host = this.#host;
      this.traffic = answer.panels.activity ? toTraffic(answer.panels.activity) : null;
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
