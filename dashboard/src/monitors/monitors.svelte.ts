// The monitors of a project, asked for again and again: old ones stay while the server cannot be reached.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Monitor } from '../api/types';

export class Monitors {
  readonly #scope: Scope;
  /** Null until the first answer. */
  all = $state.raw<readonly Monitor[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** When what is shown was answered. */
  at = $state(0);
  now = $state(Date.now());
  /** Changed here while an answer was under way: that answer is old. */
  #changes = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async load() {
    const changes = this.#changes;
    try {
      const { monitors } = await api.monitors(this.#scope);
      this.now = Date.now();
      this.error = null;
      if (changes !== this.#changes) return;
      this.all = monitors;
      this.at = this.now;
    } catch (error) {
      this.now = Date.now();
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }

  put(monitor: Monitor) {
    this.#changes++;
    const others = this.all ?? [];
    const known = others.some(({ id }) => id === monitor.id);
    // The answer to a change says nothing about uptime.
    const merge = (other: Monitor) => ({ ...monitor, uptime: monitor.uptime ?? other.uptime, bars: monitor.bars ?? other.bars });
    this.all = known ? others.map((other) => (other.id === monitor.id ? merge(other) : other)) : [...others, monitor];
  }

  drop(id: number) {
    this.#changes++;
    this.all = (this.all ?? []).filter((monitor) => monitor.id !== id);
  }
}
