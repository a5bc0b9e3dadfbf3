// What a call to the server looks like: its address, and what goes along with it. Asks nothing itself, so that `before.ts` can do
// with this alone.

import { basePath } from '../router/address';

/** Whose eyes look: the session's project, a share link's, or the demo's. */
export interface Scope {
  project?: string;
  token?: string;
}

export type Parameters = Record<string, string | number | undefined>;

/** Where a call is, with its parameters; those without a value are left out. */
export function address(path: string, scope?: Scope, parameters?: Parameters): string {
  const search = new URLSearchParams();
  if (scope?.project) search.set('project', scope.project);
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `${basePath()}/api/v1/${path}${text ? `?${text}` : ''}`;
}

/** Without method and body: those of a GET. */
export function toRequest(scope?: Scope): RequestInit & { headers: Record<string, string> } {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (scope?.token) headers['x-auth-token'] = scope.token;
  return {
    headers,
    // The demo and share links are looked at as anybody would: who is signed in must not change the picture.
    credentials: scope?.token || scope?.project === 'demo' ? 'omit' : 'same-origin',
    cache: 'no-store',
  };
}
