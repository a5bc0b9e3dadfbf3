// The incidents of a project, or of one monitor, newest first: the first page is polled, older ones are loaded on demand.

import { api, ApiError } from '../api/client';
import type { Parameters, Scope } from '../api/request';
import type { Incident } from '../api/types';

/** The largest page that the server gives. */
const MOST = 500;

export class Incidents {
  readonly #scope: Scope;
  readonly #question: Parameters;
  #limit: number;
  /** Null until the first answer. */
  all = $state.raw<readonly Incident[] | null>(null);
  more = $state(false);
  error = $state.raw<ApiError | null>(null);
  busy = $state(false);
  now = $state(Date.now());
  /** Counts changes made here: an answer that was requested before one is outdated. */
  #changes = 0;

  constructor(scope: Scope, question: Parameters = {}, limit = 50) {
    this.#scope = scope;
    this.#question = question;
    this.#limit = limit;
  }

  async load() {
    const changes = this.#changes;
    this.busy = true;
    try {
      const { incidents, next } = await api.incidents(this.#scope, { ...this.#question, limit: this.#limit });
      this.error = null;
      if (changes !== this.#changes) return;
      this.all = incidents;
      this.more = next !== null && this.#limit < MOST;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    } finally {
      this.now = Date.now();
      this.busy = false;
    }
  }

  async loadMore() {
    this.#limit = Math.min(MOST, this.#limit * 3);
    await this.load();
  }

  put(incident: Incident) {
    this.#changes++;
    this.all = (this.all ?? []).map((other) => (other.id === incident.id ? incident : other));
  }
}
