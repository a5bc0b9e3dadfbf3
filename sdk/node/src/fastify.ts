// Fastify 4 and 5.
//
// TRICKY: Fastify's own `onResponse` does not run for a request whose caller has left, so the response of Node is watched.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './config.js';
import { watch } from './node.js';
import { queue } from './queue.js';
import { open } from './queue.js';
import { type Framework, Recorder } from './recorder.js';
import { toTemplate } from './template.js';

export { Config } from './config.js';
export { flush } from './flush.js';

export interface FastifyRequestLike {
  raw: IncomingMessage;
  ip?: string;
  routeOptions?: { url?: string | undefined };
}
export interface FastifyReplyLike {
  raw: ServerResponse;
}
export type OnRequestHook = (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void;
export interface FastifyLike {
  addHook(name: any, hook: any): unknown;
}
/** The options of the plugin: the key beside the fields of `Config`. */
export type PluginOptions = Settings & { apiKey?: string | null };

// `ip` follows the setting `trustProxy`. `routeOptions` is made anew at each reading.
const FRAMEWORK: Framework<FastifyRequestLike> = {
  name: 'Fastify',
  route: (request) => toTemplate(request.routeOptions?.url),
  address: (request) => request.ip,
};

/** Watches every request of the app: `useFastifyAnalytics(app, apiKey, config)`, before routes are added. */
export function useFastifyAnalytics(fastify: FastifyLike, apiKey?: string | null, config?: Settings | null, name = 'Fastify'): void {
  fastify.addHook('onRequest', toHook(name, apiKey, config));
  fastify.addHook('onClose', async () => void (await queue.flushAtExit()));
}

/** A plugin, `app.register(fastifyAnalytics, { apiKey })`, and a maker of hooks, `app.addHook('onRequest', fastifyAnalytics(apiKey))`. */
export function fastifyAnalytics(apiKey?: string | null, config?: Settings | null): OnRequestHook;
export function fastifyAnalytics(fastify: FastifyLike, options: PluginOptions, done: (error?: Error) => void): void;
export function fastifyAnalytics(
  first?: FastifyLike | string | null, options?: PluginOptions | Settings | null, done?: (error?: Error) => void,
): OnRequestHook | undefined {
  if (typeof first !== 'object' || first === null) return toHook('Fastify', first, options);
  useFastifyAnalytics(first, (options as PluginOptions | undefined)?.apiKey, options);
  done?.();
  return undefined;
}

// As `fastify-plugin` marks them: for the whole app, not for one branch of it.
Object.assign(fastifyAnalytics, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'api-analytics-client' });

function toHook(name: string, apiKey?: string | null, config?: Settings | null): OnRequestHook {
  const recorder = new Recorder({ ...FRAMEWORK, name }, open, apiKey, config);
  return function apiAnalytics(request, reply, done) {
    watch(recorder, request.raw, reply.raw, request);
    done();
  };
}
