// Completions of the typed text: the words' own meaning, fields, and values of a field.

import type { FieldInfo, FieldValue } from '../api/types';
import { countriesLike, fold, isNamed } from '../filter/countries';
import { quote, unquote } from '../filter/text';
import { inPaths, understand, type Meaning } from '../filter/understand';
import { countryName } from '../shapes/world-map/data';

export interface Suggestion {
  /** The visible text, unless it is a country. */
  label: string;
  /** The new text of the input, or of the filter if `done`. */
  text: string;
  done: boolean;
  doc?: string;
  requests?: number;
  country?: string;
  /** Set for words without a field. */
  meaning?: Meaning;
}

/** Values of a field, as loaded. */
export interface Found {
  field: string;
  prefix: string;
  found: readonly FieldValue[];
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

/** Countries offered for a word. */
const FEW = 4;

/** The values to load. Words without a field may be an endpoint or a consumer; countries are searched by name, here. */
export function toAsk(typed: string, fields: readonly FieldInfo[]): { field: string; prefix: string } | null {
  const word = typed.trim().replace(/^-/, '');
  const colon = word.indexOf(':');
  const name = colon < 0 ? (word.startsWith('/') ? 'route' : 'consumer') : word.slice(0, colon);
  const field = fields.find((info) => info.name === name || info.aliases.includes(name));
  if (!field?.counted) return null;
  if (colon < 0) return word.length < 2 || /\s/.test(word) ? null : { field: field.name, prefix: word };
  const written = word.slice(word.lastIndexOf(',') > colon ? word.lastIndexOf(',') + 1 : colon + 1);
  return { field: field.name, prefix: field.kind === 'country' ? '' : unquote(written).replace(/\*.*$/, '') };
}

export function complete(typed: string, fields: readonly FieldInfo[], values: Found | null, locale?: string): Suggestion[] {
  const word = typed.trimStart();
  // Names of countries have spaces.
  const isValue = /^-?[a-z_]+:/i.test(word) && (!/\s/.test(word) || /^-?(country|location):/i.test(word));
  return isValue ? completeValue(word, fields, values, locale) : completeWord(word, fields, values, locale);
}

function completeWord(word: string, fields: readonly FieldInfo[], values: Found | null, locale: string | undefined): Suggestion[] {
  const minus = word.startsWith('-') ? '-' : '';
  const begun = word.slice(minus.length).trim().toLowerCase();
  const called = (name: string) => name.toLowerCase().startsWith(begun);
  const matching = fields.filter((field) => called(field.name) || field.aliases.some(called));
  const suggestions: Suggestion[] = matching.map((field) => ({ label: `${minus}${field.name}:`, text: `${minus}${field.name}:`, done: false, doc: field.doc.replace(/`/g, '') }));
  if (begun === '') return suggestions;

  const found = values?.field === 'consumer' || values?.field === 'route' ? values : null;
  const meaning = understand(word, { consumers: found?.field === 'consumer' ? found.found.map(({ value }) => value) : [], ...(locale ? { locale } : {}) });
  const paths = inPaths(word);
  const toSuggestion = (one: Meaning): Suggestion => ({ label: one.q, text: one.q, done: true, doc: one.says, meaning: one });
  if (meaning && meaning.q !== paths.q) suggestions.unshift(toSuggestion(meaning));
  const isBegun = (value: string) => value.toLowerCase().startsWith(begun) || value.slice(2).toLowerCase().startsWith(begun);
  const others: Suggestion[] = [
    ...(begun.length < 2 ? [] : countriesLike(begun, locale).slice(0, FEW).map(({ code }) => ({ label: code, text: `${minus}country:${code}`, done: true, doc: 'country', country: code }))),
    ...(found?.found.filter(({ value }) => value !== '' && isBegun(value)) ?? []).map(({ value, requests }) => {
      const text = `${minus}${found?.field}:${quote(value)}`;
      return { label: text, text, done: true, requests };
    }),
  ];
  suggestions.push(...others.filter(({ text }) => text !== meaning?.q));
  if (!minus) suggestions.push(toSuggestion(paths));
  return suggestions;
}

function completeValue(word: string, fields: readonly FieldInfo[], values: Found | null, locale: string | undefined): Suggestion[] {
  const colon = word.indexOf(':');
  const name = word.slice(word.startsWith('-') ? 1 : 0, colon);
  const field = fields.find((info) => info.name === name || info.aliases.includes(name));
  if (!field) return [];
  const written = word.slice(colon + 1);
  const comma = written.lastIndexOf(',') + 1;
  const before = word.slice(0, colon + 1 + comma);
  const begun = unquote(written.slice(comma)).toLowerCase();
  const chosen = new Set(written.slice(0, comma).split(',').filter(Boolean));
  const examples = EXAMPLES[field.kind].filter((example) => example.startsWith(begun) && !chosen.has(example));
  const isCountry = field.kind === 'country';
  const isBegun = (value: string) => value.toLowerCase().startsWith(begun) || (isCountry && value !== '' && isNamed(countryName(value, locale), fold(begun)));
  const counted = (values?.field === field.name ? values.found : []).filter(({ value }) => isBegun(value) && !chosen.has(quote(value)));
  const known = new Set(counted.map(({ value }) => value));
  return [
    ...examples.map((example): Suggestion => ({ label: example, text: before + example, done: true, doc: '' })),
    ...counted.map(({ value, requests }): Suggestion => ({
      label: value === '' ? '"" (none)' : value,
      text: before + quote(value),
      done: true,
      requests,
      ...(isCountry && value !== '' ? { country: value } : {}),
    })),
    // Those without requests can be named too.
    ...(isCountry && begun.length > 1 ? countriesLike(begun, locale).filter(({ code }) => !known.has(code)).slice(0, FEW) : []).map(({ code }): Suggestion => ({ label: code, text: before + code, done: true, doc: 'no request in this period', country: code })),
  ];
}
