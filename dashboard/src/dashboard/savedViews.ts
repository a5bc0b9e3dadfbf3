// Saved views of a project: the address of a page without the project, under a name. What lies over a page for a moment (an opened
// request, the dialog of a deploy) is no part of one.

import type { Scope } from '../api/request';
import type { SavedView } from '../api/types';
import { fold } from '../filter/countries';
import { toHref, type Parameters } from '../router/address';
import { dashboardOf, requestsOf, subjectOf, type Place } from './places';
import { DEPLOY, HIT, toParameters, toState, VIEW, type DashboardState } from './state';
import { toSubject, toSubjectParameters } from './subject';

export const PAGES: Record<SavedView['page'], string> = { dashboard: 'Dashboard', requests: 'Requests', endpoint: 'Endpoint', consumer: 'Consumer' };

/** More than this are searched for. */
export const SEARCHED_FROM = 9;

type Looks = Pick<SavedView, 'page' | 'query'>;

/** How a page looks, as a view keeps it. The period always stands in it: what is usual may be another one some day. */
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

/** Where a view is opened. Its number stays in the address while what it shows is changed. */
export function viewHref(scope: Scope, view: SavedView): string {
  const { path, fixed } = placeOf(scope, view);
  return toHref(path, { ...fixed, ...Object.fromEntries(new URLSearchParams(view.query)), [`tab.${VIEW}`]: view.id });
}

/** Whether a page that looks like this looks as the view does. */
export function isShown(view: Looks, looks: Looks): boolean {
  // The server writes a query in its own spelling, and an API client in yet another.
  const own = toLooks(placeOf({ project: '' }, view), toState(new URLSearchParams(view.query)));
  return own.page === looks.page && own.query === looks.query;
}

/** The view that is shown: the one that was opened, also when it was changed since, or one that looks like the page. */
export function toCurrent(views: readonly SavedView[], looks: Looks, opened: string | undefined): { view: SavedView; changed: boolean } | null {
  const view = views.find(({ id }) => String(id) === opened);
  if (view) return { view, changed: !isShown(view, looks) };
  const same = views.find((one) => isShown(one, looks));
  return same ? { view: same, changed: false } : null;
}

/** Those whose names have all the words. */
export function searched(views: readonly SavedView[], typed: string): SavedView[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  return views.filter(({ name }) => words.every((word) => fold(name).includes(word)));
}

/** Another view of this name, which the server would not save a second time. */
export function toTaken(views: readonly SavedView[], name: string, own?: number): SavedView | undefined {
  // As the server compares them: letters of ASCII in either case.
  const key = (text: string) => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return views.find((view) => view.id !== own && key(view.name) === key(name));
}
