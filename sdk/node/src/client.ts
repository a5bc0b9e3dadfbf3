// A client on Node, Bun and Deno: an outbox with timers and a kept-alive connection. Apps in one process that use the same key, server,
// framework, privacy level and release share one.

import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { debuglog } from 'node:util';
import { gzip } from 'node:zlib';
import type { Hit } from './hit.js';
import { debug, showDebug } from './log.js';
import { type ClientSettings, FLUSH_AT, type Means, Outbox, type Room } from './outbox.js';
import { Connection } from './post.js';

const FIRST_FLUSH_MS = 500;
const FLUSH_EVERY_MS = 5_000;

showDebug(debuglog('api-analytics'));

export class Client {
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  /** Timers begin in here, so that they carry no request's AsyncLocalStorage along. */
  readonly #scope = new AsyncResource('ApiAnalytics', { requireManualDestroy: true });
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #delivering: Promise<boolean> | undefined;
  #nextFlush = 0;

  constructor(settings: ClientSettings, room: Room) {
    this.#connection = new Connection(settings.url, settings.key);
    this.#outbox = new Outbox(settings, room, toMeans(this.#connection));
  }

  get project(): string {
    return this.#outbox.project;
  }

  get stopped(): boolean {
    return this.#outbox.stopped;
  }

  get everKept(): boolean {
    return this.#outbox.everKept;
  }

  get held(): number {
    return this.#outbox.held;
  }

  dropOldest(): boolean {
    return this.#outbox.dropOldest();
  }

  add(hit: Hit): void {
    if (this.stopped) return;
    this.#outbox.push(hit);
    if (this.#delivering) return;
    if (this.#timer === undefined || (this.#outbox.waiting === FLUSH_AT && this.#outbox.retryAt === 0)) this.#arm();
  }

  /** Posts what is held, now; one try, also during a backoff, but not before the time that a server asked for. True if nothing is left. */
  async flush(): Promise<boolean> {
    while (this.#delivering) await this.#delivering;
    if (this.held === 0) return true;
    if (this.#outbox.askedToWait && this.#outbox.retryAt > Date.now()) return false;
    return this.#deliver();
  }

  #arm(): void {
    const now = Date.now();
    const due = this.#outbox.retryAt || (this.#outbox.waiting >= FLUSH_AT ? now : Math.max(now + FIRST_FLUSH_MS, this.#nextFlush));
    if (this.#timer !== undefined && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#scope.runInAsyncScope(() => {
      this.#timer = setTimeout(() => void this.#deliver(), Math.max(due - now, 0)).unref();
    });
  }

  #deliver(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#delivering ??= this.#outbox
      .post()
      .then(({ settled }) => settled)
      .catch((error: unknown) => {
        // A mistake of ours, which nobody else would see. The hits wait for another try.
        debug('a flush failed: %o', error);
        this.#outbox.retryAt = Date.now() + FLUSH_EVERY_MS;
        return false;
      })
      .finally(() => {
        this.#delivering = undefined;
        this.#nextFlush = Date.now() + FLUSH_EVERY_MS * (0.9 + Math.random() * 0.2);
        if (this.stopped) this.#connection.close();
        else if (this.held > 0) this.#arm();
      });
    return this.#delivering;
  }
}

function toMeans(connection: Connection): Means {
  return {
    newId: () => randomBytes(16).toString('hex'),
    rest: () => new Promise((resolve) => setImmediate(resolve)),
    post: async (json) => connection.post(await compressed(json)),
  };
}

function compressed(json: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(json, { level: 1 }, (error, body) => (error ? reject(error) : resolve(body)));
  });
}
