// What could be meant by what was typed so far: fields first, then the values of the field.

import type { FieldInfo, FieldValue } from '../api/types';
import { fromTyped, quote, unquote } from '../filter/text';

export interface Suggestion {
  /** What is shown, unless it is a country. */
  label: string;
  /** What stands in the input, or joins the filter where `done`. */
  text: string;
  done: boolean;
  doc?: string;
  requests?: number;
  country?: string;
}

/** Values that need no counting, by kind of field. */
const EXAMPLES: Record<FieldInfo['kind'], string[]> = {
  status: ['2xx', '3xx', '4xx', '5xx', '>=400'],
  duration: ['>100ms', '>1s', '100ms..1s'],
  size: ['>100kb', '>1mb'],
  number: [],
  text: [],
  country: [],
};

export function complete(
  typed: string,
  fields: readonly FieldInfo[],
  values: { field: string; prefix: string; found: readonly FieldValue[] } | null,
): Suggestion[] {
  const word = typed.trimStart();
  const colon = word.indexOf(':');
  const minus = word.startsWith('-') ? '-' : '';
  if (colon < 0) {
    const begun = word.slice(minus.length).toLowerCase();
    const called = (name: string) => name.toLowerCase().startsWith(begun);
    const matching = fields.filter((field) => called(field.name) || field.aliases.some(called));
    const suggestions: Suggestion[] = matching.map((field) => ({
      label: `${minus}${field.name}:`,
      text: `${minus}${field.name}:`,
      done: false,
      doc: field.doc.replace(/`/g, ''),
    }));
    if (begun !== '' && !minus) {
      const looked = fromTyped(word);
      suggestions.push({ label: looked, text: looked, done: true, doc: 'paths that contain it' });
    }
    return suggestions;
  }
  const name = word.slice(minus.length, colon);
  const field = fields.find((info) => info.name === name || info.aliases.includes(name));
  if (!field) return [];
  const written = word.slice(colon + 1);
  const comma = written.lastIndexOf(',') + 1;
  const before = word.slice(0, colon + 1 + comma);
  const begun = unquote(written.slice(comma)).toLowerCase();
  const chosen = new Set(written.slice(0, comma).split(',').filter(Boolean));
  const examples = EXAMPLES[field.kind].filter((example) => example.startsWith(begun) && !chosen.has(example));
  const found = values?.field === field.name ? values.found : [];
  return [
    ...examples.map((example): Suggestion => ({ label: example, text: before + example, done: true, doc: '' })),
    ...found
      .filter(({ value }) => value.toLowerCase().startsWith(begun) && !chosen.has(quote(value)))
      .map(({ value, requests }): Suggestion => ({
        label: value === '' ? '"" (none)' : value,
        text: before + quote(value),
        done: true,
        requests,
        ...(field.kind === 'country' && value !== '' ? { country: value } : {}),
      })),
  ];
}
