// Requests per country to shades on the map, and letters to names.

import type { BreakdownRow } from '../../api/types';

export interface Shade {
  requests: number;
  /** 0 to 1. */
  shade: number;
}

/** By the square root: a country with a hundredth of the maximum is still visible. */
export function toShades(rows: readonly BreakdownRow[]): Map<string, Shade> {
  const known = rows.filter((row) => row.key !== '');
  const most = Math.max(0, ...known.map((row) => row.requests));
  return new Map(known.map((row) => [row.key, { requests: row.requests, shade: most > 0 ? 0.18 + 0.82 * Math.sqrt(row.requests / most) : 0 }]));
}

const names = new Map<string, Intl.DisplayNames>();

/** "United Kingdom" for GB in the viewer's language; the letters themselves if the name is unknown. */
export function countryName(code: string, locale?: string): string {
  const key = locale ?? '';
  let display = names.get(key);
  if (!display) names.set(key, (display = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' })));
  try {
    return display.of(code) ?? code;
  } catch {
    return code;
  }
}
