// The single checks of a monitor, newest first, back to the start of a chart: loaded in pages once, then extended by the last check in the
// monitor's own answer.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { MonitorCheck } from '../api/types';
import { merge } from './history';

/** The largest page that the server gives. */
const PAGE = 1000;

export class Checks {
  readonly #scope: Scope;
  readonly #id: number;
  rows = $state.raw<readonly MonitorCheck[]>([]);
  error = $state.raw<ApiError | null>(null);
  /** Nothing is loaded yet. */
  first = $state(true);
  /** Every check since this time is among the rows, milliseconds. */
  reach = $state(Infinity);
  #abort: AbortController | null = null;

  constructor(scope: Scope, id: number) {
    this.#scope = scope;
    this.#id = id;
  }

  /** Loads every check since `from`; `interval_ms` bounds their number. */
  async load(from: number, interval_ms: number) {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    try {
      const rows: MonitorCheck[] = [];
      let before: string | undefined;
      do {
        const expected = Math.ceil((Date.now() - from) / interval_ms) + 2 - rows.length;
        const page = await api.checks(this.#scope, this.#id, { limit: Math.max(1, Math.min(PAGE, expected)), before }, abort.signal);
        rows.push(...page.checks);
        before = page.next ?? undefined;
        // Older checks aren't drawn. A stretch without checks may reach into the range, so the row before it is kept.
      } while (before && Date.parse(before) >= from);
      this.rows = rows;
      this.reach = from;
      this.first = false;
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }

  /** Adds the newest check; loads those in between if there are any. */
  async note(last: MonitorCheck | null, interval_ms: number) {
    if (this.first || !last) return;
    const merged = merge([last], this.rows, interval_ms);
    if (merged) this.rows = merged;
    else await this.load(this.reach, interval_ms);
  }

  stop() {
    this.#abort?.abort();
  }
}
