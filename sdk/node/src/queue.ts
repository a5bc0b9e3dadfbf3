// All clients of this process, and what happens when it ends.

import { Client } from './client.js';
import { debug } from './log.js';
import type { ClientSettings, Room } from './outbox.js';
import { Held } from './room.js';
import { VERSION } from './version.js';

const EXIT_MS = 2_000;

class Queue implements Room {
  readonly #clients = new Map<string, Client>();
  readonly #servers = new WeakSet<object>();
  readonly #room = new Held(this.#clients);
  #taken = 0;
  #listening = false;
  #exitBy = 0;

  client(settings: ClientSettings): Client {
    const { url, key, framework, privacyLevel, release } = settings;
    const name = JSON.stringify([url.href, key, framework, privacyLevel, release]);
    let client = this.#clients.get(name);
    if (!client) this.#clients.set(name, (client = new Client(settings, this)));
    return client;
  }

  took(): void {
    this.#taken += 1;
    if (!this.#listening) this.#listen();
    this.#room.took();
  }

  gave(count: number): void {
    this.#room.gave(count);
  }

  /** Posts what waits, now. False when something is left because it failed or took longer. Never rejects. */
  async flush(milliseconds: number): Promise<boolean> {
    if (this.#room.count === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    // This timer alone keeps the process running, for as long as it may: everything else of ours is unref'd.
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), Math.min(Math.max(milliseconds, 0), 2 ** 31 - 1));
    });
    const all = Promise.all([...this.#clients.values()].map((client) => client.flush())).then((sent) => sent.every(Boolean));
    try {
      return await Promise.race([all, late]);
    } catch (error) {
      debug('a flush failed: %o', error);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * `flush` for the end of a process: two seconds in all, however often it is called. A server that has answered before may just be
   * starting again, so it gets more tries; one that never did is probably not there, and a test suite should not wait for it.
   */
  async flushAtExit(): Promise<boolean> {
    const now = Date.now();
    if (now > this.#exitBy + 10_000) this.#exitBy = now + EXIT_MS;
    for (;;) {
      const left = this.#exitBy - Date.now();
      if (left <= 0) return this.#room.count === 0;
      if (await this.flush(left)) return true;
      if (![...this.#clients.values()].some(({ everKept }) => everKept)) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, Math.max(this.#exitBy - Date.now(), 0))));
    }
  }

  /** Flushes when this server of the host has closed. */
  follow(server: unknown): void {
    if (typeof server !== 'object' || server === null || this.#servers.has(server)) return;
    this.#servers.add(server);
    const { once } = server as { once?: (event: string, listener: () => void) => unknown };
    if (typeof once === 'function') once.call(server, 'close', () => void this.flushAtExit());
  }

  /** No signal handlers: one for SIGTERM would take the place of Node's, which ends the process. */
  #listen(): void {
    this.#listening = true;
    let seen = -1;
    process.on('beforeExit', () => {
      // Emitted again after what it starts: a second time is only for hits that came since.
      if (this.#room.count === 0 || seen === this.#taken) return;
      seen = this.#taken;
      void this.flushAtExit();
    });
  }
}

// The ESM and the CommonJS build of one package may both be loaded; they share one queue.
const NAME = Symbol.for(`api-analytics-client ${VERSION}`);
const shared = globalThis as unknown as Record<symbol, Queue | undefined>;

export const queue = (shared[NAME] ??= new Queue());

/** How recorders come to their client. */
export const open = (settings: ClientSettings): Client => queue.client(settings);
