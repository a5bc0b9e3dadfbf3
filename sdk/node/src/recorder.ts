// The settings of one middleware, and the last steps to a hit, which are the same for every framework.

import { type Environment, type Settings, toKey, toPrivacyLevel, toRelease, toServerUrl } from './config.js';
import { cut, decodePath, type Hit, MAX, toPath } from './hit.js';
import { debug } from './log.js';
import { type SafeMapper, toMapper } from './mapper.js';
import type { ClientSettings } from './outbox.js';

/** A hit before the user's mappers: the path may still have its query string. */
export type Draft = Hit;

/** The fields of a request that only its framework can read, from the framework's request or context. */
export interface Framework<S> {
  name: string;
  route?(subject: S): string | undefined;
  address?(subject: S): string | undefined;
}

/** Takes hits: a client of some runtime. */
export interface Taker {
  readonly project: string;
  readonly stopped: boolean;
  add(hit: Hit): void;
}

export class Recorder<S, C extends Taker = Taker> {
  readonly client: C | undefined;
  readonly seesAddress: boolean;
  readonly framework: Framework<S>;
  readonly #path: SafeMapper | undefined;
  readonly #hostname: SafeMapper | undefined;
  readonly #address: SafeMapper | undefined;
  readonly #userAgent: SafeMapper | undefined;
  readonly #userId: SafeMapper | undefined;
  #failed = false;

  constructor(
    framework: Framework<S>,
    open: (settings: ClientSettings) => C,
    apiKey?: string | null,
    settings?: Settings | null,
    environment?: Environment,
  ) {
    const given = settings ?? {};
    const privacyLevel = toPrivacyLevel(given.privacyLevel);
    this.framework = framework;
    this.seesAddress = privacyLevel < 2;
    this.#path = toMapper('getPath', given.getPath, MAX.path);
    this.#hostname = toMapper('getHostname', given.getHostname, MAX.hostname);
    this.#address = this.seesAddress ? toMapper('getIPAddress', given.getIPAddress, MAX.address) : undefined;
    this.#userAgent = toMapper('getUserAgent', given.getUserAgent, MAX.userAgent);
    this.#userId = toMapper('getUserID', given.getUserID, MAX.userId);
    const key = toKey(apiKey, environment);
    const url = key === undefined ? undefined : toServerUrl(given.serverUrl, environment);
    if (key !== undefined && url !== undefined) {
      this.client = open({ url, key, framework: framework.name, privacyLevel, release: toRelease(given.release, environment) });
    }
  }

  /** Completes the hit and queues it. May throw; callers catch. */
  add(client: C, hit: Draft, subject: S): void {
    // A mapper may hide something in the path, so its failure must not reveal it.
    hit.path = this.#path ? toPath(this.#path(subject) ?? hit.route ?? '/') : decodePath(toPath(hit.path));
    hit.path = cut(hit.path, MAX.path);
    if (this.#hostname) hit.hostname = this.#hostname(subject);
    if (this.#address) hit.address = this.#address(subject);
    if (this.#userAgent) hit.userAgent = this.#userAgent(subject);
    if (this.#userId) hit.userId = this.#userId(subject);
    client.add(hit);
  }

  /** Whether an address of the framework's or the connection's is needed. */
  get readsAddress(): boolean {
    return this.seesAddress && !this.#address;
  }

  /** Said once: an app that fails this way does so for each request. */
  couldNotRecord(error: unknown): void {
    if (!this.#failed) debug('a request could not be recorded, said once: %o', error);
    this.#failed = true;
  }
}
