// Watches a request of the standard's kind, one `Request` that becomes a `Response`: Hono, and plain handlers on Bun, Deno and Workers.

import { cut, fromHeader, MAX, toCache, toSize } from './hit.js';
import type { Recorder } from './recorder.js';

/** nginx's status for a request whose caller left before there was an answer. */
export const CLIENT_GONE = 499;

/** Of a body that may be kept in one piece. */
const MAX_AT_ONCE = 1 << 20;

export interface Asked<S> {
  request: Request;
  address: string | undefined;
  /** The argument of the user's mappers. */
  subject: S;
}

/** The handler's answer, or one with the same content that tells its end. `over` is called once, after the hit was queued, or was none. */
export async function watchFetch<S>(
  recorder: Recorder<S>,
  asked: Asked<S>,
  handle: () => Response | Promise<Response>,
  over: () => void = () => undefined,
): Promise<Response> {
  const { client } = recorder;
  if (client === undefined || client.stopped) {
    over();
    return handle();
  }
  const { request } = asked;
  const startedAt = Date.now();
  const began = performance.now();
  const finish = (status: number, size: number | undefined, answer?: Headers): void => {
    try {
      if (status !== 101) add(status, size, answer);
    } catch (error) {
      recorder.couldNotRecord(error);
    }
    over();
  };
  const add = (status: number, size: number | undefined, answer: Headers | undefined): void => {
    const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
    const url = new URL(request.url);
    recorder.add(
      client,
      {
        startedAt,
        duration: performance.now() - began,
        method: cut(request.method, MAX.method),
        path: url.pathname,
        route: recorder.framework.route?.(asked.subject),
        status,
        hostname: fromHeader(header('host') ?? url.host, MAX.hostname),
        address: asked.address === undefined ? undefined : cut(asked.address, MAX.address),
        userAgent: fromHeader(header('user-agent'), MAX.userAgent),
        userId: undefined,
        referrer: fromHeader(header('referer'), MAX.referrer),
        requestSize: toSize(header('content-length')),
        responseSize: size,
        requestId: fromHeader(answer?.get('x-request-id') ?? header('x-request-id'), MAX.requestId),
        cache: toCache(answer?.get('x-cache') ?? undefined, answer?.get('age') ?? undefined),
      },
      asked.subject,
    );
  };

  let response: Response;
  try {
    response = await handle();
  } catch (error) {
    finish(500, undefined);
    throw error;
  }
  if (!(response instanceof Response)) {
    finish(500, undefined); // the runtime answers so
    return response;
  }
  const { status, headers } = response;
  // Bun gives an answer without a type one by its body's kind, which a body that somebody has looked at no longer tells.
  const isTyped = !('Bun' in globalThis) || headers.has('content-type');
  const { body } = isTyped ? response : response.clone();
  // Deno prints a warning when somebody looks at the signal, which it also aborts after an answer.
  if (!('Deno' in globalThis) && request.signal?.aborted) finish(CLIENT_GONE, 0, headers);
  else if (body === null || request.method === 'HEAD') finish(status, 0, headers);
  else if (headers.has('content-length')) finish(status, toSize(headers.get('content-length')), headers);
  // On Workers the app may have encoded the body itself, of which its copy would know nothing and encode it again.
  else if ('WebSocketPair' in globalThis && headers.has('content-encoding')) finish(status, undefined, headers);
  else return passOn(response, body, isTyped, (size) => finish(status, size, headers));
  return response;
}

type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;

/** The same answer; `body` is its own or a clone's; `done` is called once, with the bytes of its body, at its end, its failure, or when its reader leaves. */
async function passOn(
  response: Response,
  body: ReadableStream<Uint8Array>,
  isOwnBody: boolean,
  done: (size: number) => void,
): Promise<Response> {
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  let next = reader.read();
  // A body that is there at once, as of a text, stays one in one piece: the runtime knows the length of that, but not of a stream.
  while (size < MAX_AT_ONCE) {
    const part = await atOnce(next);
    if (part === undefined) break;
    if (part.done) {
      done(size);
      return isOwnBody ? new Response(joined(parts, size), response) : response;
    }
    parts.push(part.value);
    size += part.value.byteLength;
    next = reader.read();
  }
  if (!isOwnBody) response.body?.cancel().catch(() => undefined);
  next.catch(() => undefined); // whoever reads the stream is told
  return new Response(counted(reader, parts, next, done), response);
}

/** The promise's value if it comes before the next turn of the event loop; undefined if nothing, or if it fails. */
async function atOnce(read: Promise<Part>): Promise<Part | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, 0, undefined)));
  try {
    return await Promise.race([read, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function joined(parts: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** The parts, then the rest of the reader. */
function counted(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  parts: Uint8Array[],
  next: Promise<Part>,
  done: (size: number) => void,
): ReadableStream<Uint8Array> {
  let size = 0;
  let isOver = false;
  const end = (): void => {
    if (!isOver) done(size);
    isOver = true;
  };
  let pending: Promise<Part> | undefined = next;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let value = parts.shift();
          if (!value) {
            const part: Part = await (pending ?? reader.read());
            pending = undefined;
            if (part.done) {
              end();
              controller.close();
              return;
            }
            value = part.value;
          }
          size += value.byteLength;
          controller.enqueue(value);
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
