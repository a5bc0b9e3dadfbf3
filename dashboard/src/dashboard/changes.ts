// Changes in words, and the filter behind a click on a row.

import type { ChangeRow, ConsumerChange, EndpointChange, EndpointNumbers } from '../api/types';
import { has, quote, toggle } from '../filter/text';
import type { NumberFormats } from '../format/number';

export interface ChangeWords {
  /** The same for the same row of two answers. */
  key: string;
  kind: 'fails' | 'slower' | 'quiet' | 'appeared';
  /** One word or two, beside the row's sign. */
  label: string;
  method: string;
  /** A route, or a consumer; shortened if it is long. */
  name: string;
  full: string;
  /** Continues the name. */
  text: string;
  /** All the numbers. */
  title: string;
}

export const isEndpoint = (row: ChangeRow): row is EndpointChange => 'verdict' in row;

export function toWords(row: ChangeRow, numbers: NumberFormats): ChangeWords {
  return isEndpoint(row) ? ofEndpoint(row, numbers) : ofConsumer(row, numbers);
}

/** Lengths of its start and its end: long routes mostly differ at the end. */
const [LONGEST, END] = [72, 24];
const named = (full: string) => ({ full, name: full.length > LONGEST ? `${full.slice(0, LONGEST - END)}…${full.slice(-END)}` : full });

const rate = ({ server_errors, requests }: EndpointNumbers) => (requests ? server_errors / requests : 0);

function ofEndpoint(row: EndpointChange, numbers: NumberFormats): ChangeWords {
  const { method, route, before, after, verdict } = row;
  const share = (side: EndpointNumbers) => numbers.together(numbers.share(rate(side)));
  const p95 = (side: EndpointNumbers) => numbers.together(numbers.duration(side.p95_ms));
  const count = (side: EndpointNumbers) => `${numbers.count(side.requests)} requests`;
  const about = { key: `${verdict} ${method} ${route}`, method, ...named(route || '(no path)') };
  if (verdict === 'slower') {
    return {
      ...about, kind: 'slower', label: 'Slower',
      text: `is slower: p95 ${p95(after)}, ${p95(before)} before`,
      title: `95 % of ${count(after)} were answered within ${p95(after)}; before, of ${count(before)}, within ${p95(before)}.`,
    };
  }
  const isNew = before.requests === 0;
  return {
    ...about, kind: 'fails', label: 'Failing',
    text: isNew ? `is new and fails: ${share(after)} of ${count(after)}` : `fails more: ${share(after)} of ${count(after)}, ${share(before)} before`,
    title: `Server errors (5xx): ${numbers.count(after.server_errors)} of ${count(after)}; before, ${isNew ? 'no request' : `${numbers.count(before.server_errors)} of ${count(before)}`}.`,
  };
}

function ofConsumer({ key, user, address, news, before, after, at_most }: ConsumerChange, numbers: NumberFormats): ChangeWords {
  const about = { key: `${news} ${key}`, method: '', ...named(user || address) };
  const requests = (n: number) => (n === 0 ? 'no request' : `${numbers.count(n)} ${n === 1 ? 'request' : 'requests'}`);
  if (news === 'appeared') {
    const then = at_most ? `at most ${numbers.count(before)}` : 'none';
    return { ...about, kind: 'appeared', label: 'New', text: `is new: ${requests(after)}${at_most ? `, ${then} before` : ''}`, title: `${requests(after)} in this period, ${then} in the one before.` };
  }
  const now = `${at_most ? 'at most ' : ''}${requests(after)}`;
  return { ...about, kind: 'quiet', label: 'Quiet', text: `went quiet: ${now}, ${numbers.count(before)} before`, title: `Called regularly before, ${numbers.count(before)} times in all; ${now} in this period.` };
}

/** The filter after a click on a row: its subject, added to the other conditions; a second click removes it again. */
export function toFilter(q: string, row: ChangeRow): string {
  const conditions = conditionsOf(row);
  const all = isChosen(q, row);
  return conditions.reduce((now, [field, value]) => (all || !has(now, field, value) ? toggle(now, field, [value]) : now), q);
}

export function isChosen(q: string, row: ChangeRow): boolean {
  return conditionsOf(row).every(([field, value]) => has(q, field, value));
}

export function conditionsOf(row: ChangeRow): [string, string][] {
  if (!isEndpoint(row)) return [['consumer', quote(row.key)]];
  return [['route', quote(row.route)], ...(row.method ? [['method', quote(row.method)] as [string, string]] : [])];
}
