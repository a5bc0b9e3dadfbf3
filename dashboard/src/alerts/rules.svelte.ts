// The alert rules of a project, polled, and their owner's actions.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { ReadyMade, Rule, RuleChange } from '../api/types';

export type DialogRequest = { what: 'add' } | { what: 'edit' | 'delete'; rule: Rule };

export class Rules {
  readonly scope: Scope;
  /** Null until the first answer. */
  all = $state.raw<readonly Rule[] | null>(null);
  /** All ready-made rules, including those that are on. */
  readyMade = $state.raw<readonly ReadyMade[]>([]);
  error = $state.raw<ApiError | null>(null);
  now = $state(Date.now());
  /** Which dialog is open. */
  asked = $state.raw<DialogRequest | null>(null);
  /** Problem of the last rule that was switched on, paused or resumed. */
  problem = $state('');
  /** The rule's id, or the name of a ready-made one. */
  busy = $state<number | string | null>(null);
  /** Counts changes made here: an answer that was requested before one is outdated. */
  #changes = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  async load() {
    const changes = this.#changes;
    try {
      const { rules, ready_made } = await api.rules(this.scope);
      this.error = null;
      this.readyMade = ready_made;
      if (changes === this.#changes) this.all = rules;
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

  put(rule: Rule) {
    this.#changes++;
    const others = this.all ?? [];
    this.all = others.some(({ id }) => id === rule.id) ? others.map((other) => (other.id === rule.id ? rule : other)) : [...others, rule];
  }

  turnOn({ name, label }: ReadyMade, more: RuleChange = {}) {
    return this.#change(name, `“${label}” could not be turned on.`, () => api.createRule(this.scope, { ready_made: name, ...more }));
  }

  pause(rule: Rule, paused: boolean) {
    return this.#change(rule.id, `“${rule.label}” could not be ${paused ? 'paused' : 'resumed'}.`, () => api.changeRule(this.scope, rule.id, { paused }));
  }

  async remove(rule: Rule) {
    await api.deleteRule(this.scope, rule.id);
    this.#changes++;
    this.all = (this.all ?? []).filter(({ id }) => id !== rule.id);
  }

  async #change(busy: number | string, failed: string, change: () => Promise<Rule>) {
    this.busy = busy;
    this.problem = '';
    try {
      this.put(await change());
    } catch (error) {
      this.problem = `${failed} ${error instanceof ApiError ? error.message : String(error)}`;
    } finally {
      this.busy = null;
    }
  }
}
