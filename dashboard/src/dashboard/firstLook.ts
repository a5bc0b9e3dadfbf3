// Somebody's first look: a project younger than a week begins with a day where a day holds all that it has, and the page says once
// how it is used.

import type { SeriesAnswer } from '../api/types';

const DAY_MS = 86_400_000;
const STORED = 'api-analytics.hint';

/** True if the project is younger than the week that is shown, and all of its requests are of the last day. */
export function fitsInDay(createdMs: number | null, activity: SeriesAnswer<string>, now: number): boolean {
  if (createdMs === null || now - createdMs > 7 * DAY_MS) return false;
  const first = activity.edges.findIndex((_, i) => ['1xx', '2xx', '3xx', '4xx', '5xx'].some((name) => (activity.series[name]?.[i] ?? 0) > 0));
  const begin = activity.edges[first];
  return begin !== undefined && begin >= now - DAY_MS;
}

/** Whether the line about how the page is used has been read, or used. */
export function hintSeen(): boolean {
  try {
    return localStorage.getItem(STORED) !== null;
  } catch {
    // It would come back with each look.
    return true;
  }
}

export function rememberHint() {
  try {
    localStorage.setItem(STORED, 'seen');
  } catch {
    // Not remembered, that is all.
  }
}
