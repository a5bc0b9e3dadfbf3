// Koa 2 and 3, with @koa/router or koa-route.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './config.js';
import { watch } from './node.js';
import { open } from './queue.js';
import { type Framework, Recorder } from './recorder.js';
import { toTemplate } from './template.js';

export { Config } from './config.js';
export { flush } from './flush.js';

export interface KoaContextLike {
  req: IncomingMessage;
  res: ServerResponse;
  ip?: string;
}

// `_matchedRoute` is @koa/router's, with the prefixes of nested routers; `routePath` is koa-route's. `ip` follows the setting `proxy`.
const FRAMEWORK: Framework<KoaContextLike> = {
  name: 'Koa',
  route: (context) => {
    const { _matchedRoute, routePath } = context as { _matchedRoute?: unknown; routePath?: unknown };
    return toTemplate(_matchedRoute ?? routePath);
  },
  address: (context) => context.ip,
};

/** Use it first: `app.use(koaAnalytics(apiKey, config))`. */
export function koaAnalytics(apiKey?: string | null, config?: Settings | null): (context: KoaContextLike, next: () => Promise<unknown>) => Promise<unknown> {
  const recorder = new Recorder(FRAMEWORK, open, apiKey, config);
  // An error needs no handling here: Koa answers it before the response closes.
  return function apiAnalytics(context, next) {
    watch(recorder, context.req, context.res, context);
    return next();
  };
}
