// The pages of a project by viewer: its owner, the demo's visitors, a guest with a share link.

import type { PanelName } from '../api/types';
import type { Scope } from '../api/request';
import type { Page } from '../router/address';
import { OF_REQUESTS } from './panels';
import { lockOf, toSubject, toSubjectParameters, type Subject } from './subject';

export interface Place {
  /** Below the base path; the state follows as parameters. */
  path: string;
  /** Parameters of the address beside the state. */
  fixed?: Readonly<Record<string, string>>;
  /** The page's panels; all, if not given. */
  panels?: readonly PanelName[];
  /** The page's subject, if it is about a part of the project. */
  subject?: Subject;
}

export const dashboardOf = (scope: Scope): Place => at(scope, '/dashboard');

export function requestsOf(scope: Scope): Place {
  const place = scope.token === undefined ? at(scope, '/explorer') : { ...at(scope, ''), fixed: { view: 'requests' } };
  return { ...place, panels: OF_REQUESTS };
}

/** The page of one endpoint or consumer. */
export function subjectOf(scope: Scope, subject: Subject): Place {
  const { path, fixed } = at(scope, `/${subject.kind}`);
  const view = scope.token === undefined ? {} : { view: subject.kind };
  return { path, fixed: { ...fixed, ...view, ...toSubjectParameters(subject) }, subject };
}

/** The condition that a page adds to every query about hits. */
export const lockAt = ({ subject }: Place) => (subject ? lockOf(subject) : '');

function at({ token, project }: Scope, page: string): Place {
  if (token !== undefined) return { path: `/share/${encodeURIComponent(token)}` };
  return project === 'demo' ? { path: `${page}/demo` } : { path: page, fixed: { project: project ?? '' } };
}

/** The viewer and place at an address; null if it is none of these, or names nothing to show. */
export function placeAt(page: Page, parameters: URLSearchParams): { scope: Scope; place: Place } | null {
  const isShare = page.name === 'share';
  const project = page.project ?? parameters.get('project') ?? '';
  if (!isShare && !project) return null;
  const scope: Scope = isShare ? { token: page.secret ?? '' } : { project };
  const kind = isShare ? (parameters.get('view') ?? '') : page.name;
  const subject = toSubject(kind, parameters);
  if (subject) return { scope, place: subjectOf(scope, subject) };
  if (kind === 'endpoint' || kind === 'consumer') return null;
  if (kind === 'explorer' || kind === 'requests') return { scope, place: requestsOf(scope) };
  return isShare || kind === 'dashboard' ? { scope, place: dashboardOf(scope) } : null;
}
