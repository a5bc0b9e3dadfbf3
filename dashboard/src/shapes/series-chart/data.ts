// Prepares numbers over time for drawing. Buckets are side by side with equal width whatever their length (a day of 23 hours, a month of 31
// days), so x is the bucket's index and runs from 0 to their number; `edges` has their start times.

import type { Numbers } from '../../api/types';
import { toCsv } from '../../export/csv';
import { DAY, HOUR, type TimeFormats } from '../../format/time';

export interface Series {
  name: string;
  label: string;
  /** A token's name, such as `--ok`. */
  color: string;
  values: Numbers;
}

/** A stretch of time marked on a chart, such as an outage. */
export interface Span {
  from: number;
  to: number;
  /** Written on it if there is room. */
  label: string;
  /** A sentence, for its box and for screen readers. */
  title: string;
  /** The target of its link. */
  href?: string;
}

export interface PlacedSpan extends Span {
  /** In buckets from the left edge of the chart. */
  left: number;
  right: number;
}

/** The positions of spans on the buckets; those outside of the chart are left out, the others are cut to it. */
export function placeSpans(spans: readonly Span[], edges: readonly number[]): PlacedSpan[] {
  const first = edges[0];
  const last = edges[edges.length - 1];
  if (first === undefined || last === undefined || edges.length < 2) return [];
  const toX = (ms: number) => {
    const bucket = Math.max(0, edges.findLastIndex((edge) => edge <= ms));
    const start = edges[bucket] ?? first;
    const end = edges[bucket + 1];
    return end === undefined ? edges.length - 1 : bucket + Math.max(0, ms - start) / (end - start);
  };
  return spans.filter(({ from, to }) => to > first && from < last).map((span) => ({ ...span, left: toX(Math.max(span.from, first)), right: toX(Math.min(span.to, last)) }));
}

/** A moment marked on a chart, such as a deploy. */
export interface Mark {
  /** Identifies it. */
  key: string;
  at: number;
  /** Written beside its line. */
  label: string;
  /** A sentence, for its bucket's box and for screen readers. */
  title: string;
}

export interface PlacedMark extends Mark {
  /** In buckets from the left edge of the chart. */
  x: number;
}

/** The positions of marks on the buckets, from left to right; those outside of the chart are left out. */
export function placeMarks(marks: readonly Mark[], edges: readonly number[]): PlacedMark[] {
  const placed = marks.flatMap((mark) => {
    const [span] = placeSpans([{ ...mark, from: mark.at, to: mark.at + 1 }], edges);
    return span ? [{ ...mark, x: span.left }] : [];
  });
  return placed.sort((a, b) => a.x - b.x);
}

/** A label for one mark, or for several that are too close. */
export interface MarkLabel {
  marks: PlacedMark[];
  text: string;
  /** In pixels from the left edge of the chart. */
  left: number;
  width: number;
}

/** Width of a label's character and of its padding, pixels. */
const CHARACTER = 6.6;
const AROUND = 12;
const WIDEST = 120;

/** Labels that do not overlap: each begins at its first mark, or ends at the chart's right edge. `name` is for several marks. */
export function labelMarks(placed: readonly PlacedMark[], each: number, room: number, name: (count: number) => string): MarkLabel[] {
  const toLabel = (marks: PlacedMark[]): MarkLabel => {
    const text = marks.length === 1 ? (marks[0]?.label ?? '') : name(marks.length);
    const width = Math.min(WIDEST, room, text.length * CHARACTER + AROUND);
    return { marks, text, width, left: Math.max(0, Math.min((marks[0]?.x ?? 0) * each, room - width)) };
  };
  const labels: MarkLabel[] = [];
  for (const mark of placed) {
    let label = toLabel([mark]);
    for (let before = labels.at(-1); before && before.left + before.width + 2 > label.left; before = labels.at(-1)) {
      labels.pop();
      label = toLabel([...before.marks, ...label.marks]);
    }
    labels.push(label);
  }
  return labels;
}

