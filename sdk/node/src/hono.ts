// Hono 4: on Node by Node's own response, elsewhere (Bun, Deno) by the answer that the app returns. `workers.ts` is its part for Workers.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { toAddress } from './address.js';
import type { Settings } from './config.js';
import { HONO, type HonoContextLike, watchHono } from './hono-fetch.js';
import { watch } from './node.js';
import { open } from './queue.js';
import { Recorder } from './recorder.js';

export { Config } from './config.js';
export { flush } from './flush.js';
export type { HonoContextLike } from './hono-fetch.js';

/** Use it first: `app.use(honoAnalytics(apiKey, config))`. */
export function honoAnalytics(apiKey?: string | null, config?: Settings | null): (context: HonoContextLike, next: () => Promise<void>) => Promise<void> {
  const recorder = new Recorder(HONO, open, apiKey, config);
  return async function apiAnalytics(context, next) {
    const { incoming, outgoing } = (context.env ?? {}) as { incoming?: IncomingMessage; outgoing?: ServerResponse };
    if (incoming && outgoing && typeof outgoing.once === 'function') {
      watch(recorder, incoming, outgoing, context);
      await next();
    } else {
      // Now, since Bun knows it only while the caller is there.
      await watchHono(recorder, context, recorder.readsAddress ? toAddress(context.env, context.req.raw) : undefined, next);
    }
  };
}
