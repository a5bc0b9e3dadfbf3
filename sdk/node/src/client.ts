// A client: one key at one server, its waiting hits, and the effect of answers on them. Apps in one process that use the same key, server,
// framework, privacy level and release share one.

import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { gzip } from 'node:zlib';
import { type Hit, toJson } from './hit.js';
import { complain, debug } from './log.js';
import { type Answer, Connection, toBackoff } from './post.js';
import type { Room } from './queue.js';
import { VERSION } from './version.js';

const MAX_BATCH = 500;
/** A 413 limits later batches as well, but one huge hit must not reduce all of them to single hits. */
const MIN_BATCH = 50;
const FLUSH_AT = 500;
const FIRST_FLUSH_MS = 500;
const FLUSH_EVERY_MS = 5_000;
/** The server's memory of batches lasts longer; a retry after that could be counted twice. */
const GIVE_UP_MS = 24 * 3_600_000;
/** Hits that are formatted before the host's event loop gets a turn. */
const SLICE = 50;

interface Batch {
  batchId: string;
  hits: Hit[];
  dropped: number;
  firstTry: number;
  inFlight: boolean;
}

export interface ClientSettings {
  url: URL;
  key: string;
  framework: string;
  privacyLevel: number;
  release: string;
}

export class Client {
  /** Equal for two clients that post to the same project, whatever framework they name. */
  readonly project: string;
  stopped = false;
  everKept = false;
  readonly #settings: ClientSettings;
  readonly #room: Room;
  readonly #connection: Connection;
  /** Timers begin in here, so that they carry no request's AsyncLocalStorage along. */
  readonly #scope = new AsyncResource('ApiAnalytics', { requireManualDestroy: true });
  #waiting: Hit[] = [];
  #batches: Batch[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #delivering: Promise<boolean> | undefined;
  #nextFlush = 0;
  #retryAt = 0;
  #askedToWait = false;
  #failures = 0;
  #maxBatch = MAX_BATCH;
  readonly #told = new Set<string>();

  constructor(settings: ClientSettings, room: Room) {
    this.#settings = settings;
    this.#room = room;
    this.project = `${settings.url.href} ${settings.key}`;
    this.#connection = new Connection(settings.url, settings.key);
  }

  /** Hits that no server has acknowledged yet. */
  get held(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.hits.length, this.#waiting.length);
  }

