// Live requests: put on top of the list, or held back while somebody reads.

import { follow } from '../api/tail';
import type { Scope } from '../api/request';
import type { Hit } from '../api/types';
import type { Hits } from './hits.svelte';
import { onTop } from './merge';

/** The most requests held back; beyond that the oldest are dropped. */
const HELD = 1_000;
/** The most rows of a live list; beyond that the oldest are dropped. */
const ROWS = 1_000;
/** However fast requests come, the list is drawn at most this often. */
const DRAW_MS = 250;

export class Live {
  readonly #scope: Scope;
  readonly #hits: Hits;
  readonly #heard: () => void;
  connected = $state(false);
  /** The server refuses to be followed. */
  refused = $state(false);
  /** Paused by hand. */
  paused = $state(false);
  /** Held back, in order of arrival. */
  held = $state.raw<readonly Hit[]>([]);
  /** Requests left out because they came too fast. */
  missed = $state(0);
  /** An unknown number of others was left out. */
  missedMore = $state(false);
  /** The oldest rows were dropped. */
  cut = $state(false);
  /** Whether somebody is reading, so that nothing may move. Called when rows come. */
  reads: () => boolean = () => false;
  /** Earlier requests are not in the shown period. */
  beginsMs: () => number = () => 0;
  #end: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `heard`: called when requests have come. */
  constructor(scope: Scope, hits: Hits, heard: () => void) {
    this.#scope = scope;
    this.#hits = hits;
    this.#heard = heard;
  }

  /** Follows a filter from now on. */
  start(q: string | undefined) {
    this.stop();
    this.#end = follow(this.#scope, { q }, {
      onhits: (hits) => {
        this.held = [...this.held, ...hits.filter(({ time }) => Date.parse(time) >= this.beginsMs())];
        if (this.held.length > HELD) {
          this.missed += this.held.length - HELD;
          this.held = this.held.slice(-HELD);
        }
        this.#heard();
        this.#draw();
      },
      onmissed: (requests) => {
        this.missed += requests ?? 0;
        this.missedMore ||= requests === null;
      },
      onchange: (connected) => {
        this.connected = connected;
        if (connected) this.refused = false;
      },
      onrefused: () => (this.refused = true),
    });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#end?.();
    this.#end = null;
    this.connected = this.refused = this.paused = this.cut = this.missedMore = false;
    this.held = [];
    this.missed = 0;
  }

  /** Shows the requests held back. */
  show() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // The list of another query is loading: it will have these, or they are put on top of it.
    if (this.#hits.first || this.#hits.stale) return this.#later();
    if (this.held.length === 0) return;
    const rows = onTop(this.held, this.#hits.rows);
    this.held = [];
    if (rows.length > ROWS) {
      this.cut = true;
      this.#hits.next = null;
    }
    this.#hits.rows = rows.slice(0, ROWS);
  }

  /** Shows them as soon as nobody reads. */
  flow() {
    if (this.held.length > 0) this.#draw();
  }

  #draw() {
    if (this.#timer !== undefined || this.paused || this.reads()) return;
    this.#later();
  }

  #later() {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.paused && !this.reads()) this.show();
    }, DRAW_MS);
  }
}
