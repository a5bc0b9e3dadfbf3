// The dashboard's state in its address: the same names as the API's parameters, and `tab.*` for parts of cards. Converts text to state and
// back; defaults are left out, so that addresses stay short.

import type { PanelName } from '../api/types';
import { both } from '../filter/text';
import { ALL } from './panels';

export const PERIODS = [
  { period: '24h', label: '24 h', short: '24 h', title: 'The last 24 hours' },
  { period: '7d', label: '7 days', short: '7 d', title: 'The last 7 days' },
  { period: '30d', label: '30 days', short: '30 d', title: 'The last 30 days' },
  { period: '6mo', label: '6 months', short: '6 mo', title: 'The last 6 months' },
  { period: '12mo', label: '12 months', short: '12 mo', title: 'The last 12 months' },
  { period: 'all', label: 'All', short: 'All', title: 'Everything that is kept' },
] as const;

export type PeriodName = (typeof PERIODS)[number]['period'];

export interface DashboardState {
  /** "" for a custom range. */
  period: PeriodName | '';
  /** RFC 3339, or as typed; "" if `period` is not, or if the range is open. */
  from: string;
  to: string;
  /** IANA name; "": the viewer's own. */
  tz: string;
  q: string;
  compare: boolean;
  sort: string;
  /** Lists that show all their rows. */
  open: readonly PanelName[];
  /** Chosen tabs by card, and sort orders and searches inside cards. */
  tabs: Record<string, string>;
}

export const USUAL: DashboardState = { period: '7d', from: '', to: '', tz: '', q: '', compare: true, sort: '', open: [], tabs: {} };

export function toState(parameters: URLSearchParams): DashboardState {
  const text = (name: string) => parameters.get(name)?.trim() ?? '';
  // An invalid one stays as it is: the server reports the error.
  const from = instant(text('from'));
  const to = instant(text('to'));
  const range = from !== '' || to !== '';
  const tabs: Record<string, string> = {};
  for (const [name, value] of parameters) {
    if (name.startsWith('tab.') && value !== '') tabs[name.slice(4)] = value;
  }
  return {
    period: range ? '' : (PERIODS.find(({ period }) => period === text('period'))?.period ?? USUAL.period),
    from: range ? from : '',
    to: range ? to : '',
    tz: text('tz'),
    q: text('q'),
    compare: text('compare') !== 'off',
    sort: text('sort'),
    open: ALL.filter((panel) => text('open').split(',').includes(panel)),
    tabs,
  };
}

function instant(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : toInstant(ms);
}

/** RFC 3339, without a fraction if it is zero. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

export function toParameters(state: DashboardState): Record<string, string | undefined> {
  const range = state.period === '';
  return {
    period: !range && state.period !== USUAL.period ? state.period : undefined,
    from: range ? state.from : undefined,
    to: range ? state.to : undefined,
    tz: state.tz || undefined,
    q: state.q || undefined,
    compare: state.compare ? undefined : 'off',
    sort: state.sort || undefined,
    open: state.open.join(',') || undefined,
    ...Object.fromEntries(Object.entries(state.tabs).map(([name, value]) => [`tab.${name}`, value || undefined])),
  };
}

/** The names of entries in `tabs` beside the tabs themselves. */
export const CONSUMERS_SORT = 'consumers_sort';
/** The request whose details are open. */
export const HIT = 'hit';

/** The deploys whose dialog is open: the id of one, several with commas between, or `all`. */
export const DEPLOY = 'deploy';

/** The id of the opened saved view. Stays when the page is changed. */
export const VIEW = 'view';

/** `log` if latency over time has a logarithmic axis. */
export const LATENCY_AXIS = 'latency_axis';
/** Hidden series, by card: see `Board.off`. */
export const SERIES_OFF = 'off';

/** A project page's initial filter. `remembered`: the conditions that hide what its viewer never wants to see, used if neither the address
 * nor a saved view has a filter. */
export function toFirstFilter(parameters: URLSearchParams, remembered: string): string {
  return !remembered || parameters.has('q') || parameters.has(`tab.${VIEW}`) ? toState(parameters).q : remembered;
}

/** A project page's initial state. `remembered`: see `toFirstFilter`. */
export function toFirstState(parameters: URLSearchParams, remembered: string): DashboardState {
  return { ...toState(parameters), q: toFirstFilter(parameters, remembered) };
}

/** The parameters of every call about hits. `all` has no period before it. `lock`: the condition of a page about a part of the project;
 * it comes last, so that positions in the typed text stay valid. */
export function toQuestion(state: DashboardState, viewersZone: string, lock = ''): Record<string, string | undefined> {
  const range = state.period === '';
  return {
    period: range ? undefined : state.period,
    from: range ? state.from : undefined,
    to: range ? state.to : undefined,
    tz: state.tz || viewersZone,
    q: both(state.q, lock) || undefined,
    compare: state.compare && state.period !== 'all' ? 'previous' : undefined,
  };
}

/** The switch for live requests in the list. */
export const LIVE = 'live';
/** The order of the list of requests. */
export const HITS_SORT = 'hits_sort';

/** Milliseconds between two refreshes while requests keep coming: a page uses a tenth of its time at most. */
export function pause(tookMs: number): number {
  return Math.min(Math.max(10 * tookMs, 800), 30_000);
}

/** Milliseconds between refreshes while the page is visible; null: this period does not move. */
export function refreshEvery(state: DashboardState, now: number): number | null {
  if (state.period === '24h' || state.period === '7d') return 10_000;
  if (state.period !== '') return 60_000;
  return state.to === '' || Date.parse(state.to) > now ? 10_000 : null;
}
