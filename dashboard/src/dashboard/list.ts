// The full list that a card shows, from its address: the page's query, and the list's own search and order.

import type { ListName, PanelName } from '../api/types';
import { both } from '../filter/text';
import { toOrder, USUAL_ORDER, type Order } from './order';
import { CONSUMERS_SORT, type DashboardState } from './state';

/** Rows loaded at once. */
export const PAGE = 100;

/** Rows that can be scrolled through: a browser draws no element that is much higher. The rest can be reached by a search or the other
 * order. */
export const MOST_SCROLLED = 400_000;

export type ListQuestion = Record<string, string | number | undefined>;

/** Conditions that the tabs of a card add to the filter. */
const TABS: Partial<Record<ListName, { card: string; filters: Record<string, string> }>> = {
  endpoints: { card: 'endpoints', filters: { '2xx': 'status:2xx', '3xx': 'status:3xx', '4xx': 'status:4xx', '5xx': 'status:5xx' } },
  top_consumers: { card: 'consumers', filters: { users: '-user:""', addresses: 'user:""' } },
};

/** The name of a list's search in the address. */
export const findName = (panel: ListName) => (panel === 'top_consumers' ? 'consumers_find' : `${panel}_find`);

export const wordsOf = ({ tabs }: DashboardState, panel: ListName): string => tabs[findName(panel)]?.trim() ?? '';

export function orderOf({ sort, tabs }: DashboardState, panel: ListName): Order {
  return toOrder(panel === 'endpoints' ? sort : panel === 'top_consumers' ? tabs[CONSUMERS_SORT] : '');
}

/** The condition that a tab adds to the filter; undefined for none. */
export function tabFilter({ tabs }: DashboardState, panel: PanelName): string | undefined {
  const of = TABS[panel as ListName];
  return of?.filters[tabs[of.card] ?? ''];
}

/** Few enough to be searched by the page's names for them. */
export const isNamedHere = (panel: ListName) => panel === 'countries' || panel === 'statuses';

/** Whether the rows that came with the page are not the ones to show. */
export function isListed(state: DashboardState, panel: ListName): boolean {
  const order = orderOf(state, panel);
  return state.open.includes(panel) || wordsOf(state, panel) !== '' || order.ascending || order.by !== USUAL_ORDER;
}

/** `question`: the page's. */
export function toListQuestion(state: DashboardState, question: ListQuestion, panel: ListName): ListQuestion {
  const order = orderOf(state, panel);
  return {
    ...question,
    compare: undefined,
    q: both(String(question['q'] ?? ''), tabFilter(state, panel) ?? '') || undefined,
    search: (!isNamedHere(panel) && wordsOf(state, panel)) || undefined,
    sort: order.by,
    order: order.ascending ? 'asc' : 'desc',
  };
}

/** The pages that contain the rows from one index to before another. */
export function pagesOf(from: number, to: number): number[] {
  const first = Math.floor(Math.max(0, from) / PAGE);
  const last = Math.floor(Math.max(0, to - 1) / PAGE);
  return Array.from({ length: Math.max(0, last - first) + 1 }, (_, i) => first + i);
}
