// A hit: the record of one request, and its format on the wire. While it waits it holds strings and numbers only, no request, response or
// context, which it would keep alive. Formatting happens when a batch is posted, not while a request is answered.

export interface Hit {
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Milliseconds with fractions. */
  duration: number;
  method: string;
  path: string;
  route: string | undefined;
  status: number;
  hostname: string | undefined;
  address: string | undefined;
  userAgent: string | undefined;
  userId: string | undefined;
  referrer: string | undefined;
  requestSize: number | undefined;
  responseSize: number | undefined;
  requestId: string | undefined;
  cache: 'hit' | 'miss' | undefined;
}

/** The server's limits in characters. A caller with a long header must fill neither this process's memory nor a batch. */
export const MAX = { method: 32, path: 2048, hostname: 255, address: 255, userAgent: 1024, userId: 255, referrer: 2048, requestId: 128 } as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One member of a batch's `requests`. Empty fields are left out. */
export function toJson(hit: Hit): string {
  return JSON.stringify({
    method: hit.method || 'GET',
    path: wellFormed(hit.path) || '/',
    status: hit.status,
    response_time: Math.round(Math.max(hit.duration, 0) * 1000) / 1000,
    created_at: new Date(hit.startedAt).toISOString(),
    route: text(hit.route),
    hostname: text(hit.hostname && withoutPort(hit.hostname)),
    ip_address: text(hit.address),
    user_agent: text(hit.userAgent),
    user_id: text(hit.userId),
    referrer: text(hit.referrer && withoutQuery(hit.referrer)),
    request_size: hit.requestSize,
    response_size: hit.responseSize,
    request_id: text(hit.requestId),
    cache: hit.cache,
  });
}

/** At most `limit` characters, and a copy when it is cut, since a slice would keep the whole alive. */
export function cut(value: string, limit: number): string {
  if (value.length <= limit) return value;
  const end = isHighSurrogate(value.charCodeAt(limit - 1)) ? limit - 1 : limit;
  return new TextDecoder('utf-16le', { ignoreBOM: true }).decode(Uint16Array.from({ length: end }, (_, at) => value.charCodeAt(at)));
}

/**
 * A header as text, cut. Node reads headers as Latin-1; where the bytes are UTF-8 they are read as that (RFC 9110 lets both happen).
 */
export function fromHeader(value: unknown, limit: number): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  if (first === undefined || first === null) return undefined;
  let found = cut(String(first), limit);
  if (/[\x80-\xff]/.test(found) && !/[^\0-\xff]/.test(found)) {
    try {
      found = UTF8.decode(Uint8Array.from(found, (character) => character.charCodeAt(0)));
    } catch {
      // It is Latin-1.
    }
  }
  return found;
}

/** A `Content-Length`; one that is not a number is unknown, not an error. */
export function toSize(value: unknown): number | undefined {
  const digits = String(value ?? '');
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Whether a cache answered, by the answer's headers: the last in `X-Cache` is nearest to the caller; an `Age` says it was kept (RFC 9111). */
export function toCache(xCache: unknown, age: unknown): Hit['cache'] {
  if (xCache !== undefined) {
    const nearest = String(xCache).split(',').pop()?.toLowerCase() ?? '';
    if (nearest.includes('hit')) return 'hit';
    if (nearest.includes('miss')) return 'miss';
  }
  return age === undefined || age === '' ? undefined : 'hit';
}

/** The path of a request line: without its query string, which holds data that nobody wants to keep, and without a host. */
export function toPath(target: string): string {
  const path = withoutQuery(target);
  if (path.startsWith('/')) return path;
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(.*)$/i.exec(path);
  return absolute ? absolute[1] || '/' : path || '/';
}

/** A path without its escapes, but for those that would end a path or a line. One that is not UTF-8 stays as it came. */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path).replace(/[?#\x00-\x1f\x7f]/g, encodeURIComponent);
  } catch {
    return path;
  }
}

/** Cuts at the first `?` or `#`. */
export function withoutQuery(address: string): string {
  const at = address.search(/[?#]/);
  return at < 0 ? address : address.slice(0, at);
}

/** `example.com:8080` is `example.com`, `[::1]:8080` is `::1`. */
export function withoutPort(hostname: string): string {
  if (hostname.startsWith('[')) return hostname.slice(1).split(']')[0] ?? '';
  const [name = '', , more] = hostname.split(':', 3);
  return more === undefined ? name : hostname;
}

function text(value: string | undefined): string | undefined {
  return value ? wellFormed(value) : undefined;
}

/** A lone surrogate would cost the hit at the server; it becomes U+FFFD. */
function wellFormed(value: string): string {
  return value.replace(/\p{Surrogate}/gu, '\ufffd');
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
