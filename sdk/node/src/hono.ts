// Hono 4: on Node by Node's own response, elsewhere (Bun, Deno) by the answer that the app returns.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './config.js';
import { cut, fromHeader, MAX, toCache, toSize } from './hit.js';
import { CLIENT_GONE, watch } from './node.js';
import { type Framework, Recorder } from './recorder.js';
import { toTemplate } from './template.js';

export { Config } from './config.js';
export { flush } from './flush.js';

/** The parts of Hono's context that are used. */
export interface HonoContextLike {
  env: any;
  // `routePath` is marked as deprecated in favour of `hono/route`, which would make Hono a dependency.
  req: { raw: Request; method: string; routePath?: string };
  res: Response;
}

const FRAMEWORK: Framework<HonoContextLike> = {
  name: 'Hono',
  // After `next()`, the route that answered.
  route: (context) => toTemplate(context.req.routePath, 'constraint'),
};

/** Use it first: `app.use(honoAnalytics(apiKey, config))`. */
export function honoAnalytics(apiKey?: string | null, config?: Settings | null): (context: HonoContextLike, next: () => Promise<void>) => Promise<void> {
  const recorder = new Recorder(FRAMEWORK, apiKey, config);
  return async function apiAnalytics(context, next) {
    const { incoming, outgoing } = (context.env ?? {}) as { incoming?: IncomingMessage; outgoing?: ServerResponse };
    if (incoming && outgoing && typeof outgoing.once === 'function') {
      watch(recorder, incoming, outgoing, context);
      await next();
    } else if (!recorder.client || recorder.client.stopped) {
      await next();
    } else {
      await watchFetch(recorder, context, next);
    }
  };
}

async function watchFetch(recorder: Recorder<HonoContextLike>, context: HonoContextLike, next: () => Promise<void>): Promise<void> {
  const request = context.req.raw;
  const startedAt = Date.now();
  const began = performance.now();
  // Now, since Bun knows it only while the caller is there.
  const address = recorder.readsAddress ? toAddress(context) : undefined;
  const finish = (status: number, size: number | undefined, answer?: Headers): void => {
    try {
      if (recorder.client && status !== 101) add(status, size, answer);
    } catch (error) {
      recorder.couldNotRecord(error);
    }
  };
  const add = (status: number, size: number | undefined, answer: Headers | undefined): void => {
    const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
    const url = new URL(request.url);
    recorder.add(
      recorder.client!,
      {
        startedAt,
        duration: performance.now() - began,
        method: cut(request.method, MAX.method),
        path: url.pathname,
        route: recorder.framework.route?.(context),
        status,
        hostname: fromHeader(header('host') ?? url.host, MAX.hostname),
        address: address === undefined ? undefined : cut(address, MAX.address),
        userAgent: fromHeader(header('user-agent'), MAX.userAgent),
        userId: undefined,
        referrer: fromHeader(header('referer'), MAX.referrer),
        requestSize: toSize(header('content-length')),
        responseSize: size,
        requestId: fromHeader(answer?.get('x-request-id') ?? header('x-request-id'), MAX.requestId),
        cache: toCache(answer?.get('x-cache') ?? undefined, answer?.get('age') ?? undefined),
      },
      context,
    );
  };

  try {
    await next();
  } catch (error) {
    finish(500, undefined);
    throw error;
  }
  const response = context.res;
  const { status, headers, body } = response;
  // Deno prints a warning when somebody looks at the signal, which it also aborts after an answer.
  if (!('Deno' in globalThis) && request.signal?.aborted) finish(CLIENT_GONE, 0, headers);
  else if (body === null || request.method === 'HEAD') finish(status, 0, headers);
  else if (headers.has('content-length')) finish(status, toSize(headers.get('content-length')), headers);
  else context.res = new Response(counted(body, (size) => finish(status, size, headers)), response);
}

/** The same stream; `done` is called once, with the bytes that went through, at its end, its failure, or when its reader leaves. */
function counted(body: ReadableStream<Uint8Array>, done: (size: number) => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let size = 0;
  let isOver = false;
  const end = (): void => {
    if (!isOver) done(size);
    isOver = true;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: isLast, value } = await reader.read();
          if (isLast) {
            end();
            controller.close();
          } else {
            size += value.byteLength;
            controller.enqueue(value);
          }
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

/** The connection's address: Bun's server has it by request, Deno hands it to the app. */
function toAddress(context: HonoContextLike): string | undefined {
  const env = (context.env ?? {}) as { requestIP?(request: Request): { address?: string } | null; server?: typeof env; remoteAddr?: { hostname?: string } };
  try {
    return env.remoteAddr?.hostname ?? (env.server ?? env).requestIP?.(context.req.raw)?.address;
  } catch {
    return undefined; // not theirs
  }
}
