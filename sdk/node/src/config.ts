// The user's settings, their sources, and the handling of invalid ones. Code wins over the environment, the environment over the
// defaults. A wrong setting is said and never thrown: an API must start even when its analytics are set up badly.

import { complain, debug } from './log.js';

export const DEFAULT_SERVER_URL = 'http://127.0.0.1:8080';
const MAX_RELEASE = 100;

/** Takes the framework's request (Koa and Hono: the context) after its answer has left; not a promise. */
export type Mapper<R = any> = (request: R) => string | null | undefined;

/** How a request becomes a hit. Read once, when the middleware is made. */
export class Config<R = any> {
  /** 0 sends the caller's address, kept by the server; 1 sends it for the country only; 2 never reads it. Anything else counts as 2. */
  privacyLevel = 0;
  /** The server's address. Else `API_ANALYTICS_SERVER_URL`, else `http://127.0.0.1:8080`. */
  serverUrl?: string | null | undefined;
  /** The path to store instead of the requested one. If it fails, the route is stored, never the path. */
  getPath?: Mapper<R> | null | undefined;
  /** The caller's address instead of the connection's. Not called at privacy level 2. */
  getIPAddress?: Mapper<R> | null | undefined;
  /** The host name instead of the `Host` header. */
  getHostname?: Mapper<R> | null | undefined;
  /** The user agent instead of the `User-Agent` header. */
  getUserAgent?: Mapper<R> | null | undefined;
  /** Who calls: an account, the name of an API key (never the secret itself). */
  getUserID?: Mapper<R> | null | undefined;
  /** The app's version, such as `v2.4.1` or a commit. Else `API_ANALYTICS_RELEASE`, else none. */
  release?: string | null | undefined;

  constructor(settings: Settings<R> = {}) {
    Object.assign(this, settings);
  }
}

/** A `Config`, or an object with some of its fields. */
export type Settings<R = any> = Partial<Config<R>>;

/** Named settings outside the code: a process's environment, a Worker's bindings. */
export type Environment = Readonly<Record<string, unknown>>;

function environment(): Environment {
  return process.env;
}

/** The key without the blanks and quotes that copying leaves around it; undefined if there is none that a header can hold. */
export function toKey(given: unknown, env = environment()): string | undefined {
  const key = String(given || env['API_ANALYTICS_KEY'] || '').trim().replace(/^["']+|["']+$/g, '').trim();
  if (!key) {
    tellOnce('no key given and no API_ANALYTICS_KEY in the environment: nothing is recorded');
    return undefined;
  }
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    tellOnce('the key holds characters that no key has: nothing is recorded');
    return undefined;
  }
  return key;
}

/** The address that posts go to; undefined if it cannot be one. */
export function toServerUrl(given: unknown, env = environment()): URL | undefined {
  const chosen = String(given || env['API_ANALYTICS_SERVER_URL'] || '').trim();
  if (!chosen) debug('posting to %s, as neither serverUrl nor API_ANALYTICS_SERVER_URL is set', DEFAULT_SERVER_URL);
  let url: URL;
  try {
    url = new URL(chosen || DEFAULT_SERVER_URL);
  } catch {
    tellOnce('serverUrl cannot be used, nothing is recorded: it must look like http://host:port or https://host');
    return undefined;
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password || url.search || url.hash) {
    // Without the address: it may hold a password.
    tellOnce('serverUrl cannot be used, nothing is recorded: it must be http or https, without user, password, query or fragment');
    return undefined;
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** 0, 1 or 2. The server reads an unknown level as 2 too, but then it has seen the address. */
export function toPrivacyLevel(given: unknown): 0 | 1 | 2 {
  const level = given ?? 0;
  if (level === 0 || level === 1 || level === 2) return level;
  tellOnce('privacyLevel must be 0, 1 or 2: using 2, the most private');
  return 2;
}

/** The version of the app; "" if there is none, or none that the server would use. */
export function toRelease(given: unknown, env = environment()): string {
  const release = String(given || env['API_ANALYTICS_RELEASE'] || '').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim();
  if ([...release].length <= MAX_RELEASE) return release;
  tellOnce(`release is longer than ${MAX_RELEASE} characters: it is not posted`);
  return '';
}

const told = new Set<string>();

function tellOnce(message: string): void {
  if (told.has(message)) return;
  told.add(message);
  complain(message);
}
