// The owner's actions on a monitor, from a row of the list or from its own page: the open dialog, and its calls.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Monitor } from '../api/types';
import type { Monitors } from './monitors.svelte';

export type DialogRequest = { what: 'add' } | { what: 'edit' | 'check' | 'delete'; monitor: Monitor };

export class Actions {
  readonly scope: Scope;
  readonly #monitors: Monitors;
  asked = $state.raw<DialogRequest | null>(null);
  /** Problem of the last pause or resumption. */
  problem = $state('');
  busy = $state<number | null>(null);

  constructor(scope: Scope, monitors: Monitors) {
    this.scope = scope;
    this.#monitors = monitors;
  }

  get monitors(): readonly Monitor[] {
    return this.#monitors.all ?? [];
  }

  ask(asked: DialogRequest) {
    this.problem = '';
    this.asked = asked;
  }

  close() {
    this.asked = null;
  }

  saved(monitor: Monitor) {
    this.#monitors.put(monitor);
  }

  async pause(monitor: Monitor, paused: boolean) {
    this.busy = monitor.id;
    this.problem = '';
    try {
      this.#monitors.put(await api.changeMonitor(this.scope, monitor.id, { paused }));
    } catch (error) {
      this.problem = `${monitor.settings.name} could not be ${paused ? 'paused' : 'resumed'}. ${error instanceof ApiError ? error.message : String(error)}`;
    } finally {
      this.busy = null;
    }
  }

  async remove(monitor: Monitor) {
    await api.deleteMonitor(this.scope, monitor.id);
    this.#monitors.drop(monitor.id);
  }
}
