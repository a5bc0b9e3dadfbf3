// What the server added up of a monitor since a time; asked for again as time goes on.

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
  /** Which was asked for last, and when. */
  #span = 0;
  #at = 0;
  #abort: AbortController | null = null;

  constructor(scope: Scope, id: number) {
    this.#scope = scope;
    this.#id = id;
  }

  /** `span`: another one than before is asked for at once, the same once a minute. */
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

  /** What is under way is given up, and asked for again by the next load. */
  stop() {
    this.#abort?.abort();
    this.#at = 0;
  }
}
