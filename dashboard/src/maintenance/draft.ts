// The form's draft of a maintenance window. A new one is sent whole, a changed one as the fields that differ.

import type { MaintenanceChange, MaintenanceSchedule, MaintenanceWindow, Weekday } from '../api/types';
import { fromWall, HOUR, toWall } from '../format/time';
import { toSentence } from '../monitors/words';

export interface Draft {
  title: string;
  text: string;
  published: boolean;
  /** All monitors of the project, including later ones. */
  all: boolean;
  monitors: number[];
  kind: MaintenanceSchedule['kind'];
  /** For a single window: wall-clock times, as values of a `datetime-local` input. */
  begins: string;
  ends: string;
  weekdays: Weekday[];
  /** For a weekly window: times of day. */
  from: string;
  to: string;
  cron: string;
  /** The length of a window by cron; null while the field is empty. */
  minutes: number | null;
  /** Of the weekdays or the cron expression. */
  time_zone: string;
}

export const WEEKDAYS: readonly Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** An hour, from the next full one on; `zone` is the viewer's. */
export function newDraft(now: number, zone: string): Draft {
  const begins = Math.ceil(now / HOUR) * HOUR;
  return {
    title: '', text: '', published: false, all: true, monitors: [], kind: 'once', begins: toWall(begins, zone), ends: toWall(begins + HOUR, zone),
    weekdays: ['sunday'], from: '02:00', to: '04:00', cron: '', minutes: 60, time_zone: zone,
  };
}

export function toDraft(window: MaintenanceWindow, now: number, zone: string): Draft {
  const { title, text, published, monitors, schedule } = window;
  const draft: Draft = { ...newDraft(now, zone), title, text: text ?? '', published, all: monitors === null, monitors: monitors ?? [] };
  switch (schedule?.kind) {
    case 'once':
      return { ...draft, kind: 'once', begins: toWall(Date.parse(schedule.from), zone), ends: toWall(Date.parse(schedule.to), zone) };
    case 'weekly':
      return { ...draft, kind: 'weekly', weekdays: schedule.weekdays, from: schedule.from, to: schedule.to, time_zone: schedule.time_zone ?? 'UTC' };
    case 'cron':
      return { ...draft, kind: 'cron', cron: schedule.cron, minutes: schedule.minutes, time_zone: schedule.time_zone ?? 'UTC' };
    default:
      return draft;
  }
}

/** `zone`: of the wall-clock times. */
export function toSchedule(draft: Draft, zone: string): MaintenanceSchedule {
  const instant = (wall: string) => new Date(fromWall(wall, zone) ?? 0).toISOString();
  switch (draft.kind) {
    case 'once':
      return { kind: 'once', from: instant(draft.begins), to: instant(draft.ends) };
    case 'weekly':
      return { kind: 'weekly', weekdays: WEEKDAYS.filter((day) => draft.weekdays.includes(day)), from: draft.from, to: draft.to, time_zone: draft.time_zone };
    case 'cron':
      return { kind: 'cron', cron: draft.cron.trim(), minutes: draft.minutes ?? 0, time_zone: draft.time_zone };
  }
}

/** The missing part of a half-filled date field; the server judges everything else. */
export function toMissing(draft: Draft, zone: string): Problem | null {
  if (draft.kind !== 'once') return null;
  if (fromWall(draft.begins, zone) === null) return { field: 'from', text: 'Say when it begins.' };
  if (fromWall(draft.ends, zone) === null) return { field: 'to', text: 'Say when it ends.' };
  return null;
}

/** Every field; null is the default. */
function toSettings(draft: Draft, zone: string): Required<MaintenanceChange> {
  return {
    title: draft.title.trim() || null, text: draft.text.trim() || null, published: draft.published,
    monitors: draft.all ? null : draft.monitors, schedule: toSchedule(draft, zone),
  };
}

export function toNew(draft: Draft, zone: string): MaintenanceChange {
  return Object.fromEntries(Object.entries(toSettings(draft, zone)).filter(([, value]) => value !== null));
}

/** Only the fields that differ from those of `before`. */
export function toChange(before: Draft, draft: Draft, zone: string): MaintenanceChange {
  const old = toSettings(before, zone) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(toSettings(draft, zone)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name])));
}

/** Fields of the form, those of a schedule by its own names. */
export const FIELDS = {
  title: 'Title', text: 'Explanation', monitors: 'Monitors', published: 'Status page', from: 'Begins', to: 'Ends', weekdays: 'Days', cron: 'Cron expression', minutes: 'Lasts',
  time_zone: 'Time zone',
} as const;
export type FieldName = keyof typeof FIELDS;

export interface Problem {
  /** Null if it belongs to no field of the form. */
  field: FieldName | null;
  text: string;
}

/** The server's message begins with the field's name: `` `schedule.to` cannot be used: the window ends before it begins ``. */
export function toProblem(message: string): Problem {
  const [, name = '', rest = ''] = /^`(?:schedule\.)?([a-z_]+)` (.+)$/s.exec(message) ?? [];
  if (!Object.hasOwn(FIELDS, name)) return { field: null, text: toSentence(message) };
  const field = name as FieldName;
  const reason = /^cannot be used: (.+)$/s.exec(rest)?.[1];
  return { field, text: toSentence(reason ?? `${FIELDS[field]} ${rest}`) };
}