/** Which of the outermost buckets are incomplete: one that is not over, or one that begins before the period. */
export interface Cut {
  first: boolean;
  last: boolean;
}

/** `from` and `to`: the queried range; for an open period `to` is now. */
export function toCut(edges: readonly number[], from: number, to: number): Cut {
  const [start, end] = [edges[0], edges[edges.length - 1]];
  return { first: start !== undefined && start < from, last: end !== undefined && end > to };
}

/** Values without those of incomplete buckets, which would look like an outage. */
export function withoutCut(values: Numbers, cut: Cut): Numbers {
  return values.map((value, i) => ((cut.first && i === 0) || (cut.last && i === values.length - 1) ? null : value));
}

/** Stacked heights: row i is the sum of the first i + 1 series. A bucket where all are null stays null. */
export function stack(series: readonly Numbers[]): Numbers[] {
  const length = series[0]?.length ?? 0;
  const sums: Numbers = Array.from({ length }, () => null);
  return series.map((values) => {
    values.forEach((value, i) => {
      if (value !== null) sums[i] = (sums[i] ?? 0) + value;
    });
    return [...sums];
  });
}

/** The hidden series after a click on one of them. With `alone` it is the only one left, or all are back. Never are all hidden. */
export function switchSeries(all: readonly string[], off: readonly string[], name: string, alone: boolean): string[] {
  const others = all.filter((one) => one !== name);
  const isAlone = !off.includes(name) && others.every((one) => off.includes(one));
  let next = alone ? (isAlone ? [] : others) : all.filter((one) => off.includes(one) !== (one === name));
  if (next.length === all.length) next = [];
  return [...off.filter((one) => !all.includes(one)), ...next];
}

/** The ends of a logarithmic axis: the powers of ten around the values. Values up to zero have no position on it. */
export function toLogRange(series: readonly Numbers[]): [number, number] {
  const known = series.flat().filter((value) => value !== null && value > 0) as number[];
  if (known.length === 0) return [1, 10];
  const from = 10 ** Math.floor(Math.log10(Math.min(...known)));
  const to = 10 ** Math.ceil(Math.log10(Math.max(...known)));
  return [from, Math.max(to, from * 10)];
}

/** Ticks of a logarithmic axis: each power of ten, and twice and five times each if there is room; at most `most`. */
export function toLogTicks(from: number, to: number, most: number): number[] {
  const first = Math.round(Math.log10(from));
  const decades = Math.round(Math.log10(to)) - first;
  const between = decades * 3 + 1 <= most ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((decades + 1) / most));
  const ticks = Array.from({ length: decades + 1 }, (_, i) => i).filter((i) => i % every === 0).flatMap((i) => between.map((n) => n * 10 ** (first + i)));
  return ticks.filter((tick) => tick <= to);
}

/** Steps of an axis of counts: whole numbers only. */
export const WHOLE: readonly number[] = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** Steps of an axis of bytes, so that its ticks are round in kilobytes, megabytes and so on. */
export const BYTES: readonly number[] = Array.from({ length: 50 }, (_, power) => 2 ** power);

export interface Tick {
  /** Index of the edge that it stands at. */
  at: number;
  label: string;
}

const STEPS = [HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR];

