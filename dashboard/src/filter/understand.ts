// Interprets words typed without a field: `5xx`, `POST`, `Germany`, `/v1/users`, a consumer's id. They become ordinary conditions, which
// the page shows in words; only the server decides what a condition means.

import { countryName } from '../shapes/world-map/data';
import { countryOf } from './countries';
import { both, quote, split, write } from './text';

export interface Meaning {
  /** In the filter's syntax. */
  q: string;
  /** In words: "status is 5xx". */
  says: string;
}

export interface Known {
  /** Consumers in the filter's syntax (`u:alice`): ids that are in the data. */
  consumers: readonly string[];
  locale?: string;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE'];
const STATUS = /^([1-5]xx|[1-5]\d\d)$/i;
const COMPARISON = /^(>=?|<=?)(\d+(?:\.\d+)?)(us|µs|ms|s|m|min|h|b|kb|mb|gb)?$/i;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7})$/i;

/** Whether all of it has fields: then there is nothing to interpret. */
export const isConditions = (typed: string) => split(typed).every(({ text }) => /^-?[a-z_]+:./i.test(text) && !ADDRESS.test(text));

/** A field without a value. */
export const isUnfinished = (typed: string) => /^-?[a-z_]+:$/i.test(typed.trim());

/** Null if there is nothing to interpret: nothing was typed, or conditions were. */
export function understand(typed: string, known: Known): Meaning | null {
  const text = typed.trim();
  const named = toNamedCountries(text, known);
  if (named) return named;
  if (text === '' || isUnfinished(text) || isConditions(text)) return null;
  const whole = toConsumer(text, known) ?? toCountry(text, known);
  if (whole) return whole;
  const words = split(text).map((condition) => condition.text);
  const meanings: Meaning[] = [];
  for (let i = 0; i < words.length; ) {
    const { meaning, length } = firstOf(words.slice(i), known);
    meanings.push(meaning);
    i += length;
  }
  return { q: meanings.reduce((q, meaning) => both(q, meaning.q), ''), says: meanings.map(({ says }) => says).join(' and ') };
}

/** `country:` with names, which have spaces without quotes: `country:United States,Germany`. Null if it has letter codes. */
function toNamedCountries(text: string, { locale }: Known): Meaning | null {
  const [, minus = '', written] = /^(-?)(?:country|location):(.+)$/i.exec(text) ?? [];
  if (written === undefined || /^[a-z]{2}$/i.test(written)) return null;
  const codes = written.split(',').map((name) => (/^[a-z]{2}$/i.test(name) ? name.toUpperCase() : countryOf(name, locale)));
  if (codes.some((code) => code === null) || codes.join(',') === written.toUpperCase()) return null;
  const names = codes.map((code) => countryName(code ?? '', locale));
  return { q: write('country', codes.map(String), minus !== ''), says: `country is ${minus ? 'not ' : ''}${names.join(' or ')}` };
}

/** The same words as a search in paths. */
export function inPaths(typed: string): Meaning {
  const words = typed.trim().split(/\s+/);
  return { q: words.map((word) => write('path', [`*${bare(word)}*`])).join(' '), says: `path contains ${words.map((word) => `“${word}”`).join(' and ')}` };
}

/** The meaning of the first words, and how many it covers: a country's name may be several. */
function firstOf(words: readonly string[], known: Known): { meaning: Meaning; length: number } {
  for (let length = Math.min(5, words.length); length > 1; length--) {
    const meaning = toCountry(words.slice(0, length).join(' '), known);
    if (meaning) return { meaning, length };
  }
  const word = words[0] ?? '';
  if (isConditions(word)) return { meaning: { q: word, says: word }, length: 1 };
  return { meaning: toMeaning(word, known), length: 1 };
}

function toMeaning(word: string, known: Known): Meaning {
  const negated = word.length > 1 && word.startsWith('-');
  const rest = negated ? word.slice(1) : word;
  const meaning = toConsumer(rest, known) ?? toStatuses(rest) ?? toMethod(rest) ?? toCountry(rest, known) ?? toComparison(rest) ?? toAddress(rest) ?? toPath(rest);
  if (!negated) return meaning ?? inPaths(word);
  return meaning ? { q: `-${meaning.q}`, says: meaning.says.replace(/ is | begins /, (verb) => (verb === ' is ' ? ' is not ' : ' does not begin ')) } : inPaths(word);
}

const is = (field: string, name: string, value: string, shown = value): Meaning => ({ q: write(field, [value]), says: `${name} is ${shown}` });

function toStatuses(word: string): Meaning | null {
  const values = word.toLowerCase().split(',');
  return values.every((value) => STATUS.test(value)) ? is('status', 'status', values.join(','), values.join(' or ')) : null;
}

/** Only in capitals: `post` may as well be a word of a path. */
function toMethod(word: string): Meaning | null {
  const values = word.split(',');
  return values.every((value) => METHODS.includes(value)) ? is('method', 'method', values.join(','), values.join(' or ')) : null;
}

function toCountry(text: string, { locale }: Known): Meaning | null {
  const code = countryOf(text, locale);
  return code ? is('country', 'country', code, countryName(code, locale)) : null;
}

function toConsumer(text: string, { consumers }: Known): Meaning | null {
  const consumer = consumers.find((one) => one.slice(2) === text);
  return consumer ? is('consumer', 'consumer', quote(consumer), text) : null;
}

/** `>1s` is a duration, `>100kb` a size, `>=400` a status. */
function toComparison(word: string): Meaning | null {
  const [, sign = '', number = '', unit = ''] = COMPARISON.exec(word) ?? [];
  if (!sign) return null;
  const field = /b$/i.test(unit) ? 'response_size' : unit ? 'duration' : /^[1-5]\d\d$/.test(number) ? 'status' : '';
  return field ? { q: write(field, [word]), says: `${field.replace('_', ' ')} is ${word}` } : null;
}

const toAddress = (word: string) => (ADDRESS.test(word) ? is('address', 'address', word) : null);

function toPath(word: string): Meaning | null {
  if (!word.startsWith('/')) return null;
  if (/[{}]|\/:/.test(word)) return is('route', 'endpoint', quote(word), word);
  if (word.includes('*')) return { q: write('path', [bare(word)]), says: `path is ${word}` };
  return { q: write('path', [`${bare(word)}*`]), says: `path begins with ${word}` };
}

/** As an unquoted value, in which `*` keeps its meaning. */
const bare = (word: string) => word.replace(/[\s,"\\]/g, '\\$&');
