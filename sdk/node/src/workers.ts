// The package on Cloudflare Workers: bundlers choose this file there by the condition `workerd`, also for `api-analytics-client/hono` and
// `/fetch`. Nothing in it needs Node, so that Workers need no `nodejs_compat`.

import type { Environment, Settings } from './config.js';
import { type Handler, wrap } from './fetch-handler.js';
import { watchFetch } from './fetch-watch.js';
import { HONO, type HonoContextLike, watchHono } from './hono-fetch.js';
import { showDebug } from './log.js';
import type { ClientSettings } from './outbox.js';
import { type Framework, Recorder } from './recorder.js';
import { Held } from './room.js';
import { WorkersClient } from './workers-client.js';

export { Config, type Mapper, type Settings } from './config.js';
export type { FetchFunction, Handler } from './fetch-handler.js';
export type { HonoContextLike } from './hono-fetch.js';

type WaitUntil = (promise: Promise<unknown>) => void;

const clients = new Map<string, WorkersClient>();
const room = new Held(clients);

function open(settings: ClientSettings): WorkersClient {
  const { url, key, framework, privacyLevel, release } = settings;
  const name = JSON.stringify([url.href, key, framework, privacyLevel, release]);
  let client = clients.get(name);
  if (!client) clients.set(name, (client = new WorkersClient(settings, room)));
  return client;
}

/** Use it first: `app.use(honoAnalytics(apiKey, config))`. Key and address may be bindings: `API_ANALYTICS_KEY`, `API_ANALYTICS_SERVER_URL`. */
export function honoAnalytics(apiKey?: string | null, config?: Settings | null): (context: HonoContextLike, next: () => Promise<void>) => Promise<void> {
  const recorderFor = toRecorders(HONO, apiKey, config);
  return async function apiAnalytics(context, next) {
    const recorder = recorderFor(context.env);
    await watchHono(recorder, context, toAddress(recorder, context.req.raw), next, deliverAfter(recorder, toWaitUntil(context as { executionCtx?: unknown })));
  };
}

/** The same handler, watched: `export default watch({ fetch }, apiKey, config)`. Key and address may be bindings, as in `honoAnalytics`. */
export function watch<H extends Handler>(handler: H, apiKey?: string | null, config?: Settings<Request> | null): H {
  const recorderFor = toRecorders<Request>({ name: 'Cloudflare Workers' }, apiKey, config);
  return wrap(handler, (handle, request, [bindings, context]) => {
    const recorder = recorderFor(bindings);
    const over = deliverAfter(recorder, toWaitUntil({ executionCtx: context }));
    return watchFetch(recorder, { request, address: toAddress(recorder, request), subject: request }, handle, over);
  });
}

/** Posts what waits in this isolate, in the request that calls it; true when a server has answered for all of it. Seldom needed. */
export async function flush(): Promise<boolean> {
  const sent = await Promise.all([...clients.values()].map((client) => client.flush().catch(() => false)));
  return sent.every(Boolean);
}

/** A recorder at the first request, since bindings come with requests; the same one for the others. */
function toRecorders<S>(framework: Framework<S>, apiKey?: string | null, config?: Settings<S> | null): (bindings: unknown) => Recorder<S, WorkersClient> {
  let recorder: Recorder<S, WorkersClient> | undefined;
  return (bindings) => {
    if (!recorder) {
      const environment = toEnvironment(bindings);
      if (/\bapi-analytics\b/.test(String(environment['NODE_DEBUG'] ?? ''))) showDebug((...said) => console.log('api-analytics:', ...said));
      recorder = new Recorder(framework, open, apiKey, config, environment);
    }
    return recorder;
  };
}

/** A binding may also be an object, such as a database; only texts are settings. */
function toEnvironment(bindings: unknown): Environment {
  return Object.fromEntries(Object.entries(bindings ?? {}).filter(([, value]) => typeof value === 'string'));
}

/** Cloudflare sets this header itself, whatever the caller sent. */
function toAddress(recorder: Recorder<any, WorkersClient>, request: Request): string | undefined {
  return recorder.readsAddress ? (request.headers.get('cf-connecting-ip') ?? undefined) : undefined;
}

/** Hono's `executionCtx` throws where there is none. */
function toWaitUntil(given: { executionCtx?: unknown }): WaitUntil | undefined {
  try {
    const context = given.executionCtx as { waitUntil?: WaitUntil } | undefined;
    return typeof context?.waitUntil === 'function' ? (promise) => context.waitUntil?.(promise) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the function to call when the hit was queued. The request announces at its begin that it goes on after its answer: without that, it would be
 * ended when the caller leaves, and its hit lost.
 */
function deliverAfter({ client }: Recorder<any, WorkersClient>, waitUntil: WaitUntil | undefined): (() => void) | undefined {
  if (!client || client.stopped || !waitUntil) return undefined;
  let over: () => void = () => undefined;
  waitUntil(new Promise<void>((resolve) => (over = resolve)).then(() => client.deliver()));
  return over;
}
