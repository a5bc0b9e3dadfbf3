// Which calls a picture takes. Usually one brings the whole page; a card that is sorted, unfolded or narrowed by its own tabs is
// asked for in a call of its own beside it, so that the others need not be counted again.

import type { PanelName } from '../api/types';
import { both } from '../filter/text';
import { toOrder, USUAL_ORDER } from './order';
import { ALL } from './panels';
import { CONSUMERS_SORT, toQuestion, WORDS, type DashboardState } from './state';

export interface Call {
  panels: readonly PanelName[];
  parameters: Record<string, string | number | undefined>;
}

/** As many as the server gives. */
export const MANY = 500;

/** Tabs of the endpoints card: what they add to the filter. */
const ENDPOINT_TABS: Record<string, string> = { '2xx': 'status:2xx', '3xx': 'status:3xx', '4xx': 'status:4xx', '5xx': 'status:5xx' };
/** Tabs of the consumers card. */
const CONSUMER_TABS: Record<string, string> = { users: '-user:""', addresses: 'user:""' };

/** `shown`: the panels of the page that asks. */
export function toCalls(state: DashboardState, viewersZone: string, shown: readonly PanelName[] = ALL): Call[] {
  const question = toQuestion(state, viewersZone);
  const own: Call[] = [];
  const ask = (panel: PanelName, extra: string | undefined, sort: string | undefined, all: boolean) => {
    if (!shown.includes(panel)) return;
    const order = toOrder(sort);
    // Those with the smallest numbers are among the rows that the server would leave out.
    const rows = all || order.ascending ? MANY : undefined;
    const by = order.by === USUAL_ORDER ? undefined : order.by;
    if (!extra && !by && !rows) return;
    own.push({
      panels: [panel],
      parameters: { ...question, compare: undefined, q: both(question['q'] ?? '', extra ?? '') || undefined, panels: panel, sort: by, rows },
    });
  };
  const { tabs, open } = state;
  // Searching in what is not here would find nothing.
  ask('endpoints', ENDPOINT_TABS[tabs['endpoints'] ?? ''], state.sort, open.includes('endpoints') || !!tabs[WORDS]);
  ask('top_consumers', CONSUMER_TABS[tabs['consumers'] ?? ''], tabs[CONSUMERS_SORT], open.includes('top_consumers'));
  for (const panel of open) {
    if (panel !== 'endpoints' && panel !== 'top_consumers') ask(panel, undefined, undefined, true);
  }
  const panels = shown.filter((panel) => !own.some((call) => call.panels.includes(panel)));
  return [{ panels, parameters: { ...question, panels: panels.join(',') } }, ...own];
}

/** The question alone, without which panels it asks: the same text for the same question. */
export function questionOf(call: Call): string {
  return JSON.stringify({ ...call.parameters, panels: undefined });
}

/** What of a call is not answered yet. `answered` says for each panel that is shown which question it answers. */
export function toMissing(call: Call, answered: ReadonlyMap<PanelName, string>): Call[] {
  const panels = call.panels.filter((panel) => answered.get(panel) !== questionOf(call));
  return panels.length ? [{ panels, parameters: { ...call.parameters, panels: panels.join(',') } }] : [];
}
