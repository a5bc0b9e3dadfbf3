// Differences between a form of settings and the current ones: only those are sent.

import type { Project, ProjectChange } from '../api/types';

export interface Draft {
  name: string;
  tz: string;
  privacy_level: number;
  /** As typed; "" is the server's setting. */
  keep_hits_days: string | number | null;
  apdex_ms: number | null;
  /** Percent. */
  success_amber: number | null;
  success_red: number | null;
}

/** 0.95 as 95, without the noise of binary fractions. */
export const toPercent = (rate: number) => Math.round(rate * 100_000) / 1000;

export function toDraft(project: Project): Draft {
  return {
    name: project.name,
    tz: project.tz,
    privacy_level: project.privacy_level,
    keep_hits_days: project.keep_hits_days ?? '',
    apdex_ms: project.apdex_ms,
    success_amber: toPercent(project.success_amber),
    success_red: toPercent(project.success_red),
  };
}

/** The typed text as a number; null: the server's setting. An emptied field is "" or null, depending on its input type. */
const toDays = ({ keep_hits_days: typed }: Draft) => (typed === '' || typed === null ? null : Number(typed));

/** Whether the form's retention erases old requests. */
export const erasesOld = (project: Project, draft: Draft) => (toDays(draft) ?? project.default_keep_hits_days) !== null;

export function toChange(project: Project, draft: Draft): ProjectChange {
  const change: ProjectChange = {};
  if (draft.name.trim() !== project.name) change.name = draft.name.trim();
  if (draft.tz !== project.tz) change.tz = draft.tz;
  if (draft.privacy_level !== project.privacy_level) change.privacy_level = draft.privacy_level as 0 | 1 | 2;
  const days = toDays(draft);
  if (days !== project.keep_hits_days) change.keep_hits_days = days;
  if (draft.apdex_ms !== null && draft.apdex_ms !== project.apdex_ms) change.apdex_ms = draft.apdex_ms;
  for (const name of ['success_amber', 'success_red'] as const) {
    const percent = draft[name];
    if (percent !== null && percent !== toPercent(project[name])) change[name] = Math.round(percent * 1000) / 100_000;
  }
  return change;
}

/** The word to type before something is erased for good. */
export const ERASE_WORD = 'erase';

/** Something to be erased: the query that counts its requests, and the text after their number. */
export interface Erased {
  question: { period?: string; to?: string; q?: string };
  one: string;
  many: string;
}

/** `now`: decides what is older than a retention. */
export function toErased(project: Project, change: ProjectChange, now = Date.now()): Erased[] {
  const erased: Erased[] = [];
  const level = change.privacy_level ?? 0;
  if (level > project.privacy_level) {
    if (project.privacy_level < 1) erased.push({ question: { period: 'all', q: '-address:""' }, one: 'request loses its address', many: 'requests lose their addresses' });
    if (level === 2) erased.push({ question: { period: 'all', q: '-country:""' }, one: 'request loses its country', many: 'requests lose their countries' });
  }
  const days = change.keep_hits_days;
  if (days !== undefined && days !== null && (project.keep_hits_days === null || days < project.keep_hits_days)) {
    const to = new Date(now - days * 86_400_000).toISOString();
    erased.push({ question: { to }, one: `request older than ${days} days is erased`, many: `requests older than ${days} days are erased` });
  }
  return erased;
}
