// Maintenance windows in words, and their order.

import type { MaintenanceSchedule, MaintenanceWindow, Monitor, Weekday } from '../api/types';
import { DAY, type TimeFormats } from '../format/time';
import { toLength } from '../shapes/day-bars/data';
import { WEEKDAYS } from './draft';

export type Phase = 'now' | 'planned' | 'over';

export function toPhase({ current, upcoming }: MaintenanceWindow): Phase {
  if (current) return 'now';
  return upcoming.length ? 'planned' : 'over';
}

export const PHASES: readonly { phase: Phase; title: string }[] = [
  { phase: 'now', title: 'On now' },
  { phase: 'planned', title: 'Planned' },
  { phase: 'over', title: 'Over' },
];

/** The windows of a phase: the next to happen or end first, past ones newest first. */
export function inPhase(windows: readonly MaintenanceWindow[], phase: Phase): MaintenanceWindow[] {
  const key = ({ current, upcoming, schedule }: MaintenanceWindow) => {
    if (phase === 'now') return Date.parse(current?.to ?? '');
    if (phase === 'planned') return Date.parse(upcoming[0]?.from ?? '');
    return schedule?.kind === 'once' ? -Date.parse(schedule.to) : 0;
  };
  return windows.filter((window) => toPhase(window) === phase).sort((a, b) => key(a) - key(b) || a.id - b.id);
}

const NAMES: Record<Weekday, string> = { monday: 'Monday', tuesday: 'Tuesday', wednesday: 'Wednesday', thursday: 'Thursday', friday: 'Friday', saturday: 'Saturday', sunday: 'Sunday' };
export const weekdayName = (day: Weekday) => NAMES[day];

function toDays(weekdays: readonly Weekday[]): string {
  const days = WEEKDAYS.filter((day) => weekdays.includes(day));
  if (days.length === 7) return 'Every day';
  if (days.join() === WEEKDAYS.slice(0, 5).join()) return 'Monday to Friday';
  const names = days.map((day) => NAMES[day]);
  const last = names.pop() ?? '';
  return `Every ${names.length ? `${names.join(', ')} and ${last}` : last}`;
}

/** How often it happens: "Every Sunday, 02:00 – 04:00, Europe/Berlin". */
export function toRhythm(schedule: MaintenanceSchedule | null, time: TimeFormats): string {
  switch (schedule?.kind) {
    case 'once':
      return `Once, ${time.window(Date.parse(schedule.from), Date.parse(schedule.to))}`;
    case 'weekly':
      return `${toDays(schedule.weekdays)}, ${schedule.from} – ${schedule.to}, ${schedule.time_zone ?? 'UTC'}`;
    case 'cron':
      return `Cron ${schedule.cron}, for ${toLength(schedule.minutes * 60_000)}, ${schedule.time_zone ?? 'UTC'}`;
    default:
      return 'Its schedule can no longer be read.';
  }
}

/** "Until 04:00" if it ends within a day. */
export function toUntil(to: string, now: number, time: TimeFormats): string {
  const end = Date.parse(to);
  return `Until ${end - now < DAY ? time.clock(end) : time.moment(end)}`;
}

/** "In 3 d 4 h". */
export const toIn = (from: string, now: number) => `In ${toLength(Date.parse(from) - now)}`;

export const covers = ({ monitors }: MaintenanceWindow, monitor: number) => monitors === null || monitors.includes(monitor);

/** The monitors that it covers; `monitors`: null until they are known. */
export function toMonitors({ monitors: named }: MaintenanceWindow, monitors: readonly Monitor[] | null): string {
  if (named === null) return 'All monitors';
  if (monitors === null) return named.length === 1 ? '1 monitor' : `${named.length} monitors`;
  const names = named.flatMap((id) => monitors.find((monitor) => monitor.id === id)?.settings.name ?? []);
  if (names.length === 0) return 'Monitors that are deleted';
  const more = names.length - 3;
  return more > 0 ? `${names.slice(0, 3).join(', ')} and ${more} more` : names.join(', ');
}
