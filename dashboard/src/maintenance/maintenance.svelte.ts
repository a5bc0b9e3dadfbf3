// The maintenance windows of a project, polled, and the open dialog.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { MaintenanceWindow } from '../api/types';

export type DialogRequest = { what: 'add' } | { what: 'edit' | 'delete'; window: MaintenanceWindow };

export class Maintenance {
  readonly scope: Scope;
  /** Null until the first answer. */
  all = $state.raw<readonly MaintenanceWindow[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  now = $state(Date.now());
  asked = $state.raw<DialogRequest | null>(null);
  /** Counts changes made here: an answer that was requested before one is outdated. */
  #changes = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  async load() {
    const changes = this.#changes;
    try {
      const { maintenance } = await api.maintenance(this.scope);
      this.error = null;
      if (changes === this.#changes) this.all = maintenance;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    } finally {
      this.now = Date.now();
    }
  }

  ask(asked: DialogRequest) {
    this.asked = asked;
  }

  close() {
    this.asked = null;
  }

  put(window: MaintenanceWindow) {
    this.#changes++;
    this.now = Date.now();
    const others = this.all ?? [];
    this.all = others.some(({ id }) => id === window.id) ? others.map((other) => (other.id === window.id ? window : other)) : [...others, window];
  }

  async remove(window: MaintenanceWindow) {
    await api.deleteMaintenance(this.scope, window.id);
    this.#changes++;
    this.all = (this.all ?? []).filter(({ id }) => id !== window.id);
  }
}
