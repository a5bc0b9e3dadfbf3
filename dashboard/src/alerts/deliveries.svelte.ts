// The deliveries of a channel, newest first: the first page is polled, older ones are loaded on demand.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Delivery } from '../api/types';

export class Deliveries {
  readonly #scope: Scope;
  readonly #channel: number;
  /** Null until the first answer. */
  all = $state.raw<readonly Delivery[] | null>(null);
  /** The cursor of the next page; null at the end. */
  next = $state<number | null>(null);
  error = $state.raw<ApiError | null>(null);
  busy = $state(false);

  constructor(scope: Scope, channel: number) {
    this.#scope = scope;
    this.#channel = channel;
  }

  load() {
    return this.#ask(undefined, ({ deliveries, next }) => {
      const oldest = deliveries[deliveries.length - 1]?.id ?? 0;
      const older = (this.all ?? []).filter(({ id }) => id < oldest);
      if (!older.length) this.next = next;
      this.all = [...deliveries, ...older];
    });
  }

  more() {
    return this.#ask(this.next ?? undefined, ({ deliveries, next }) => {
      this.all = [...(this.all ?? []), ...deliveries];
      this.next = next;
    });
  }

  async #ask(before: number | undefined, take: (page: Awaited<ReturnType<typeof api.deliveries>>) => void) {
    this.busy = true;
    try {
      take(await api.deliveries(this.#scope, this.#channel, { before }));
      this.error = null;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    } finally {
      this.busy = false;
    }
  }
}
