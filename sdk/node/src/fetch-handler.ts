// The two forms of a fetch handler: the function, or an object that has it beside other things.

import { complain } from './log.js';

export type FetchFunction = (request: any, ...more: any[]) => any;
export type Handler = FetchFunction | { fetch?: FetchFunction | undefined };

type Watch = (handle: () => Promise<Response>, request: Request, more: unknown[]) => Promise<Response>;

export function wrap<H extends Handler>(handler: H, watch: Watch): H {
  if (typeof handler === 'function' && typeof (handler.prototype as { fetch?: unknown } | undefined)?.fetch === 'function') {
    complain('watch() takes a function or an object, not a class: nothing is recorded');
    return handler;
  }
  if (typeof handler === 'function') return wrapFunction(handler, watch, undefined) as H;
  const { fetch } = handler;
  if (typeof fetch !== 'function') return handler;
  const watched = Object.assign(Object.create(Object.getPrototypeOf(handler)), handler) as H;
  return Object.assign(watched, { fetch: wrapFunction(fetch, watch, handler) });
}

function wrapFunction(fetch: FetchFunction, watch: Watch, owner: unknown): FetchFunction {
  return function (this: unknown, request: Request, ...more: unknown[]) {
    // Bun has its server as `this`.
    return watch(async () => fetch.call(this ?? owner, request, ...more), request, more);
  };
}
