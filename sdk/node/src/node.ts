// Watches a request of Node's own HTTP server, which all of Express, Nest, Fastify, Koa and Hono on Node run on.
//
// One `close` listener on the response sees everything: `close` comes after `finish`, and also when the caller leaves. Of the response,
// `write` and `end` are replaced by functions that count and pass on; nothing is kept of the request after that.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CLIENT_GONE } from './fetch-watch.js';
import { cut, fromHeader, MAX, toCache, toSize } from './hit.js';
import { queue } from './queue.js';
import type { Recorder } from './recorder.js';
import { sharedMap } from './shared.js';

const WATCHING = Symbol.for('api-analytics-client.watching');

/**
 * State of watched responses whose prototype was replaced, as Express does: each property that is added to such an object costs a new hidden
 * class, 0.7 us and more. Others carry it themselves, which is cheaper than this map.
 */
const STATES = sharedMap<ServerResponse, Watching>('responses');

type Write = (...given: unknown[]) => boolean;
type End = (...given: unknown[]) => ServerResponse;

/** State of a watched response. `write` and `end`: its own, if ours took their place on the response itself. */
interface Watching {
  watches: Watch[];
  bodyBytes: number;
  write?: Write;
  end?: End;
}

interface Watched extends ServerResponse {
  [WATCHING]?: Watching;
}

interface Watch {
  recorder: Recorder<any>;
  subject: unknown;
  request: IncomingMessage;
  path: string;
  startedAt: number;
  began: number;
  isFallback: boolean;
}

/** Begins with a request. `isFallback`: gives way to a middleware in the app that watches it for the same project. Never throws. */
export function watch<S>(recorder: Recorder<S>, request: IncomingMessage, response: ServerResponse, subject: S, isFallback = false): void {
  const { client } = recorder;
  if (client === undefined || client.stopped) return;
  try {
    const watching = stateOf(response);
    const twin = watching?.watches.find((other) => other.recorder.client?.project === client.project);
    if (twin) {
      if (twin.isFallback) Object.assign(twin, { recorder, subject, isFallback });
      return;
    }
    const socket = request.socket as (Socket & { server?: unknown }) | undefined;
    // Read now, since the socket remembers it only if it was asked before its end.
    if (recorder.readsAddress) void socket?.remoteAddress;
    queue.follow(socket?.server);
    const { originalUrl } = request as { originalUrl?: string };
    const mine: Watch = {
      recorder, subject, request, isFallback,
      path: originalUrl ?? request.url ?? '/', // routers cut `url` at mounts
      startedAt: Date.now(),
      began: performance.now(),
    };
    if (watching) watching.watches.push(mine);
    else {
      begin(response, { watches: [mine], bodyBytes: 0 });
      response.on('close', onClose); // comes once; `once` would cost a wrapper
    }
  } catch (error) {
    recorder.couldNotRecord(error);
  }
}

function stateOf(response: Watched): Watching | undefined {
  return response[WATCHING] ?? STATES.get(response);
}

/** From here on the bytes of the response's body are counted. */
function begin(response: Watched, state: Watching): void {
  const prototype = Object.getPrototypeOf(response) as Watched;
  if (prototype === response.constructor.prototype) {
    state.write = response.write as Write;
    state.end = response.end as End;
    response[WATCHING] = state;
    // The same functions for every response, as closures would cost more.
    Object.assign(response, { write: countedWrite, end: countedEnd });
  } else {
    STATES.set(response, state);
    if (!(COUNTS in prototype)) countOn(prototype);
  }
}

const COUNTS = Symbol.for('api-analytics-client.counts');

