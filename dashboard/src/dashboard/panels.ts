// The content of the dashboard, as a table: a row per panel, and a row per card with one panel or several behind tabs. A new panel is one
// line here (and one on the server). Nothing here draws: `Card.svelte` maps shapes to components.

import type { PanelName, Panels } from '../api/types';
import type { SubjectKind } from './subject';

export type Shape = 'activity' | 'endpoints' | 'latency' | 'map' | 'bars' | 'consumers' | 'heat' | 'donut' | 'traffic' | 'menu';

export interface Panel {
  name: PanelName;
  title: string;
  shape: Shape;
  /** Its card; several panels on one become its tabs. */
  card: CardName;
  /** The field that a click on one of its values filters by; "" if a value is more than one field, or none. */
  field: string;
  /** The name of a row in the CSV file's first column. */
  key: string;
  /** Names for values; `none` is the name for "". */
  values?: 'status' | 'country';
  none?: string;
}

export const PANELS: readonly Panel[] = [
  { name: 'activity', title: 'Activity', shape: 'activity', card: 'activity', field: '', key: 'bucket' },
  { name: 'endpoints', title: 'Endpoints', shape: 'endpoints', card: 'endpoints', field: 'route', key: 'endpoint' },
  { name: 'latency', title: 'Latency', shape: 'latency', card: 'latency', field: 'duration', key: 'duration' },
  { name: 'countries', title: 'Countries', shape: 'map', card: 'countries', field: 'country', key: 'country', values: 'country', none: 'Unknown' },
  { name: 'statuses', title: 'Status codes', shape: 'bars', card: 'statuses', field: 'status', key: 'status', values: 'status' },
  { name: 'top_consumers', title: 'Consumers', shape: 'consumers', card: 'consumers', field: 'consumer', key: 'consumer', none: 'Unknown' },
  { name: 'clients', title: 'Clients', shape: 'bars', card: 'clients', field: 'client', key: 'client', none: 'Unknown' },
  { name: 'operating_systems', title: 'OS', shape: 'bars', card: 'clients', field: 'os', key: 'os', none: 'Unknown' },
  { name: 'devices', title: 'Devices', shape: 'bars', card: 'clients', field: 'device', key: 'device', none: 'Unknown' },
  { name: 'referrers', title: 'Referrers', shape: 'bars', card: 'clients', field: 'referrer', key: 'referrer', none: 'None' },
  { name: 'traffic', title: 'Traffic', shape: 'traffic', card: 'traffic', field: 'route', key: 'bucket' },
  { name: 'hours', title: 'Busiest hours', shape: 'heat', card: 'hours', field: '', key: 'day' },
  { name: 'versions', title: 'Versions', shape: 'donut', card: 'versions', field: 'version', key: 'version', none: 'No version' },
  { name: 'hosts', title: 'Host', shape: 'menu', card: 'menu', field: 'host', key: 'host', none: 'No host' },
  { name: 'frameworks', title: 'Framework', shape: 'menu', card: 'menu', field: 'framework', key: 'framework', none: 'None' },
];

/** The panels of the headline numbers. */
export const HEADLINES: readonly PanelName[] = [
  'requests', 'success_rate', 'client_errors', 'server_errors', 'consumers', 'latency', 'latency_over_time',
];

export type CardName =
  | 'activity' | 'endpoints' | 'latency' | 'countries' | 'statuses' | 'consumers' | 'clients' | 'traffic' | 'hours' | 'versions' | 'menu'
  | 'hosts' | 'failures' | 'changes';

export interface Card {
  name: CardName;
  /** Columns of the twelve on a wide screen. */
  width: number;
  /** Shown only if this holds; always, if not given. */
  where?: (panels: Partial<Panels>) => boolean;
  /** Its panels, if they differ from those of the table above. */
  panels?: readonly PanelName[];
}

