// Requests as they come: on top of the list, or kept back while somebody reads.

import { follow } from '../api/tail';
import type { Scope } from '../api/request';
import type { Hit } from '../api/types';
import type { Hits } from './hits.svelte';
import { onTop } from './merge';

/** Requests that are kept back at most; of more the oldest are left out. */
const HELD = 1_000;
/** Rows of the list while requests come; the oldest go. */
const ROWS = 1_000;
/** However fast they come, the list is drawn at most this often. */
const DRAW_MS = 250;

export class Live {
  readonly #scope: Scope;
  readonly #hits: Hits;
  readonly #heard: () => void;
  connected = $state(false);
  /** The server does not have it followed. */
  refused = $state(false);
  /** Paused by hand. */
  paused = $state(false);
  /** Kept back, in order of arrival. */
  held = $state.raw<readonly Hit[]>([]);
  /** Requests that were left out because they came too fast. */
  missed = $state(0);
  /** Others were left out that nobody counted. */
  missedMore = $state(false);
  /** The oldest rows have gone. */
  cut = $state(false);
  /** Whether somebody reads, so that nothing may move. Asked when rows come. */
  reads: () => boolean = () => false;
  /** Requests that happened before are not in the period that is shown. */
  beginsMs: () => number = () => 0;
  #end: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `heard`: is told that requests have come. */
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

  /** Shows what was kept back. */
  show() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // The list of another question is on its way: it has these, or they come on top of it.
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

  /** Shows it as soon as nobody reads. */
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
