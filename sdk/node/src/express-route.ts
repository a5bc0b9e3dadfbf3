// The template of the route that answered in an Express app, 4 and 5.
//
// `req.route` lacks the prefix of mounts, and `req.baseUrl` is "" again once an error has left a mounted router. So both are taken at the
// moment the router assigns `route`: by an accessor on the app's request prototype, which Express documents as the app's own and which
// mounted apps inherit. No module is patched.

import { join, toMountTemplate, toTemplate } from './template.js';

interface ExpressRequest {
  app?: { request?: object } | undefined;
  baseUrl?: string;
  params?: unknown;
  route?: { path?: unknown } | undefined;
  [MATCHED]?: Matched;
}

interface Matched {
  route: { path?: unknown } | undefined;
  baseUrl: string;
  params: unknown;
}

const MATCHED: unique symbol = Symbol.for('api-analytics-client.matched') as never;

/** Prepares the app that answers this request; later ones of the same app find it done. */
export function prepare(request: object): void {
  const prototype = (request as ExpressRequest).app?.request;
  if (typeof prototype !== 'object' || MATCHED in prototype || 'route' in prototype) return;
  Object.defineProperty(prototype, MATCHED, { value: undefined, writable: true });
  Object.defineProperty(prototype, 'route', {
    configurable: true,
    enumerable: true,
    get(this: ExpressRequest) {
      return this[MATCHED]?.route;
    },
    set(this: ExpressRequest, route: Matched['route']) {
      const before = this[MATCHED];
      const baseUrl = this.baseUrl ?? '';
      // Assigned twice, by the router and by the route. The first time `params` are still those of the mount.
      if (before?.route !== route || before?.baseUrl !== baseUrl) this[MATCHED] = { route, baseUrl, params: this.params };
    },
  });
}

/** Undefined if no route matched, or one that no template describes. */
export function findRoute(request: object): string | undefined {
  const { route, baseUrl = '', params, [MATCHED]: matched } = request as ExpressRequest;
  const { path } = route ?? {};
  // Of several patterns of one route, nobody knows which matched.
  const template = toTemplate(Array.isArray(path) && path.length === 1 ? path[0] : path);
  if (template === undefined) return undefined;
  return matched ? join(toMountTemplate(matched.baseUrl, matched.params, template), template) : join(toMountTemplate(baseUrl, params, template), template);
}