  add(hit: Hit): void {
    if (this.stopped) return;
    this.#waiting.push(hit);
    this.#room.took();
    if (this.#delivering) return;
    if (this.#timer === undefined || (this.#waiting.length === FLUSH_AT && this.#retryAt === 0)) this.#arm();
  }

  /** Posts what is held, now; one try, also during a backoff, but not before the time that a server asked for. True if nothing is left. */
  async flush(): Promise<boolean> {
    while (this.#delivering) await this.#delivering;
    if (this.held === 0) return true;
    if (this.#askedToWait && this.#retryAt > Date.now()) return false;
    return this.#deliver();
  }

  /** Makes room for one hit. A batch on the wire stays whole. */
  dropOldest(): boolean {
    // A batch keeps its name when it shrinks: had the server kept it after all, the name makes the rest a duplicate.
    const batch = this.#batches.find(({ hits, inFlight }) => hits.length > 0 && !inFlight);
    if ((batch?.hits ?? this.#waiting).shift() === undefined) return false;
    this.#dropped += 1;
    return true;
  }

  #arm(): void {
    const now = Date.now();
    const due = this.#retryAt || (this.#waiting.length >= FLUSH_AT ? now : Math.max(now + FIRST_FLUSH_MS, this.#nextFlush));
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
    this.#delivering ??= this.#run()
      .catch((error: unknown) => {
        // A mistake of ours, which nobody else would see. The hits wait for another try.
        debug('a flush failed: %o', error);
        this.#retryAt = Date.now() + FLUSH_EVERY_MS;
        return false;
      })
      .finally(() => {
        this.#delivering = undefined;
        this.#nextFlush = Date.now() + FLUSH_EVERY_MS * (0.9 + Math.random() * 0.2);
        if (!this.stopped && this.held > 0) this.#arm();
      });
    return this.#delivering;
  }

  async #run(): Promise<boolean> {
    // Hits that come meanwhile wait for the next flush, else a busy app with a slow server would post batches of a few hits without a rest.
    for (let left = this.#waiting.length; !this.stopped; ) {
      const before = this.#waiting.length;
      const batch = this.#nextBatch(left > 0 || before >= FLUSH_AT);
      if (!batch) return true;
      // Hits of a batch that failed before were not among them.
      left -= before - this.#waiting.length;
      batch.inFlight = true;
      const settled = await this.#send(batch).finally(() => (batch.inFlight = false));
      if (!settled) return false;
    }
    return true;
  }

  /** The oldest batch that failed before, else a new one. */
  #nextBatch(mayTake: boolean): Batch | undefined {
    for (let batch = this.#batches[0]; batch; batch = this.#batches[0]) {
      if (batch.hits.length > 0) return batch;
      this.#dropped += batch.dropped;
      this.#batches.shift();
    }
    if (!mayTake || this.#waiting.length === 0) return undefined;
    const batch = newBatch(this.#waiting.splice(0, this.#maxBatch), this.#dropped, Date.now());
    this.#dropped = 0;
    this.#batches.push(batch);
    return batch;
  }

  /** One try. True when the batch is settled, one way or another. */
  async #send(batch: Batch): Promise<boolean> {
    const body = await this.#toBody(batch);
    let answer: Answer;
    try {
      answer = await this.#connection.post(body);
    } catch (error) {
      return this.#retryLater(batch, undefined, `no answer from ${this.#settings.url.href} (${String(error)})`);
    }
    return this.#settle(batch, answer);
  }

  #settle(batch: Batch, { status, body = {}, retryAfter, location }: Answer): boolean {
    const said = `${status} ${String(body['code'] ?? '').slice(0, 64)}`.trim();
    if (status >= 200 && status < 300) {
      if (!Number.isInteger(body['accepted'])) return this.#retryLater(batch, undefined, 'the server answered, but not as API Analytics does');
      this.#wasKept(batch, body);
      return true;
    }
    if (status === 401) {
      this.stopped = true;
      complain(`the server does not know this key (${said}): nothing more is posted until this process is started again with a valid key`);
      this.#room.gave(this.held);
      this.#waiting = [];
      this.#batches = [];
      this.#connection.close();
      return true;
    }
    if (status === 413) {
      this.#halve(batch, said);
      return true;
    }
    if (status === 408 || status === 429 || status >= 500) return this.#retryLater(batch, retryAfter, `the server answered ${said}`);
    this.#giveUp(batch, `a batch was refused with ${said}${location ? `, it points to ${location.slice(0, 200)}` : ''}: ${String(body['message'] ?? '').slice(0, 200)}`);
    return true;
  }

  #wasKept(batch: Batch, body: Record<string, unknown>): void {
    if (this.#failures > 0) debug('posting again');
    this.#failures = 0;
    this.#retryAt = 0;
    this.#askedToWait = false;
    this.everKept = true;
    this.#told.delete('retry');
    this.#discard(batch);
    const rejected = Array.isArray(body['rejected']) ? (body['rejected'] as unknown[]) : [];
    for (const one of rejected) {
      const reason = String((one as { reason?: unknown } | null)?.reason ?? 'unknown').slice(0, 64);
      if (this.#told.size < 100) this.#debugOnce(`rejected ${reason}`, `a hit was rejected as ${reason}, said once`);
    }
  }

  #retryLater(batch: Batch, after: number | undefined, why: string): boolean {
    const now = Date.now();
    this.#failures += 1;
    this.#askedToWait = after !== undefined;
    this.#retryAt = now + (after ?? toBackoff(this.#failures));
    if (now - batch.firstTry > GIVE_UP_MS) this.#giveUp(batch, `${why}, for 24 hours`);
    else this.#debugOnce('retry', `${why}: keeping what waits and trying again, said once an outage`);
    return false;
  }

  #halve(batch: Batch, said: string): void {
    const { hits, dropped, firstTry } = batch;
    if (hits.length <= 1) {
      this.#giveUp(batch, `a single hit was refused with ${said}`);
      return;
    }
    const half = hits.length >> 1;
    this.#maxBatch = Math.max(MIN_BATCH, Math.min(this.#maxBatch, half));
    // New ids: the server must not mistake a half for the whole.
    this.#batches.splice(0, 1, newBatch(hits.slice(0, half), dropped, firstTry), newBatch(hits.slice(half), 0, firstTry));
  }

  #giveUp(batch: Batch, why: string): void {
    // The next batch reports the hits of a lost one, and those that it reported itself.
    this.#dropped += batch.dropped + batch.hits.length;
    this.#debugOnce(`gave up ${why}`, `${why}: ${batch.hits.length} hits dropped, said once`);
    this.#discard(batch);
  }

  #discard(batch: Batch): void {
    this.#room.gave(batch.hits.length);
    batch.hits = [];
    if (this.#batches[0] === batch) this.#batches.shift();
  }

  #debugOnce(topic: string, message: string): void {
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    debug('%s', message);
  }

  /** The compressed JSON of one try: `sent_at` is new each time, `batch_id` is not. */
  async #toBody(batch: Batch): Promise<Buffer> {
    const { framework, privacyLevel, release } = this.#settings;
    const parts: string[] = [];
    for (const [at, hit] of batch.hits.entries()) {
      parts.push(toJson(hit));
      if (at % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const shared = JSON.stringify({
      framework,
      privacy_level: privacyLevel,
      batch_id: batch.batchId,
      sdk: `node/${VERSION}`,
      sent_at: new Date().toISOString(),
      dropped: batch.dropped,
      release: release || undefined,
    });
    const json = `${shared.slice(0, -1)},"requests":[${parts.join(',')}]}`;
    return new Promise((resolve, reject) => {
      gzip(json, { level: 1 }, (error, body) => (error ? reject(error) : resolve(body)));
    });
  }
}

function newBatch(hits: Hit[], dropped: number, firstTry: number): Batch {
  return { batchId: randomBytes(16).toString('hex'), hits, dropped, firstTry, inFlight: false };
}
