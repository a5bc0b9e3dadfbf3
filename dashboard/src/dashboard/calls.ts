// The calls for a view. Usually one loads the whole page; a card narrowed by its own tabs has its own call, so that the others need not be
// counted again. Full lists are loaded by the cards that show them (`list.ts`).

import type { PanelName } from '../api/types';
import { both } from '../filter/text';
import { tabFilter } from './list';
import { ALL } from './panels';
import { lockAt, type Place } from './places';
import { toQuestion, type DashboardState } from './state';

export interface Call {
  panels: readonly PanelName[];
  parameters: Record<string, string | number | undefined>;
}

/** `place`: the page. */
export function toCalls(state: DashboardState, viewersZone: string, place: Place): Call[] {
  const shown = place.panels ?? ALL;
  const question = toQuestion(state, viewersZone, lockAt(place));
  const own: Call[] = [];
  for (const panel of shown) {
    const extra = tabFilter(state, panel);
    if (extra) own.push({ panels: [panel], parameters: { ...question, compare: undefined, q: both(question['q'] ?? '', extra) || undefined, panels: panel } });
  }
  const panels = shown.filter((panel) => !own.some((call) => call.panels.includes(panel)));
  return [{ panels, parameters: { ...question, panels: panels.join(',') } }, ...own];
}

/** The query without its panels: the same text for the same query. */
export function questionOf(call: Call): string {
  return JSON.stringify({ ...call.parameters, panels: undefined });
}

/** The part of a call that is not answered yet. `answered`: the query that each shown panel answers. */
export function toMissing(call: Call, answered: ReadonlyMap<PanelName, string>): Call[] {
  const panels = call.panels.filter((panel) => answered.get(panel) !== questionOf(call));
  return panels.length ? [{ panels, parameters: { ...call.parameters, panels: panels.join(',') } }] : [];
}
