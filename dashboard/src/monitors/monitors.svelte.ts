// The monitors of a project, polled: old ones stay while the server cannot be reached.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Monitor } from '../api/types';

/** How often uptime is loaded; states are loaded each time. */
const UPTIME_MS = 60_000;

/** The answer to a change and most lists have no uptime: the previous one stays. */
const withUptime = (monitor: Monitor, before: Monitor | undefined): Monitor => ({ ...monitor, uptime: monitor.uptime ?? before?.uptime ?? null, bars: monitor.bars ?? before?.bars ?? null });

export class Monitors {
  readonly #scope: Scope;
  /** Null until the first answer. */
  all = $state.raw<readonly Monitor[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** The time of the shown answer. */
  at = $state(0);
  now = $state(Date.now());
  /** When uptime was last loaded. */
  #added = 0;
  /** Counts changes made here: an answer that was requested before one is outdated. */
  #changes = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async load() {
    const changes = this.#changes;
    try {
      const shown = this.all ?? [];
      const before = (id: number) => shown.find((monitor) => monitor.id === id);
      let isFull = Date.now() - this.#added >= UPTIME_MS;
      let { monitors } = await api.monitors(this.#scope, isFull ? {} : { uptime: 'false' });
      // Somebody else has added one: its row is shown once it is complete.
      if (!isFull && monitors.some(({ id }) => !before(id)?.bars)) {
        isFull = true;
        ({ monitors } = await api.monitors(this.#scope));
      }
      this.now = Date.now();
      this.error = null;
      if (changes !== this.#changes) return;
      if (isFull) this.#added = this.now;
      this.all = monitors.map((monitor) => withUptime(monitor, before(monitor.id)));
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
    this.all = known ? others.map((other) => (other.id === monitor.id ? withUptime(monitor, other) : other)) : [...others, monitor];
  }

  drop(id: number) {
    this.#changes++;
    this.all = (this.all ?? []).filter((monitor) => monitor.id !== id);
  }
}
