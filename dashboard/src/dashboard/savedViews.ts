// Saved views of a project: a name, a page and its query without the project. Dialogs over a page (a request, a deploy) are not part
// of a view.

import type { Scope } from '../api/request';
import type { SavedView } from '../api/types';
import { fold } from '../filter/countries';
import { toHref, type Parameters } from '../router/address';
import { dashboardOf, requestsOf, subjectOf, type Place } from './places';
import { DEPLOY, HIT, toParameters, toState, VIEW, type DashboardState } from './state';
import { toSubject, toSubjectParameters } from './subject';

export const PAGES: Record<SavedView['page'], string> = { dashboard: 'Dashboard', requests: 'Requests', endpoint: 'Endpoint', consumer: 'Consumer' };

/** The list has a search from this many views. */
export const SEARCHED_FROM = 9;

type Looks = Pick<SavedView, 'page' | 'query'>;

/** The state of a page, as a view stores it. Always includes the period, since the default may change. */
export function toLooks(place: Place, state: DashboardState): Looks {
  const { [HIT]: _hit, [DEPLOY]: _deploy, [VIEW]: _view, ...tabs } = state.tabs;
  const subject: Parameters = place.subject ? toSubjectParameters(place.subject) : {};
  const parameters = { ...subject, ...toParameters({ ...state, tabs }), period: state.period || undefined };
  return { page: place.subject?.kind ?? (place.panels ? 'requests' : 'dashboard'), query: toHref('', parameters, '').slice(1) };
}

function placeOf(scope: Scope, { page, query }: Looks): Place {
  const subject = toSubject(page, new URLSearchParams(query));
  if (subject) return subjectOf(scope, subject);
  return page === 'requests' ? requestsOf(scope) : dashboardOf(scope);
}

/** The address that opens a view. It contains the view's id, which stays there when the page is changed. */
export function viewHref(scope: Scope, view: SavedView): string {
  const { path, fixed } = placeOf(scope, view);
  return toHref(path, { ...fixed, ...Object.fromEntries(new URLSearchParams(view.query)), [`tab.${VIEW}`]: view.id });
}

/** Whether a page with this state shows the view. */
export function isShown(view: Looks, looks: Looks): boolean {
  // Writes the view's query as the page does: the server and API clients write it differently.
  const own = toLooks(placeOf({ project: '' }, view), toState(new URLSearchParams(view.query)));
  return own.page === looks.page && own.query === looks.query;
}

/** The current view: the one that was opened, even if the page was changed since, or one with the page's state. */
export function toCurrent(views: readonly SavedView[], looks: Looks, opened: string | undefined): { view: SavedView; changed: boolean } | null {
  const view = views.find(({ id }) => String(id) === opened);
  if (view) return { view, changed: !isShown(view, looks) };
  const same = views.find((one) => isShown(one, looks));
  return same ? { view: same, changed: false } : null;
}

/** The views whose names have all the words. */
export function searched(views: readonly SavedView[], typed: string): SavedView[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  return views.filter(({ name }) => words.every((word) => fold(name).includes(word)));
}

/** Another view with this name: names are unique on the server. */
export function toTaken(views: readonly SavedView[], name: string, own?: number): SavedView | undefined {
  // The server ignores the case of ASCII letters only (NOCASE).
  const key = (text: string) => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return views.find((view) => view.id !== own && key(view.name) === key(name));
}
