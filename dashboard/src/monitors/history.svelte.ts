// A monitor's history since a time, summed by the server; refreshed as time goes on.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { MonitorHistory } from '../api/types';
import { toInstant } from '../dashboard/state';
import { MINUTE } from '../format/time';

export class History {
  readonly #scope: Scope;
  readonly #id: number;
  answer = $state.raw<MonitorHistory | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** The last loaded range, and when. */
  #span = 0;
  #at = 0;
  #abort: AbortController | null = null;

  constructor(scope: Scope, id: number) {
    this.#scope = scope;
    this.#id = id;
  }

  /** `span`: a new one is loaded at once, the same one once a minute. */
  async load(span: number, from: number, now: number) {
    if (span === this.#span && !this.error && now - this.#at < MINUTE) return;
    if (span !== this.#span) this.answer = null;
    this.#span = span;
    this.#at = now;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    try {
      this.answer = await api.monitorHistory(this.#scope, this.#id, { from: toInstant(from), to: toInstant(now) }, abort.signal);
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
