// Where the pages of a project are for whoever looks at it: its owner, the demo's visitors, a guest with a share link.

import type { PanelName } from '../api/types';
import type { Scope } from '../api/request';
import { OF_REQUESTS } from './panels';

export interface Place {
  /** Below the base path; the state is written behind it. */
  path: string;
  /** What stands in the address beside the state. */
  fixed?: Readonly<Record<string, string>>;
  /** The panels of the page; all, if not given. */
  panels?: readonly PanelName[];
}

export const dashboardOf = (scope: Scope): Place => at(scope, '/dashboard');

export function requestsOf(scope: Scope): Place {
  const place = scope.token === undefined ? at(scope, '/explorer') : { ...at(scope, ''), fixed: { view: 'requests' } };
  return { ...place, panels: OF_REQUESTS };
}

function at({ token, project }: Scope, page: string): Place {
  if (token !== undefined) return { path: `/share/${encodeURIComponent(token)}` };
  return project === 'demo' ? { path: `${page}/demo` } : { path: page, fixed: { project: project ?? '' } };
}
