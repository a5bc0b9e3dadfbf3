// Seven days of 24 hours to shades.

import { toCsv } from '../../export/csv';

export interface HeatCell {
  day: number;
  hour: number;
  requests: number;
  /** 0 to 1, relative to the maximum. */
  shade: number;
}

/** Monday first. */
export function toHeat(cells: readonly (readonly number[])[]): HeatCell[][] {
  const most = Math.max(0, ...cells.flat());
  return cells.map((hours, day) =>
    hours.map((requests, hour) => ({ day, hour, requests, shade: most > 0 ? requests / most : 0 })),
  );
}

/** The names of days in the viewer's language; 5 January 1970 was a Monday. */
export function dayNames(locale?: string, weekday: 'short' | 'long' = 'short'): string[] {
  const format = new Intl.DateTimeFormat(locale, { weekday, timeZone: 'UTC' });
  return Array.from({ length: 7 }, (_, day) => format.format((4 + day) * 86_400_000));
}

export function heatCsv(cells: readonly (readonly number[])[]): string {
  const rows = cells.flatMap((hours, day) => hours.map((requests, hour) => [dayNames('en', 'long')[day] ?? '', hour, requests]));
  return toCsv(['day', 'hour', 'requests'], rows);
}

export function heatSummary(cells: readonly (readonly number[])[], count: (n: number) => string): string {
  const all = toHeat(cells).flat();
  const top = all.reduce<HeatCell | null>((best, cell) => (cell.requests > (best?.requests ?? 0) ? cell : best), null);
  if (!top) return 'No requests.';
  return `Busiest: ${dayNames(undefined, 'long')[top.day] ?? ''} from ${top.hour}:00, ${count(top.requests)} ${top.requests === 1 ? 'request' : 'requests'}.`;
}
