// The real requests in the range of a monitor's charts.

import { ApiError } from '../api/client';
import type { Scope } from '../api/request';
import { MINUTE } from '../format/time';
import type { Traffic } from './traffic';
import { askTraffic } from './trafficCall';

export class MonitorTraffic {
  readonly #scope: Scope;
  traffic = $state.raw<Traffic | null>(null);
  /** The host whose requests are shown; null: all of the project. */
  host = $state<string | null>(null);
  error = $state.raw<ApiError | null>(null);
  #abort: AbortController | null = null;
  /** The last loaded range, and when. */
  #span = 0;
  #at = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** `span`: a new one is loaded at once, the same one once a minute. */
  async load(host: string | null, span: number, from: number, now: number) {
    if (span === this.#span && !this.error && now - this.#at < MINUTE) return;
    this.#span = span;
    this.#at = now;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    try {
      ({ traffic: this.traffic, host: this.host } = await askTraffic(this.#scope, host, from, now, abort.signal));
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }

  /** Aborts the running call; the next load repeats it. */
  stop() {
    this.#abort?.abort();
    this.#at = 0;
  }
}
