// The channels of a project, polled, and their owner's actions.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Channel } from '../api/types';

export type DialogRequest = { what: 'add' } | { what: 'edit' | 'test' | 'delete'; channel: Channel } | { what: 'secret'; channel: Channel; secret: string };

export class Channels {
  readonly scope: Scope;
  /** Null until the first answer. */
  all = $state.raw<readonly Channel[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  now = $state(Date.now());
  /** Which dialog is open. */
  asked = $state.raw<DialogRequest | null>(null);
  /** Problem of the last pause or resumption. */
  problem = $state('');
  busy = $state<number | null>(null);
  /** Counts changes made here: an answer that was requested before one is outdated. */
  #changes = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  async load() {
    const changes = this.#changes;
    try {
      const { channels } = await api.channels(this.scope);
      this.error = null;
      if (changes === this.#changes) this.all = channels;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    } finally {
      this.now = Date.now();
    }
  }

  ask(asked: DialogRequest) {
    this.problem = '';
    this.asked = asked;
  }

  close() {
    this.asked = null;
  }

  put(channel: Channel) {
    this.#changes++;
    const others = this.all ?? [];
    this.all = others.some(({ id }) => id === channel.id) ? others.map((other) => (other.id === channel.id ? channel : other)) : [...others, channel];
  }

  async pause(channel: Channel, paused: boolean) {
    this.busy = channel.id;
    this.problem = '';
    try {
      this.put(await api.changeChannel(this.scope, channel.id, { enabled: !paused }));
    } catch (error) {
      this.problem = `${channel.name} could not be ${paused ? 'paused' : 'resumed'}. ${error instanceof ApiError ? error.message : String(error)}`;
    } finally {
      this.busy = null;
    }
  }

  async remove(channel: Channel) {
    await api.deleteChannel(this.scope, channel.id);
    this.#changes++;
    this.all = (this.all ?? []).filter(({ id }) => id !== channel.id);
  }
}
