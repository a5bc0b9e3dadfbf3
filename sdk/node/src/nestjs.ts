// NestJS 11 and 12, on Express and on Fastify.

import { Config, type Settings } from './config.js';
import { type Middleware, toMiddleware } from './express.js';
import { type FastifyLike, useFastifyAnalytics } from './fastify.js';

export { Config };
export { flush } from './flush.js';
export type { Middleware };

export interface NestAppLike {
  use(...middleware: any[]): unknown;
  getHttpAdapter(): any;
}

/** Watches every request: `useNestAnalytics(app, apiKey, config)` in `main.ts`, before `listen`. */
export function useNestAnalytics(app: NestAppLike, apiKey?: string | null, config?: Settings | null): void {
  const adapter = app.getHttpAdapter() as { getType?(): string; getInstance?(): unknown };
  if (adapter.getType?.() === 'fastify') useFastifyAnalytics(adapter.getInstance?.() as FastifyLike, apiKey, config, 'NestJS');
  else app.use(nestjsAnalytics(apiKey, config));
}

/** The same as middleware: `app.use(nestjsAnalytics(apiKey, config))`. On Fastify the server derives the routes then. */
export function nestjsAnalytics(apiKey?: string | null, config?: Settings | null): Middleware {
  return toMiddleware('NestJS', apiKey, config);
}
