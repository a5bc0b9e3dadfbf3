// Watches a request of Node's own HTTP server, which all of Express, Nest, Fastify, Koa and Hono on Node run on.
//
// One `close` listener on the response sees everything: `close` comes after `finish`, and also when the caller leaves. Nothing is wrapped
// and nothing is kept of the request after that.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { cut, fromHeader, MAX, toCache, toSize } from './hit.js';
import { queue } from './queue.js';
import type { Recorder } from './recorder.js';

/** nginx's status for a request whose caller left before there was an answer. */
export const CLIENT_GONE = 499;

const WATCHES = Symbol.for('api-analytics-client.watches');

interface Watched extends ServerResponse {
  [WATCHES]?: Watch[] | undefined;
}

interface Watch {
  recorder: Recorder<any>;
  subject: unknown;
  request: IncomingMessage;
  path: string;
  startedAt: number;
  began: number;
  bytesBefore: number;
  isFallback: boolean;
}

/** Begins with a request. `isFallback`: gives way to a middleware in the app that watches it for the same project. Never throws. */
export function watch<S>(recorder: Recorder<S>, request: IncomingMessage, response: ServerResponse, subject: S, isFallback = false): void {
  const { client } = recorder;
  if (client === undefined || client.stopped) return;
  try {
    const watched: Watched = response;
    const watches = watched[WATCHES];
    const twin = watches?.find((other) => other.recorder.client?.project === client.project);
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
      bytesBefore: socket?.bytesWritten ?? 0,
    };
    if (watches) watches.push(mine);
    else {
      watched[WATCHES] = [mine];
      response.on('close', onClose); // comes once; `once` would cost a wrapper
    }
  } catch (error) {
    recorder.couldNotRecord(error);
  }
}

function onClose(this: Watched): void {
  const ended = performance.now();
  const watches = this[WATCHES];
  this[WATCHES] = undefined;
  for (const mine of watches ?? []) {
    try {
      record(mine, this, ended);
    } catch (error) {
      mine.recorder.couldNotRecord(error);
    }
  }
}

function record({ recorder, subject, request, path, startedAt, began, bytesBefore }: Watch, response: ServerResponse, ended: number): void {
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
      responseSize: method === 'HEAD' || !wasSent ? 0 : toResponseSize(response, request, answer('content-length'), bytesBefore),
      // The app's own id, if it gives one, is the one in its log.
      requestId: fromHeader(answer('x-request-id') ?? headers['x-request-id'], MAX.requestId),
      cache: toCache(answer('x-cache'), answer('age')),
    },
    subject,
  );
}

/**
 * The body's bytes. A whole answer has them in its `Content-Length`. Else they are what the socket wrote, less the head and, as if the
 * body had come in one piece, the framing of chunks: a few bytes too many for each further piece, and no wrapper around anybody's `write`.
 */
function toResponseSize(response: ServerResponse, request: IncomingMessage, contentLength: unknown, bytesBefore: number): number | undefined {
  const { statusCode } = response;
  if (statusCode === 204 || statusCode === 304) return 0;
  const length = toSize(contentLength);
  if (length !== undefined && response.writableFinished) return length;
  const socket = request.socket as (Socket & { encrypted?: boolean }) | undefined;
  const head = toHead(response);
  if (head === undefined || socket?.bytesWritten === undefined || socket.encrypted) return length;
  const written = Math.max(socket.bytesWritten - bytesBefore - head.length, 0);
  if (length !== undefined) return Math.min(written, length);
  if (!response.chunkedEncoding) return written;
  // `7\r\n`, the piece, `\r\n`, and `0\r\n\r\n` at the end.
  const piece = written - (response.writableFinished ? 5 : 0) - 4;
  for (let digits = 1; digits < piece; digits += 1) {
    if ((piece - digits).toString(16).length <= digits) return piece - digits;
  }
  return 0;
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