/** Ticks of the x axis: at round hours for a day or two, at midnights, at first days of months; at most `most` of them. */
export function toTicks(edges: readonly number[], format: TimeFormats, most: number): Tick[] {
  const first = edges[0];
  const last = edges[edges.length - 1];
  if (first === undefined || last === undefined || edges.length < 2 || most < 1) return [];
  const starts = edges.slice(0, -1);
  const bucket = (last - first) / starts.length;
  const span = last - first;
  const thin = (ticks: Tick[]) => ticks.filter((_, i) => i % Math.max(1, Math.ceil(ticks.length / most)) === 0);
  const clock = (ms: number) => format.clock(ms);

  if (bucket >= 27 * DAY) {
    return thin(starts.map((ms, at) => ({ at, label: isJanuary(ms, format) ? format.monthAndYear(ms) : format.month(ms) })));
  }
  if (span > 100 * DAY) {
    // The first bucket that begins in a new month.
    return thin(marks(starts, (ms) => format.monthAndYear(ms)).map((at) => ({ at, label: format.month(starts[at] ?? 0) })));
  }
  if (bucket >= 20 * HOUR) return thin(starts.map((ms, at) => ({ at, label: format.day(ms) })));
  const midnights = marks(starts, (ms) => format.day(ms)).filter((at) => at > 0 || clock(starts[0] ?? 0) === '00:00');
  if (span > 2 * DAY) {
    const label = span > 14 * DAY ? format.day : format.weekday;
    return thin(midnights.map((at) => ({ at, label: label(starts[at] ?? 0) })));
  }
  // A day or two: at a regular number of wall-clock hours, with the day named at its start.
  const minutes = (ms: number) => {
    const [h = 0, m = 0] = clock(ms).split(':').map(Number);
    return h * 60 + m;
  };
  const steps = span <= 2 * HOUR ? [HOUR / 12, HOUR / 6, HOUR / 4, HOUR / 2] : STEPS;
  for (const step of steps) {
    const ticks = starts.flatMap((ms, at) => {
      if (minutes(ms) % (step / 60_000) !== 0) return [];
      return [{ at, label: minutes(ms) === 0 ? format.weekday(ms) : clock(ms) }];
    });
    if (ticks.length <= most) return ticks;
  }
  return thin(midnights.map((at) => ({ at, label: format.weekday(starts[at] ?? 0) })));
}

/** Indexes at which `name` changes. */
function marks(starts: readonly number[], name: (ms: number) => string): number[] {
  let before: string | undefined;
  return starts.flatMap((ms, at) => {
    const now = name(ms);
    const changed = before !== undefined && now !== before;
    const isFirst = before === undefined;
    before = now;
    return changed || isFirst ? [at] : [];
  });
}

const isJanuary = (ms: number, format: TimeFormats) => format.monthAndYear(ms) !== format.monthAndYear(ms - 45 * DAY) && new Date(ms + 15 * DAY).getUTCMonth() === 0;

/** The dragged range, in whole buckets; null if it is empty or everything. */
export function toRange(edges: readonly number[], from: number, to: number): { from: number; to: number } | null {
  const buckets = edges.length - 1;
  const first = Math.max(0, Math.floor(Math.min(from, to)));
  const last = Math.min(buckets, Math.ceil(Math.max(from, to)));
  const start = edges[first];
  const end = edges[last];
  if (start === undefined || end === undefined || last - first < 1 || (first === 0 && last === buckets)) return null;
  return { from: start, to: end };
}

/** In one sentence, for screen readers. */
export function toSummary(series: readonly Series[], edges: readonly number[], format: TimeFormats, write: (n: number) => string): string {
  const first = edges[0];
  const last = edges[edges.length - 1];
  if (first === undefined || last === undefined) return 'No data.';
  const parts = series.flatMap(({ label, values }) => {
    let most = -1;
    values.forEach((value, i) => {
      if (value !== null && (most < 0 || value > (values[most] ?? 0))) most = i;
    });
    const value = values[most];
    const start = edges[most];
    const end = edges[most + 1];
    if (value === undefined || value === null || start === undefined || end === undefined) return [];
    return [`${label} at most ${write(value)} (${format.bucket(start, end)})`];
  });
  return `${edges.length - 1} buckets from ${format.full(first)} to ${format.full(last)}. ${parts.length ? `${parts.join('; ')}.` : 'No data.'}`;
}

export function seriesCsv(edges: readonly number[], series: readonly Series[]): string {
  const rows = edges.slice(0, -1).map((ms, i) => [
    new Date(ms).toISOString(),
    new Date(edges[i + 1] ?? ms).toISOString(),
    ...series.map(({ values }) => values[i] ?? null),
  ]);
  return toCsv(['from', 'to', ...series.map(({ name }) => name)], rows);
}
