// Requests that a viewer has chosen never to see (404s, bots, some endpoints). They are ordinary conditions of the filter; here they are
// only switched, and remembered per project in this browser as the start of later visits.

import { has, quote, split, toggle } from '../filter/text';
import { withoutAnyOwn, type Subject } from './subject';

export interface Hidden {
  notFound: boolean;
  bots: boolean;
  /** Routes as written, with wildcards. */
  routes: string[];
}

export function toHidden(q: string): Hidden {
  const routes = split(q).filter((c) => c.negated && c.field === 'route').flatMap((c) => c.values);
  return { notFound: has(q, 'status', '404', true), bots: has(q, 'device', 'bot', true), routes };
}

export const hideNotFound = (q: string) => toggle(q, 'status', ['404'], true);
export const hideBots = (q: string) => toggle(q, 'device', ['bot'], true);

/** `*` keeps its meaning; everything else is literal. */
export const hideRoute = (q: string, typed: string) => {
  const route = typed.trim();
  if (route === '') return q;
  const written = route.includes('*') ? route.replace(/[\s,"\\]/g, '\\$&') : quote(route);
  return has(q, 'route', written, true) ? q : toggle(q, 'route', [written], true);
};
export const showRoute = (q: string, written: string) => toggle(q, 'route', [written], true);

/** A page's initial conditions: without the one that hides the page's own endpoint. */
export function rememberedAt(project: string | undefined, subject: Subject | undefined): string {
  const remembered = rememberedView(project);
  return subject ? withoutAnyOwn(remembered, subject.kind) : remembered;
}

/** Only the conditions of this menu, not the rest of the filter. */
export function viewPart(q: string): string {
  const { notFound, bots, routes } = toHidden(q);
  let part = '';
  if (notFound) part = hideNotFound(part);
  if (bots) part = hideBots(part);
  return routes.length ? toggle(part, 'route', routes, true) : part;
}

const key = (project: string) => `api-analytics.view.${project}`;

export function rememberedView(project: string | undefined): string {
  if (!project) return '';
  try {
    return localStorage.getItem(key(project)) ?? '';
  } catch {
    return '';
  }
}

export function rememberView(project: string | undefined, q: string) {
  if (!project) return;
  try {
    const part = viewPart(q);
    if (part) localStorage.setItem(key(project), part);
    else localStorage.removeItem(key(project));
  } catch {
    // It is just not remembered.
  }
}

