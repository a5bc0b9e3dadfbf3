// The texts below a list that shows only some rows.
import { numbers } from '../format/number';

export interface Listed {
  total_rows: number;
  about?: boolean;
  missing_up_to?: number | null;
  low_by_up_to?: number | null;
}

/** "17,193", or "about 1,240,000" for an estimate. */
export function total(list: Listed): string {
  return `${list.about ? 'about ' : ''}${numbers.count(list.total_rows)}`;
}

export function unfoldLabel(list: Listed, unfolded: boolean): string {
  return unfolded ? `${total(list)} rows · show fewer` : `Show all ${total(list)}`;
}

/** The number of rows that a search has found. */
export function found(matching: number, list: Listed): string {
  return `${numbers.count(matching)} of ${total(list)} match`;
}

const requests = (most: number) => (most === 1 ? 'one request' : `up to ${numbers.count(most)} requests`);

/** A sentence about what the list may lack; "" if it is complete. */
export function missing(list: Listed, what: string): string {
  const { missing_up_to: most, low_by_up_to: lowBy } = list;
  const rows = most ? `There are too many to list them all: ${what} with ${requests(most)} may be missing.` : '';
  const counts = lowBy ? `A count may be too low by ${requests(lowBy)}.` : '';
  return [rows, counts].filter(Boolean).join(' ');
}
