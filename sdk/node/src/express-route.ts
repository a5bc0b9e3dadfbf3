// The template of the route that answered in an Express app, 4 and 5.
//
// `req.route` lacks the prefix of mounts, and `req.baseUrl` is "" again once an error has left a mounted router. So both are taken at the
// moment the router assigns `route`: by an accessor on the app's request prototype, which Express documents as the app's own and which
// mounted apps inherit. No module is patched.

import { sharedMap } from './shared.js';
import { join, toMountTemplate, toTemplate } from './template.js';

interface ExpressRequest {
  app?: { request?: object } | undefined;
  baseUrl?: string;
  params?: unknown;
  route?: { path?: unknown } | undefined;
}

interface Matched {
  route: { path?: unknown } | undefined;
  baseUrl: string;
  params: unknown;
}

/** Of requests; a property of theirs would cost more, as their prototype was replaced (see node.ts). */
const MATCHED = sharedMap<ExpressRequest, Matched>('matched');
/** On a prepared prototype. */
const PREPARED = Symbol.for('api-analytics-client.matched');

/** Prepares the app that answers this request; later ones of the same app find it done. */
export function prepare(request: object): void {
  const prototype = (request as ExpressRequest).app?.request;
  if (typeof prototype !== 'object' || PREPARED in prototype || 'route' in prototype) return;
  Object.defineProperty(prototype, PREPARED, { value: true });
  Object.defineProperty(prototype, 'route', {
    configurable: true,
    enumerable: true,
    get(this: ExpressRequest) {
      return MATCHED.get(this)?.route;
    },
    set(this: ExpressRequest, route: Matched['route']) {
      const before = MATCHED.get(this);
      const baseUrl = this.baseUrl ?? '';
      // Assigned twice, by the router and by the route. The first time `params` are still those of the mount.
      if (before?.route !== route || before?.baseUrl !== baseUrl) MATCHED.set(this, { route, baseUrl, params: this.params });
    },
  });
}

/** Undefined if no route matched, or one that no template describes. */
export function findRoute(request: object): string | undefined {
  const { route, baseUrl = '', params } = request as ExpressRequest;
  const matched = MATCHED.get(request);
  const { path } = route ?? {};
  // Of several patterns of one route, nobody knows which matched.
  const template = toTemplate(Array.isArray(path) && path.length === 1 ? path[0] : path);
  if (template === undefined) return undefined;
  return matched ? join(toMountTemplate(matched.baseUrl, matched.params, template), template) : join(toMountTemplate(baseUrl, params, template), template);
}
