import type { Room } from './outbox.js';

const MAX_HELD = 10_000;

interface Holder {
  readonly held: number;
  dropOldest(): boolean;
}

/** How much all clients hold together. Bounded, whatever the server does: the oldest of the fullest client are dropped and counted. */
export class Held implements Room {
  count = 0;
  readonly #clients: ReadonlyMap<string, Holder>;

  constructor(clients: ReadonlyMap<string, Holder>) {
    this.#clients = clients;
  }

  took(): void {
    this.count += 1;
    if (this.count > MAX_HELD) this.#makeRoom();
  }

  gave(count: number): void {
    this.count -= count;
  }

  #makeRoom(): void {
    const fullestFirst = [...this.#clients.values()].sort((a, b) => b.held - a.held);
    if (fullestFirst.some((client) => client.dropOldest())) this.count -= 1;
  }
}
