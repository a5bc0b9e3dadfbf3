// The position of an error in a filter, to underline it. The server names a character; people see conditions.

import { split } from './text';

export interface ErrorSpan {
  /** The condition's index. */
  index: number;
  /** In the condition's text. */
  start: number;
  end: number;
}

/** The field or the value that begins at this character (counted in Unicode); the whole condition if it ends there. */
export function toPlace(q: string, offset: number): ErrorSpan | null {
  const at = [...q].slice(0, offset).join('').length;
  let from = 0;
  let last: ErrorSpan | null = null;
  for (const [index, { text, values, field }] of split(q).entries()) {
    const start = q.indexOf(text, from);
    from = start + text.length;
    last = { index, start: 0, end: text.length };
    if (at >= from) continue;
    const inside = Math.max(0, at - start);
    const colon = text.indexOf(':');
    if (field !== '' && inside <= colon) return { index, start: inside, end: colon };
    let end = colon + 1;
    for (const value of values) {
      const begin = end;
      end += value.length;
      if (inside <= end) return { index, start: Math.min(begin, inside), end };
      end++;
    }
    return last;
  }
  return last;
}
