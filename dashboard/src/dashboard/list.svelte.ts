// Every row of a breakdown, as far as it is scrolled to: pages of one list that the server caches while it is in use.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { ListName, ListPage } from '../api/types';
import { PAGE, pagesOf, type ListQuestion } from './list';

export class List<Row> {
  readonly #scope: Scope;
  readonly #panel: () => ListName;

  /** By index; rows never in view are missing. */
  rows = $state.raw<readonly (Row | undefined)[]>([]);
  /** The answer's other fields; null until the first answer. */
  page = $state.raw<ListPage<Row> | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** The rows belong to another query. */
  stale = $state(false);
  /** Grows with each query: rows of another one are not the same rows moved. */
  question = $state(0);
  #asked: ListQuestion | null = null;
  #abort: AbortController | null = null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing is drawn from it
  readonly #asking = new Set<number>();
  #shown: [number, number] = [0, 1];

  constructor(scope: Scope, panel: () => ListName) {
    this.#scope = scope;
    this.#panel = panel;
  }

  readonly matching = $derived(this.page?.matching_rows ?? 0);

  /** Loads the first rows of another list, or the rows in view of the same list as it is now. */
  async ask(question: ListQuestion) {
    const same = JSON.stringify(question) === JSON.stringify(this.#asked);
    this.#asked = question;
    if (!same) {
      this.#shown = [0, 1];
      this.stale = this.page !== null;
      this.question++;
    }
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.#asking.clear();
    const [first = 0, ...others] = pagesOf(...this.#shown);
    await this.#askPage(first, true);
    for (const page of others) void this.#askPage(page, false);
  }

  /** These rows are in view. */
  show(from: number, to: number) {
    this.#shown = [from, to];
    if (!this.page || this.stale) return;
    for (const page of pagesOf(from, Math.min(to, this.matching))) {
      if (this.rows[page * PAGE] === undefined) void this.#askPage(page, false);
    }
  }

  retry() {
    if (this.#asked) void this.ask(this.#asked);
  }

  stop() {
    this.#abort?.abort();
    this.#asked = null;
    this.page = null;
    this.rows = [];
    this.error = null;
    this.stale = false;
  }

  async #askPage(page: number, anew: boolean) {
    const abort = this.#abort;
    if (!abort || !this.#asked || this.#asking.has(page)) return;
    this.#asking.add(page);
    const parameters = { ...this.#asked, limit: PAGE, offset: page * PAGE || undefined, as_of: anew ? undefined : this.page?.as_of };
    try {
      const answer = await api.list<Row>(this.#scope, this.#panel(), parameters, abort.signal);
      if (abort.signal.aborted) return;
      // The server no longer caches the list: rows of another one must not be mixed with these.
      const other = anew || answer.as_of !== this.page?.as_of;
      const rows = other ? [] : this.rows.slice();
      answer.rows.forEach((row, i) => (rows[answer.offset + i] = row));
      this.rows = rows;
      this.page = answer;
      this.error = null;
      this.stale = false;
      this.#asking.delete(page);
      if (other) this.show(...this.#shown);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#asking.delete(page);
      this.stale = false;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }
}
