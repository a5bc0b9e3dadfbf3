// The matching requests, newest or slowest first: page by page by the server's cursor, with newer ones on top.

import { api, ApiError } from '../api/client';
import type { Scope } from '../api/request';
import type { Hit } from '../api/types';
import { ahead } from './merge';

/** Rows of a page. */
export const PAGE = 100;

type Question = Record<string, string | number | undefined>;

export class Hits {
  readonly #scope: Scope;
  rows = $state.raw<readonly Hit[]>([]);
  /** The cursor of the next page; null at the end. */
  next = $state.raw<string | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Number of the list: rows of another query, or after a jump to the newest, are not the same rows moved. */
  list = $state(0);
  /** Nothing is loaded yet. */
  first = $state(true);
  /** The rows belong to another query. */
  stale = $state(false);
  loadingMore = $state(false);
  /** More have come than a page holds: those between the page and the rows shown are missing. */
  behind = $state(false);
  #abort: AbortController | null = null;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async load(question: Question) {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.stale = !this.first;
    this.loadingMore = false;
    await this.#ask(abort, { ...question, limit: PAGE }, ({ hits, next }) => {
      this.list++;
      this.rows = hits;
      this.next = next;
      this.first = false;
      this.stale = false;
      this.behind = false;
    });
  }

  /** Loads newer requests. */
  async refresh(question: Question) {
    if (this.first || this.stale || this.loadingMore) return this.first ? this.load(question) : undefined;
    const abort = (this.#abort = new AbortController());
    await this.#ask(abort, { ...question, limit: PAGE }, ({ hits, next }) => {
      if (question['sort']) {
        // A new one may be among those further down, so it is the first page or nothing.
        if (this.rows.length <= PAGE) [this.rows, this.next] = [hits, next];
        return;
      }
      const merged = ahead(hits, this.rows);
      if (merged) this.rows = merged;
      else if (this.rows.length <= PAGE) {
        this.rows = hits;
        this.next = next;
      } else this.behind = true;
    });
  }

  async more(question: Question) {
    if (!this.next || this.loadingMore) return;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.loadingMore = true;
    await this.#ask(abort, { ...question, limit: PAGE, after: this.next }, ({ hits, next }) => {
      this.rows = [...this.rows, ...hits];
      this.next = next;
    });
    if (!abort.signal.aborted) this.loadingMore = false;
  }

  stop() {
    this.#abort?.abort();
  }

  async #ask(abort: AbortController, question: Question, take: (page: { hits: Hit[]; next: string | null }) => void) {
    try {
      const page = await api.hits(this.#scope, question, abort.signal);
      if (abort.signal.aborted) return;
      take(page);
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.stale = false;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
    }
  }
}

/** One request by its id, in any period and filter; null if there is none. */
export async function findHit(scope: Scope, id: string, signal: AbortSignal): Promise<Hit | null> {
  try {
    return await api.hit(scope, id, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