/** Counts for all responses of an Express app, on the prototype that is the app's own (`app.response`) and that mounted apps inherit. */
function countOn(prototype: Watched): void {
  const write = prototype.write as Write;
  const end = prototype.end as End;
  const set = (name: symbol | string, value: unknown) => Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  set('write', function (this: Watched, ...given: unknown[]) {
    count(STATES.get(this), given);
    return write.apply(this, given);
  });
  set('end', function (this: Watched, ...given: unknown[]) {
    count(STATES.get(this), given);
    return end.apply(this, given);
  });
  set(COUNTS, true);
}

function countedWrite(this: Watched, ...given: unknown[]): boolean {
  const state = this[WATCHING]!;
  count(state, given);
  return state.write!.apply(this, given);
}

function countedEnd(this: Watched, ...given: unknown[]): ServerResponse {
  const state = this[WATCHING]!;
  count(state, given);
  return state.end!.apply(this, given);
}

function count(state: Watching | undefined, given: unknown[]): void {
  if (state) state.bodyBytes += byteLength(given[0], given[1]);
}

/** The bytes of what a stream's `write` and `end` take; 0 for what they refuse. */
function byteLength(piece: unknown, encoding: unknown): number {
  if (typeof piece === 'string') return Buffer.byteLength(piece, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return ArrayBuffer.isView(piece) ? piece.byteLength : 0;
}

function onClose(this: Watched): void {
  const ended = performance.now();
  const state = stateOf(this);
  if (!state) return;
  const { watches, bodyBytes } = state;
  state.watches = [];
  for (const mine of watches) {
    try {
      record(mine, this, ended, bodyBytes);
    } catch (error) {
      mine.recorder.couldNotRecord(error);
    }
  }
}

function record({ recorder, subject, request, path, startedAt, began }: Watch, response: ServerResponse, ended: number, bodyBytes: number): void {
  const { client, framework } = recorder;
  if (client === undefined) return;
  const { headers } = request;
  const wasSent = response.headersSent;
  // Until headers have been sent, `statusCode` is only a default.
  const status = wasSent ? response.statusCode : CLIENT_GONE;
  if (status === 101) return;
  const method = cut(request.method ?? 'GET', MAX.method);
  const answer = toHeaders(response);
  let address: string | undefined;
  if (recorder.readsAddress) address = framework.address?.(subject) ?? request.socket?.remoteAddress;
  recorder.add(
    client,
    {
      startedAt,
      duration: ended - began,
      method,
      path,
      route: framework.route?.(subject),
      status,
      hostname: fromHeader(headers.host ?? headers[':authority'], MAX.hostname),
      address: address === undefined ? undefined : cut(address, MAX.address),
      userAgent: fromHeader(headers['user-agent'], MAX.userAgent),
      userId: undefined,
      referrer: fromHeader(headers.referer, MAX.referrer),
      requestSize: toSize(headers['content-length']),
      responseSize: method === 'HEAD' || !wasSent || status === 204 || status === 304 ? 0 : bodyBytes,
      // The app's own id, if it gives one, is the one in its log.
      requestId: fromHeader(answer('x-request-id') ?? headers['x-request-id'], MAX.requestId),
      cache: toCache(answer('x-cache'), answer('age')),
    },
    subject,
  );
}

/**
 * A getter for the answer's headers. Those that were given to `writeHead` alone, and the length that Node adds to an answer in one piece, are
 * only in the head as it was sent.
 */
function toHeaders(response: ServerResponse): (name: string) => unknown {
  const head = response.hasHeader('content-length') ? undefined : toHead(response);
  if (head === undefined) return (name) => response.getHeader(name);
  const lower = head.toLowerCase();
  return (name) => {
    const at = lower.indexOf(`\r\n${name}: `);
    return at < 0 ? undefined : head.slice(at + name.length + 4, head.indexOf('\r\n', at + 2));
  };
}

/** TRICKY: private, but what loggers have relied on for a decade. Undefined where there is none, as in HTTP/2. */
function toHead(response: ServerResponse): string | undefined {
  const head = (response as unknown as { _header?: unknown })._header;
  return typeof head === 'string' ? head : undefined;
}
