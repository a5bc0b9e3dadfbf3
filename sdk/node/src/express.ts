// Express 4 and 5, and whatever else takes `(request, response, next)`.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './config.js';
import { findRoute, prepare } from './express-route.js';
import { watch } from './node.js';
import { open } from './queue.js';
import { type Framework, Recorder } from './recorder.js';

export { Config } from './config.js';
export { flush } from './flush.js';

export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

interface ExpressRequest extends IncomingMessage {
  ip?: string | undefined;
}

/** Use it first: `app.use(expressAnalytics(apiKey, config))`. */
export function expressAnalytics(apiKey?: string | null, config?: Settings | null): Middleware {
  return toMiddleware('Express', apiKey, config);
}

export function toMiddleware(name: string, apiKey?: string | null, config?: Settings | null): Middleware {
  // `ip` follows the app's setting "trust proxy".
  const framework: Framework<ExpressRequest> = { name, route: findRoute, address: (request) => request.ip };
  const recorder = new Recorder(framework, open, apiKey, config);
  return function apiAnalytics(request, response, next) {
    try {
      if (recorder.client) prepare(request);
    } catch (error) {
      recorder.couldNotRecord(error);
    }
    watch(recorder, request, response, request);
    next();
  };
}
