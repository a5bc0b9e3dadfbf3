// New rows on top of the shown ones.

import type { Hit } from '../api/types';

/** `newest` on top of `shown`, both newest first; null if they do not overlap, so that some would be missing between them. */
export function ahead(newest: readonly Hit[], shown: readonly Hit[]): readonly Hit[] | null {
  if (shown.length === 0) return newest.length === 0 ? shown : null;
  const there = new Set(shown.map(({ hit_id }) => hit_id));
  const fresh = newest.filter(({ hit_id }) => !there.has(hit_id));
  if (fresh.length === newest.length) return newest.length === 0 ? shown : null;
  if (fresh.length === 0) return shown;
  return sorted([...fresh, ...shown]);
}

/** Inserts `arrived`, in order of arrival, into `shown`, newest first. */
export function onTop(arrived: readonly Hit[], shown: readonly Hit[]): readonly Hit[] {
  const there = new Set(shown.map(({ hit_id }) => hit_id));
  const fresh = arrived.filter(({ hit_id }) => !there.has(hit_id)).reverse();
  return fresh.length === 0 ? shown : sorted([...fresh, ...shown]);
}

/** A late request belongs among the older ones. */
const sorted = (hits: readonly Hit[]) => [...hits].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
