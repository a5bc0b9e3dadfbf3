// The first visit: a project younger than a week starts with the last day if that has all of its requests, and the page explains its use
// once.

import type { SeriesAnswer } from '../api/types';

const DAY_MS = 86_400_000;
const STORED = 'api-analytics.hint';

/** True if the project is younger than the shown week, and all of its requests are from the last day. */
export function fitsInDay(createdMs: number | null, activity: SeriesAnswer<string>, now: number): boolean {
  if (createdMs === null || now - createdMs > 7 * DAY_MS) return false;
  const first = activity.edges.findIndex((_, i) => ['1xx', '2xx', '3xx', '4xx', '5xx'].some((name) => (activity.series[name]?.[i] ?? 0) > 0));
  const begin = activity.edges[first];
  return begin !== undefined && begin >= now - DAY_MS;
}

/** Whether the hint about using the page was read, or used. */
export function hintSeen(): boolean {
  try {
    return localStorage.getItem(STORED) !== null;
  } catch {
    // It would reappear with each visit.
    return true;
  }
}

export function rememberHint() {
  try {
    localStorage.setItem(STORED, 'seen');
  } catch {
    // It is just not remembered.
  }
}
