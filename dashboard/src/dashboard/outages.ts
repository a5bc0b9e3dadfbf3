// Outages of monitors, as marked on the charts of real traffic.

import type { Incident } from '../api/types';
import { alertsHref } from '../router/address';
import { toLength } from '../shapes/day-bars/data';
import type { Span } from '../shapes/series-chart/data';

/** The newest ones; a year's chart with more would be red all over. */
export const MOST_OUTAGES = 200;

export function toOutages(incidents: readonly Incident[], project: number, now: number): Span[] {
  const outages = incidents.filter(({ cause }) => cause === 'down');
  return outages.map(({ id, monitor_name: name, began_at, ended_at }) => {
    const from = Date.parse(began_at);
    const to = ended_at === null ? now : Date.parse(ended_at);
    const title = ended_at === null ? `${name} has been down for ${toLength(to - from)}.` : `${name} was down for ${toLength(to - from)}.`;
    return { from, to, label: `${name} down`, title, href: alertsHref(project, { incident: id }) };
  });
}
