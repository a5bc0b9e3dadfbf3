// The filter's text `q` as the page handles it: split into conditions for chips, and conditions built from clicked values. Only the server
// decides what a condition means; this knows just enough of the grammar (spaces, quotes, backslashes, commas) to split and to quote.
// `crates/analytics/src/filter` is the grammar.

/** A condition as written. `field` is "" if it has none: then the server reports the error. */
export interface Condition {
  text: string;
  negated: boolean;
  field: string;
  /** The values as written, with their quotes. */
  values: string[];
}

/** Splits at spaces outside of quotes. Never fails: half a condition is a condition too. */
export function split(q: string): Condition[] {
  return cut(q, /\s/).map(toCondition);
}

function cut(text: string, at: RegExp): string[] {
  const pieces: string[] = [];
  let piece = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\' && i + 1 < text.length) {
      piece += c + text.charAt(++i);
      continue;
    }
    // A quote only opens at the start of a value.
    if (c === '"' && (quoted || /(^|[:,])$/.test(piece))) quoted = !quoted;
    if (!quoted && at.test(c)) {
      if (piece) pieces.push(piece);
      piece = '';
      continue;
    }
    piece += c;
  }
  if (piece) pieces.push(piece);
  return pieces;
}

function toCondition(text: string): Condition {
  const negated = text.startsWith('-');
  const rest = negated ? text.slice(1) : text;
  const colon = rest.indexOf(':');
  if (colon < 0) return { text, negated, field: '', values: [rest] };
  return { text, negated, field: rest.slice(0, colon), values: cut(rest.slice(colon + 1), /,/) };
}

export function join(conditions: readonly Condition[]): string {
  return conditions.map((condition) => condition.text).join(' ');
}

/** A value, quoted so that it is literal; "" is "none". */
export function quote(value: string): string {
  // The server treats U+0085 as a space too.
  if (value !== '' && !/[\s\u0085,"\\*]/.test(value)) return value;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** A written value without its quotes and backslashes. */
export function unquote(written: string): string {
  const inner = written.startsWith('"') ? written.replace(/^"|"$/g, '') : written;
  return inner.replace(/\\(.)/gs, '$1');
}

export function write(field: string, values: readonly string[], negated = false): string {
  return `${negated ? '-' : ''}${field}:${values.join(',')}`;
}

/**
 * Adds "`field` is one of these written values" (or is not). Values join a condition of the same field and sense, since two conditions on
 * one field would leave nothing; if all are there already they are removed, so that a second click undoes the first. An opposite condition
 * on just that value is removed.
 */
export function toggle(q: string, field: string, values: readonly string[], negated = false): string {
  const conditions = split(q);
  const opposite = (c: Condition) => c.field === field && c.negated !== negated;
  const kept = conditions
    .map((c) => (opposite(c) ? without(c, values) : c))
    .filter((c) => c !== null);
  const same = kept.findIndex((c) => c.field === field && c.negated === negated);
  const there = kept[same];
  if (!there) return join([...kept, toCondition(write(field, values, negated))]);
  const missing = values.filter((value) => !there.values.includes(value));
  const changed =
    missing.length === 0
      ? without(there, values)
      : toCondition(write(field, [...there.values, ...missing], negated));
  kept.splice(same, 1, ...(changed ? [changed] : []));
  return join(kept);
}

/** Sets `field` to exactly these written values, replacing any others. */
export function replace(q: string, field: string, values: readonly string[]): string {
  const kept = split(q).filter((c) => c.field !== field || c.negated);
  return join(values.length ? [...kept, toCondition(write(field, values))] : kept);
}

function without(condition: Condition, values: readonly string[]): Condition | null {
  const left = condition.values.filter((value) => !values.includes(value));
  if (left.length === condition.values.length) return condition;
  return left.length ? toCondition(write(condition.field, left, condition.negated)) : null;
}

/** Whether `q` has the condition, to mark it as chosen. */
export function has(q: string, field: string, value: string, negated = false): boolean {
  return split(q).some((c) => c.field === field && c.negated === negated && c.values.includes(value));
}

/** `q` without its condition at `index`. */
export function removeAt(q: string, index: number): string {
  return join(split(q).filter((_, i) => i !== index));
}

/** Two filters that must both hold. */
export function both(a: string, b: string): string {
  return [a.trim(), b.trim()].filter((q) => q !== '').join(' ');
}
