// The sparkline of a headline: numbers to the points of a drawing.

import type { Numbers } from '../../api/types';

export interface Spark {
  /** Path data of the line; gaps interrupt it. */
  line: string;
  /** The same, closed at the bottom. */
  area: string;
  /** Values between two gaps, which a line alone would not show. */
  dots: { x: number; y: number }[];
}

/** `fromZero`: false for a rate that hovers near 1, which shows more on an axis of its own. */
export function toSpark(values: Numbers, width: number, height: number, fromZero = true): Spark {
  const there = values.filter((value) => value !== null);
  if (there.length === 0) return { line: '', area: '', dots: [] };
  const max = Math.max(...there);
  const min = fromZero ? 0 : Math.min(...there);
  const reach = max - min;
  const x = (i: number) => round(values.length === 1 ? width / 2 : (i / (values.length - 1)) * width);
  // All equal: at the bottom if they are zero, else in the middle.
  const y = (value: number) =>
    round(reach === 0 ? (value === 0 ? height - 2 : height / 2) : height - 2 - ((value - min) / reach) * (height - 6));
  let line = '';
  let area = '';
  const dots: Spark['dots'] = [];
  for (let start = 0; start < values.length; start++) {
    if (values[start] === null) continue;
    let end = start;
    while (end + 1 < values.length && values[end + 1] !== null) end++;
    const points: string[] = [];
    for (let i = start; i <= end; i++) points.push(`${x(i)},${y(values[i] ?? 0)}`);
    if (start === end) dots.push({ x: x(start), y: y(values[start] ?? 0) });
    else {
      line += `M${points.join('L')}`;
      area += `M${x(start)},${height}L${points.join('L')}L${x(end)},${height}Z`;
    }
    start = end;
  }
  return { line, area, dots };
}

const round = (n: number) => Math.round(n * 10) / 10;
