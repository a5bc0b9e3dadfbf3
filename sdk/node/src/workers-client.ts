// A client on Cloudflare Workers. There are no timers outside of a request, a request's sockets and promises may not be used by another one,
// and a request ends 30 seconds after its answer at the latest. So hits wait in the isolate's memory, and one of the requests that made
// them sleeps a second after its answer, in its `waitUntil`, and posts everything with its own fetch. Nobody waits for another request's
// promise: one that was ended from outside would never settle it. Times say instead how long a request is believed to be at work.

import { type Answer, MAX_ANSWER_BYTES, toHeaders, toMilliseconds, toObject, toPath, TRY_MS } from './answer.js';
import type { Hit } from './hit.js';
import { debug } from './log.js';
import { type ClientSettings, Outbox, type Room } from './outbox.js';

const SLEEP_MS = 1_000;
/** A request is ended 30 s after its answer. The last try must have begun by then, and have had time for an answer. */
const WORK_MS = 20_000;
const LIFE_MS = 30_000;
/** Of the 50 subrequests that a request has on the free plan, most are the app's. */
const MAX_POSTS = 20;

// Node 18's types do not have it.
const WEB = globalThis as unknown as { crypto: { getRandomValues(into: Uint8Array): Uint8Array } };

export class WorkersClient {
  readonly #outbox: Outbox;
  /** Until then a request is believed to sleep before its post. */
  #sleeperUntil = 0;
  /** Until then a request is believed to post. */
  #posterUntil = 0;

  constructor(settings: ClientSettings, room: Room) {
    const { url, key } = settings;
    const address = new URL(toPath(url), url).href;
    this.#outbox = new Outbox(settings, room, {
      newId: () => Array.from(WEB.crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(''),
      rest: () => Promise.resolve(),
      post: (json) => post(address, key, json),
    });
  }

  get project(): string {
    return this.#outbox.project;
  }

  get stopped(): boolean {
    return this.#outbox.stopped;
  }

  get held(): number {
    return this.#outbox.held;
  }

  dropOldest(): boolean {
    return this.#outbox.dropOldest();
  }

  add(hit: Hit): void {
    if (!this.stopped) this.#outbox.push(hit);
  }

  /** For a request's `waitUntil`, once its hit was added: posts what waits, unless another request will. Never rejects. */
  async deliver(): Promise<void> {
    const began = Date.now();
    const outbox = this.#outbox;
    if (began < this.#sleeperUntil || outbox.held === 0 || outbox.retryAt > began + WORK_MS) return;
    const mine = (this.#sleeperUntil = began + LIFE_MS);
    let posts = 0;
    try {
      for (let now = began; ; now = Date.now()) {
        const due = Math.max(posts === 0 && now === began ? now + SLEEP_MS : now, outbox.retryAt);
        if (due > began + WORK_MS || posts >= MAX_POSTS) return;
        if (due > now) {
          await sleep(due - now);
        } else if (now < this.#posterUntil) {
          await sleep(200); // batches of a key are posted one after the other
        } else {
          // From here on hits are no longer sure to be posted by this request, so one that comes with them sleeps again.
          this.#sleeperUntil = 0;
          posts += await this.#post(began + LIFE_MS, MAX_POSTS - posts);
          if (outbox.stopped || outbox.held === 0 || Date.now() < this.#sleeperUntil) return;
          this.#sleeperUntil = mine;
        }
      }
    } catch (error) {
      debug('a flush failed: %o', error);
    } finally {
      if (this.#sleeperUntil === mine) this.#sleeperUntil = 0;
    }
  }

  /** One try, now; true if nothing is left. */
  async flush(): Promise<boolean> {
    const now = Date.now();
    const outbox = this.#outbox;
    if (outbox.held > 0 && now >= this.#posterUntil && !(outbox.askedToWait && outbox.retryAt > now)) await this.#post(now + LIFE_MS, MAX_POSTS);
    return outbox.held === 0;
  }

  /** How many batches were posted. */
  async #post(until: number, most: number): Promise<number> {
    this.#posterUntil = until;
    try {
      return (await this.#outbox.post(most)).posts;
    } finally {
      this.#posterUntil = 0;
    }
  }
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function post(address: string, key: string, json: string): Promise<Answer> {
  const body = await new Response(new Blob([json]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
  const response = await fetch(address, { method: 'POST', headers: toHeaders(key), body, redirect: 'manual', signal: AbortSignal.timeout(TRY_MS) });
  const { status, headers } = response;
  return {
    status,
    body: toObject(await readText(response)),
    retryAfter: toMilliseconds(headers.get('retry-after') ?? undefined),
    location: headers.get('location') ?? undefined,
  };
}

async function readText({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new Error('an answer of more than 1 MiB');
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}
