// The address and options of a call to the server. It makes no calls, so that `before.ts` needs only this file.

import { basePath } from '../router/address';

/** Whose view it is: the session's project, a share link's, or the demo's. */
export interface Scope {
  project?: string;
  token?: string;
}

export type Parameters = Record<string, string | number | undefined>;

/** The address of a call with its parameters, except those without a value. */
export function address(path: string, scope?: Scope, parameters?: Parameters): string {
  const search = new URLSearchParams();
  if (scope?.project) search.set('project', scope.project);
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `${basePath()}/api/v1/${path}${text ? `?${text}` : ''}`;
}

/** Without method and body: a GET. */
export function toRequest(scope?: Scope): RequestInit & { headers: Record<string, string> } {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (scope?.token) headers['x-auth-token'] = scope.token;
  return {
    headers,
    // Nobody is signed in at the demo and share links: the viewer's own session must not change what they show.
    credentials: scope?.token || scope?.project === 'demo' ? 'omit' : 'same-origin',
    cache: 'no-store',
  };
}
