// The days of a monitor as bars: the shares of each day that it was down, degraded, in maintenance, unknown or up.

import type { DayBar } from '../../api/types';
import { DAY, HOUR, MINUTE, timeFormats } from '../../format/time';

export type Part = 'up' | 'down' | 'degraded' | 'maintenance' | 'unknown';

export interface Day {
  start: number;
  /** Bottom up; shares add up to 1. Empty: the monitor did not exist yet. */
  parts: { part: Part; share: number }[];
  /** "24 Nov". */
  name: string;
  /** "Down 12 min, unknown 3 h." */
  text: string;
}

/** Bad states are at the bottom, where all bars begin. */
const ORDER: readonly Part[] = ['down', 'degraded', 'maintenance', 'unknown', 'up'];

/** A minute's outage must be visible in a bar of 1,440: it takes at least this share of it. */
const LEAST: Partial<Record<Part, number>> = { down: 0.55, degraded: 0.4 };

const WORDS: Record<Part, string> = { up: 'Up', down: 'Down', degraded: 'Degraded', maintenance: 'In maintenance', unknown: 'Unknown' };

export function toDays(bars: readonly DayBar[], createdAt: string, locale?: string): Day[] {
  // The server's days are in UTC.
  const time = timeFormats(locale, 'UTC');
  const created = Date.parse(createdAt);
  return bars.map((bar) => {
    const start = Date.parse(bar.day);
    const name = time.day(start);
    const lengths: Record<Part, number> = { up: bar.up_ms, down: bar.down_ms, degraded: bar.degraded_ms, maintenance: bar.maintenance_ms, unknown: bar.unknown_ms };
    const before = Math.min(Math.max(0, created - start), lengths.unknown);
    // Not monitored yet differs from unknown.
    if (start + DAY <= created) return { start, name, parts: [], text: 'Not monitored yet.' };
    lengths.unknown -= before;
    return { start, name, parts: toParts(lengths), text: toText(lengths) };
  });
}

function toParts(lengths: Record<Part, number>): Day['parts'] {
  const known = ORDER.filter((part) => lengths[part] > 0);
  const all = known.reduce((sum, part) => sum + lengths[part], 0);
  if (all === 0) return [{ part: 'unknown', share: 1 }];
  const wanted = known.map((part) => Math.max(lengths[part] / all, LEAST[part] ?? 0));
  // The large parts give up what the small ones gained.
  const least = known.reduce((sum, part) => sum + (LEAST[part] ?? 0), 0);
  const spare = wanted.reduce((sum, share, i) => sum + share - (LEAST[known[i] ?? 'up'] ?? 0), 0);
  return known.map((part, i) => {
    const floor = LEAST[part] ?? 0;
    const above = (wanted[i] ?? 0) - floor;
    return { part, share: floor + (spare > 0 ? (above / spare) * (1 - least) : 0) };
  });
}

function toText(lengths: Record<Part, number>): string {
  const bad = ORDER.filter((part) => part !== 'up' && lengths[part] >= 1000);
  if (bad.length === 0) return lengths.up > 0 ? 'Up all day.' : 'Nothing is known yet.';
  const words = bad.map((part) => `${WORDS[part]} ${toLength(lengths[part])}`);
  const sentence = words.map((text, i) => (i ? text.charAt(0).toLowerCase() + text.slice(1) : text)).join(', ');
  return `${sentence}${lengths.up >= 1000 ? `, up ${toLength(lengths.up)}` : ''}.`;
}

/** "48 s", "12 min", "1 h 5 min", "3 d 4 h": two units are enough to tell how bad it is. */
export function toLength(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (ms < MINUTE) return `${seconds} s`;
  if (ms < HOUR) return `${Math.floor(seconds / 60)} min`;
  const two = (large: number, unit: string, small: number, smallUnit: string) => (small ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`);
  if (ms < DAY) return two(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return two(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h');
}

/** All days in one sentence, for screen readers. */
export function toSummary(days: readonly Day[]): string {
  const has = (part: Part) => days.filter(({ parts }) => parts.some((one) => one.part === part)).length;
  const watched = days.filter(({ parts }) => parts.length > 0).length;
  const count = (n: number) => (n === 1 ? '1 day' : `${n} days`);
  const [down, degraded] = [has('down'), has('degraded')];
  const sentence = [down ? `down on ${count(down)}` : '', degraded ? `degraded on ${count(degraded)}` : ''].filter(Boolean).join(', ');
  return `The last ${count(watched)}: ${sentence || 'no outage'}.`;
}
