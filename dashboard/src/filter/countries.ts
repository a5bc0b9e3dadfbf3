// Names of countries to their two letters, in the viewer's language and in English.

import { countryName } from '../shapes/world-map/data';

export interface NamedCountry {
  code: string;
  name: string;
}

/** Common names that the tables lack. */
const OTHER_NAMES: Record<string, string> = {
  usa: 'US', america: 'US', uk: 'GB', england: 'GB', 'great britain': 'GB', britain: 'GB', uae: 'AE', holland: 'NL', turkey: 'TR', 'czech republic': 'CZ', burma: 'MM', 'ivory coast': 'CI',
};

/** Without case and accents: "türkiye" and "Turkiye" are equal. */
export const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[’`]/g, "'").toLowerCase().trim();

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Whether two letters are a current country: neither an outdated code, nor one that stands for something else. */
function isCountry(code: string): boolean {
  if (['EU', 'EZ', 'UN', 'QO', 'XA', 'XB', 'ZZ'].includes(code)) return false;
  try {
    return Intl.getCanonicalLocales(`und-${code}`)[0] === `und-${code}` && countryName(code, 'en') !== code;
  } catch {
    return false;
  }
}

const tables = new Map<string, { list: NamedCountry[]; codes: Map<string, string> }>();

function tableOf(locale: string | undefined) {
  const known = tables.get(locale ?? '');
  if (known) return known;
  const codes = new Map(Object.entries(OTHER_NAMES));
  const list: NamedCountry[] = [];
  for (const code of LETTERS.flatMap((a) => LETTERS.map((b) => a + b)).filter(isCountry)) {
    const name = countryName(code, locale);
    list.push({ code, name });
    codes.set(fold(countryName(code, 'en')), code);
    codes.set(fold(name), code);
  }
  const table = { list, codes };
  tables.set(locale ?? '', table);
  return table;
}

/** Null if no country has that name. Two capitals are a country too. */
export function countryOf(text: string, locale?: string): string | null {
  const { codes, list } = tableOf(locale);
  return codes.get(fold(text)) ?? (list.some(({ code }) => code === text) ? text : null);
}

/** Countries whose name, or one of its words, begins like this. */
export function countriesLike(begun: string, locale?: string): NamedCountry[] {
  const start = fold(begun);
  return tableOf(locale).list.filter(({ name }) => isNamed(name, start));
}

/** Whether a country's name, or one of its words, begins with this (folded). */
export function isNamed(name: string, start: string): boolean {
  return start !== '' && (fold(name).startsWith(start) || fold(name).split(/[\s-]/).some((word) => word.startsWith(start)));
}
