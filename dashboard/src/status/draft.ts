// The editor's copy of a status page: the typed values, the changes to send, and moving services.

import type { Monitor, StatusPage, StatusPageChange } from '../api/types';

export interface Service {
  monitor: number;
  /** The name that visitors see. */
  name: string;
}

export interface Group {
  /** Identifies a group while it is renamed and moved. */
  key: number;
  name: string;
  services: Service[];
}

export interface Draft {
  title: string;
  slug: string;
  /** "" for the standard colour. */
  accent: string;
  show_requests: boolean;
  groups: Group[];
  /** A chosen image as a `data:` address; null deletes the logo, undefined keeps it. */
  logo: string | null | undefined;
}

/** The colour of a page without its own. */
export const STANDARD_ACCENT = '#0c7d5b';

let keys = 0;
export const newGroup = (name = '', services: Service[] = []): Group => ({ key: ++keys, name, services });

export function toDraft(page: StatusPage): Draft {
  const groups = page.groups.map(({ name, services }) => newGroup(name, services.map((service) => ({ monitor: service.monitor, name: service.name }))));
  return {
    title: page.title,
    slug: page.slug,
    accent: page.accent ?? '',
    show_requests: page.show_requests,
    groups: groups.length ? groups : [newGroup()],
    logo: undefined,
  };
}

/** Only what differs. Groups without services are left out. */
export function toChange(page: StatusPage, draft: Draft): StatusPageChange {
  const change: StatusPageChange = {};
  if (draft.title.trim() !== page.title) change.title = draft.title.trim();
  if (draft.slug.trim() !== page.slug) change.slug = draft.slug.trim();
  if (draft.accent !== (page.accent ?? '')) change.accent = draft.accent || null;
  if (draft.show_requests !== page.show_requests) change.show_requests = draft.show_requests;
  if (draft.logo !== undefined) change.logo = draft.logo;
  const groups = draft.groups
    .filter(({ services }) => services.length > 0)
    .map(({ name, services }) => ({ name: name.trim(), services: services.map((service) => ({ monitor: service.monitor, name: service.name.trim() })) }));
  const before = page.groups.map(({ name, services }) => ({ name, services: services.map((service) => ({ monitor: service.monitor, name: service.name })) }));
  if (JSON.stringify(groups) !== JSON.stringify(before)) change.groups = groups;
  return change;
}

/** Monitors that are not on the page yet. */
export function toChoices(monitors: readonly Monitor[], groups: readonly Group[]): Monitor[] {
  const shown = new Set(groups.flatMap(({ services }) => services.map(({ monitor }) => monitor)));
  return monitors.filter(({ id }) => !shown.has(id));
}

/** One place up (-1) or down (1); past the edge of its group into the next one. */
export function move(groups: Group[], group: number, service: number, by: -1 | 1): Group[] {
  const moved = groups.map((each) => ({ ...each, services: [...each.services] }));
  const from = moved[group]?.services;
  const taken = from?.[service];
  if (!from || !taken) return groups;
  const to = service + by;
  if (to >= 0 && to < from.length) {
    from.splice(service, 1);
    from.splice(to, 0, taken);
    return moved;
  }
  const next = moved[group + by]?.services;
  if (!next) return groups;
  from.splice(service, 1);
  if (by === 1) next.unshift(taken);
  else next.push(taken);
  return moved;
}

export interface Snippets {
  label: string;
  image: string;
  markdown: string;
  html: string;
}

/** For the whole page and for each service. */
export function toBadges(page: StatusPage): Snippets[] {
  const all = { label: page.title, image: `${page.url}/badge.svg` };
  const services = page.groups.flatMap((group) => group.services.map(({ name, badge_url }) => ({ label: name, image: badge_url })));
  return [all, ...services].map(({ label, image }) => ({
    label,
    image,
    markdown: `[![${label.replace(/[[\]\\]/g, '\\$&')}](${image})](${page.url})`,
    html: `<a href="${page.url}"><img src="${image}" alt="${label.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;')}"></a>`,
  }));
}