const hasVersions = ({ versions }: Partial<Panels>) => (versions?.rows.length ?? 0) > 1;
const hasSizes = ({ traffic }: Partial<Panels>) => (traffic?.sized ?? 0) > 0;
const isNamed = (rows: readonly { key: string }[] | undefined) => rows?.some(({ key }) => key !== '') ?? false;

export const CARDS: readonly Card[] = [
  { name: 'activity', width: 12 },
  { name: 'endpoints', width: 8 },
  { name: 'latency', width: 4 },
  { name: 'countries', width: 8 },
  { name: 'statuses', width: 4 },
  { name: 'consumers', width: 8 },
  { name: 'clients', width: 4 },
  { name: 'hours', width: 4 },
  { name: 'versions', width: 4, where: hasVersions },
  { name: 'traffic', width: 8, where: hasSizes },
];

/** Cards without a panel: each has its own call. */
export const OWN_CARDS = { failures: 'Recent failures', changes: 'What changed' } as const;
const FAILURES: Card = { name: 'failures', width: 8 };
const CHANGES: Card = { name: 'changes', width: 4 };
const HOSTS: Card = { name: 'hosts', width: 4, panels: ['hosts', 'frameworks'], where: ({ hosts }) => isNamed(hosts?.rows) };

/** The same cards, in an order that suits one endpoint, or one consumer. */
export const SUBJECT_CARDS: Record<SubjectKind, readonly Card[]> = {
  endpoint: [
    { name: 'activity', width: 12 },
    FAILURES,
    CHANGES,
    { name: 'consumers', width: 8 },
    { name: 'statuses', width: 4 },
    { name: 'latency', width: 8 },
    { name: 'clients', width: 4 },
    { name: 'countries', width: 8 },
    { name: 'hours', width: 4 },
    HOSTS,
    { name: 'versions', width: 4, where: hasVersions },
    { name: 'traffic', width: 8, where: hasSizes },
  ],
  consumer: [
    { name: 'activity', width: 12 },
    { name: 'endpoints', width: 8 },
    { name: 'statuses', width: 4 },
    FAILURES,
    CHANGES,
    // A consumer has a country or two, which need no map.
    { name: 'clients', width: 4, panels: ['clients', 'countries', 'operating_systems', 'devices', 'referrers'] },
    { name: 'latency', width: 8 },
    { name: 'hours', width: 4 },
    // The version that it still calls matters even if there is only one.
    { name: 'versions', width: 4, where: ({ versions }) => isNamed(versions?.rows) },
    HOSTS,
    { name: 'traffic', width: 8, where: hasSizes },
  ],
};

export const panelsOf = ({ name, panels }: Card) =>
  panels ? panels.flatMap((one) => PANELS.find((panel) => panel.name === one) ?? []) : PANELS.filter((panel) => panel.card === name);
export const ALL: readonly PanelName[] = [...new Set([...HEADLINES, ...PANELS.map((panel) => panel.name)])];

/** The panels on the page of individual requests: number, time, and the options of its filter menus. */
export const OF_REQUESTS: readonly PanelName[] = ['requests', 'activity', 'hosts', 'frameworks'];

/** Cards laid out in rows of twelve columns: spare columns are shared among a row's cards, so that no row has a hole. */
export function layOut(cards: readonly Card[]): { card: Card; width: number }[] {
  const laid: { card: Card; width: number }[] = [];
  let row: { card: Card; width: number }[] = [];
  const close = () => {
    const used = row.reduce((sum, { width }) => sum + width, 0);
    const cards = row.length;
    row.forEach((entry, i) => {
      const rest = 12 - used;
      entry.width += Math.floor(rest / cards) + (i < rest % cards ? 1 : 0);
    });
    laid.push(...row);
    row = [];
  };
  for (const card of cards) {
    if (row.reduce((sum, { width }) => sum + width, 0) + card.width > 12) close();
    row.push({ card, width: card.width });
  }
  close();
  return laid;
}
