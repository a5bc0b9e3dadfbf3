// The state of one key at one server: its waiting hits, the batches that failed, and the effect of answers on them. Knows neither timers nor
// connections, which differ between runtimes.

import { type Answer, toBackoff } from './answer.js';
import { type Hit, toJson } from './hit.js';
import { complain, debug } from './log.js';
import { VERSION } from './version.js';

const MAX_BATCH = 500;
/** A 413 limits later batches as well, but one huge hit must not reduce all of them to single hits. */
const MIN_BATCH = 50;
export const FLUSH_AT = 500;
/** The server's memory of batches lasts longer; a retry after that could be counted twice. */
const GIVE_UP_MS = 24 * 3_600_000;
/** Hits that are formatted before others get a turn. */
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

/** How a runtime does the parts of one try. */
export interface Means {
  /** 128 random bits as hex. */
  newId(): string;
  /** Between slices of hits: lets others have a turn. */
  rest(): Promise<void>;
  /** Rejects if no answer comes, with the reason as message. */
  post(json: string): Promise<Answer>;
}

/** The view of those who limit what all clients of a process hold. */
export interface Room {
  took(): void;
  gave(count: number): void;
}

export class Outbox {
  /** Equal for two clients that post to the same project, whatever framework they name. */
  readonly project: string;
  /** By a 401. */
  stopped = false;
  everKept = false;
  /** When the next try may be; 0 if the last one succeeded. */
  retryAt = 0;
  /** `retryAt` is the server's wish, which nothing shortens. */
  askedToWait = false;
  readonly #settings: ClientSettings;
  readonly #room: Room;
  readonly #means: Means;
  #waiting: Hit[] = [];
  #batches: Batch[] = [];
  #dropped = 0;
  #failures = 0;
  #maxBatch = MAX_BATCH;
  readonly #told = new Set<string>();

  constructor(settings: ClientSettings, room: Room, means: Means) {
    this.#settings = settings;
    this.#room = room;
    this.#means = means;
    this.project = `${settings.url.href} ${settings.key}`;
  }

  /** Hits that no server has acknowledged yet. */
  get held(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.hits.length, this.#waiting.length);
  }

  /** Hits that are in no batch yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(hit: Hit): void {
    this.#waiting.push(hit);
    this.#room.took();
  }

  /** Makes room for one hit. A batch on the wire stays whole. */
  dropOldest(): boolean {
    // A batch keeps its name when it shrinks: had the server kept it after all, the name makes the rest a duplicate.
    const batch = this.#batches.find(({ hits, inFlight }) => hits.length > 0 && !inFlight);
    if ((batch?.hits ?? this.#waiting).shift() === undefined) return false;
    this.#dropped += 1;
    return true;
  }

  /** Posts what waits, one try for each batch, at most so many batches. Resolves to whether all were settled, and how many were posted. */
  async post(most = Infinity): Promise<{ settled: boolean; posts: number }> {
    // Hits that come meanwhile wait for the next flush, else a busy app with a slow server would post batches of a few hits without a rest.
    let posts = 0;
    for (let left = this.#waiting.length; !this.stopped; ) {
      const before = this.#waiting.length;
      const batch = this.#nextBatch(left > 0 || before >= FLUSH_AT);
      if (!batch) break;
      if (posts >= most) return { settled: false, posts };
      posts += 1;
      // Hits of a batch that failed before were not among them.
      left -= before - this.#waiting.length;
      batch.inFlight = true;
      const settled = await this.#send(batch).finally(() => (batch.inFlight = false));
      if (!settled) return { settled, posts };
    }
    return { settled: true, posts };
  }

  /** The oldest batch that failed before, else a new one. */
  #nextBatch(mayTake: boolean): Batch | undefined {
    for (let batch = this.#batches[0]; batch; batch = this.#batches[0]) {
      if (batch.hits.length > 0) return batch;
      this.#dropped += batch.dropped;
      this.#batches.shift();
    }
    if (!mayTake || this.#waiting.length === 0) return undefined;
    const batch = this.#newBatch(this.#waiting.splice(0, this.#maxBatch), this.#dropped, Date.now());
    this.#dropped = 0;
    this.#batches.push(batch);
    return batch;
  }

  /** One try. True when the batch is settled, one way or another. */
  async #send(batch: Batch): Promise<boolean> {
    const json = await this.#toJson(batch);
    let answer: Answer;
    try {
      answer = await this.#means.post(json);
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
    this.retryAt = 0;
    this.askedToWait = false;
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
    this.askedToWait = after !== undefined;
    this.retryAt = now + (after ?? toBackoff(this.#failures));
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
    this.#batches.splice(0, 1, this.#newBatch(hits.slice(0, half), dropped, firstTry), this.#newBatch(hits.slice(half), 0, firstTry));
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

  /** The JSON of one try: `sent_at` is new each time, `batch_id` is not. */
  async #toJson(batch: Batch): Promise<string> {
    const { framework, privacyLevel, release } = this.#settings;
    const parts: string[] = [];
    for (const [at, hit] of batch.hits.entries()) {
      parts.push(toJson(hit));
      if (at % SLICE === SLICE - 1) await this.#means.rest();
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
    return `${shared.slice(0, -1)},"requests":[${parts.join(',')}]}`;
  }

  #newBatch(hits: Hit[], dropped: number, firstTry: number): Batch {
    return { batchId: this.#means.newId(), hits, dropped, firstTry, inFlight: false };
  }
}
