// Times for people: buckets, axis ticks, ranges and "how long ago", in the viewer's language and the chosen zone.

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The viewer's own zone. */
export const viewersZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function timeFormats(locale?: string, tz?: string) {
  const zone = zoneOr(tz);
  // Each is made on first use: a dozen at once would delay the page's first numbers.
  const format = (options: Intl.DateTimeFormatOptions) => {
    let made: Intl.DateTimeFormat | undefined;
    return () => (made ??= new Intl.DateTimeFormat(locale, { ...options, ...(zone ? { timeZone: zone } : {}) }));
  };
  const day = format({ day: 'numeric', month: 'short' });
  const weekday = format({ weekday: 'short' });
  const dayOfMonth = format({ day: 'numeric' });
  const dayOfYear = format({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
  const month = format({ month: 'short' });
  const monthAndYear = format({ month: 'short', year: 'numeric' });
  const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const clockToTheMs = format({ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });
  const moment = format({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const full = format({ dateStyle: 'medium', timeStyle: 'medium' });
  const range = format({ day: 'numeric', month: 'short', year: 'numeric' });
  const rangeThisYear = format({ day: 'numeric', month: 'short' });
  const rangeWithClock = format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

  /** "Wed 19 Nov, 04:00 – 05:00", or the day or days for a longer bucket. */
  function bucket(from: number, to: number): string {
    if (to - from < 23 * HOUR) return `${moment().format(from)} – ${clock().format(to)}`;
    if (to - from <= 25 * HOUR) return dayOfYear().format(from);
    return range().formatRange(from, to - 1);
  }

  /** The whole period, for its button. Its end is excluded, so midnight belongs to the day before. */
  function period(from: number, to: number, now: number): string {
    if (to - from <= 2 * DAY) return rangeWithClock().formatRange(from, to);
    const sameYear = new Date(from).getUTCFullYear() === new Date(now).getUTCFullYear();
    return (sameYear ? rangeThisYear : range)().formatRange(from, to - 1);
  }

  /** "Wed 19 Nov, 22:00 – 23:30", with the second day if it is another. */
  function window(from: number, to: number): string {
    const ends = day().format(from) === day().format(to) ? clock() : moment();
    return `${moment().format(from)} – ${ends.format(to)}`;
  }

  return {
    bucket,
    period,
    window,
    /** "Wed 19 Nov, 22:00". */
    moment: (ms: number) => moment().format(ms),
    day: (ms: number) => day().format(ms),
    /** "19 Nov 2026". */
    date: (ms: number) => range().format(ms),
    /** "Mon 16", in this order everywhere: only American English would reverse it. */
    weekday: (ms: number) => `${weekday().format(ms)} ${dayOfMonth().format(ms)}`,
    month: (ms: number) => month().format(ms),
    monthAndYear: (ms: number) => monthAndYear().format(ms),
    clock: (ms: number) => clock().format(ms),
    /** "04:31:07.412". */
    clockToTheMs: (ms: number) => clockToTheMs().format(ms),
    full: (ms: number) => full().format(ms),
  };
}

export type TimeFormats = ReturnType<typeof timeFormats>;

/** A zone unknown to this browser must not break the page. */
export function zoneOr(tz: string | undefined): string | undefined {
  if (!tz) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz });
    return tz;
  } catch {
    return undefined;
  }
}

/** "now", "8 s", "3 min", "5 h", "12 d": for a narrow column. `suffix`: " ago" in a sentence. */
export function ago(then: number | null, now: number, suffix = ''): string {
  if (then === null) return 'never';
  const passed = Math.max(0, now - then);
  if (passed < 1500) return suffix ? 'just now' : 'now';
  if (passed < MINUTE) return `${Math.floor(passed / 1000)} s${suffix}`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min${suffix}`;
  if (passed < 2 * DAY) return `${Math.floor(passed / HOUR)} h${suffix}`;
  return `${Math.floor(passed / DAY)} d${suffix}`;
}

/** Requests this recent mean that they are still coming. */
const LIVE = 5 * MINUTE;

export const isLive = (last: number, now: number) => now - last < LIVE;

export function toMs(time: string | null): number | null {
  if (time === null) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}

/** The wall clock of `tz` at an instant, as `YYYY-MM-DDTHH:mm`: the value of a `datetime-local` input. */
export function toWall(ms: number, tz: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: tz, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }).formatToParts(ms);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`;
}

/** The instant at which the wall clock of `tz` shows this. A time skipped in spring is read as the moment after the gap, one that occurs
 * twice in autumn as its first. Null if the text is not a time. */
export function fromWall(wall: string, tz: string): number | null {
  const asUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(wall) ? Date.parse(`${wall}:00Z`) : NaN;
  if (Number.isNaN(asUtc)) return null;
  const offset = (at: number) => Date.parse(`${toWall(at, tz)}:00Z`) - at;
  // The offset a day before and a day after: if they differ, the clocks change between.
  const candidates = [asUtc - offset(asUtc - DAY), asUtc - offset(asUtc + DAY)];
  const exact = candidates.filter((at) => toWall(at, tz) === wall);
  return exact.length ? Math.min(...exact) : Math.max(...candidates);
}
