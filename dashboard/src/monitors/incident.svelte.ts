// One incident with its timeline and notices, and its owner's changes to it.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { IncidentChange, IncidentDetail } from '../api/types';

export class OneIncident {
  readonly #scope: Scope;
  readonly #id: string;
  detail = $state.raw<IncidentDetail | null>(null);
  error = $state.raw<ApiError | null>(null);
  #changes = 0;

  constructor(scope: Scope, id: string) {
    this.#scope = scope;
    this.#id = id;
  }

  async load() {
    const changes = this.#changes;
    try {
      const detail = await api.incident(this.#scope, this.#id);
      this.error = null;
      if (changes === this.#changes) this.detail = detail;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }

  /** Throws the server's error. */
  async change(change: IncidentChange) {
    this.#changes++;
    this.detail = await api.changeIncident(this.#scope, this.#id, change);
  }
}
