// A post and its answer, in every runtime the same.

import { VERSION } from './version.js';

export const TRY_MS = 15_000;
export const MAX_ANSWER_BYTES = 1 << 20;
const MAX_RETRY_AFTER_MS = 3_600_000;

/** The server's answer: its status, its JSON object if it is one, `Retry-After` in milliseconds. */
export interface Answer {
  status: number;
  body: Record<string, unknown> | undefined;
  retryAfter: number | undefined;
  location: string | undefined;
}

/** The path of posts, below the base path of the server's address. */
export function toPath(url: URL): string {
  return `${url.pathname.replace(/\/+$/, '')}/api/requests`;
}

export function toHeaders(key: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Content-Encoding': 'gzip',
    Accept: 'application/json',
    'User-Agent': `api-analytics-node/${VERSION}`,
    'X-AUTH-TOKEN': key,
  };
}

export function toObject(raw: string): Answer['body'] {
  try {
    const body: unknown = JSON.parse(raw);
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Answer['body']) : undefined;
  } catch {
    return undefined;
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
export function toMilliseconds(retryAfter: string | undefined): number | undefined {
  if (!retryAfter?.trim()) return undefined;
  const seconds = Number(retryAfter);
  const wait = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS);
}

/** Milliseconds until the next try after this many failures: 1, 2, 4 ... 30 s, less up to a half. */
export function toBackoff(failures: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2);
}
