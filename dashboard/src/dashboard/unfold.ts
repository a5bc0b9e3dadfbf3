// The words below a list that shows a part of what there is.
import { numbers } from '../format/number';

export interface Listed {
  rows: unknown[];
  total_rows: number;
  about?: boolean;
  missing_up_to?: number | null;
}

/** The most rows that a list can be asked for. */
const MOST = 500;

/** "17,193", or "about 1,240,000" where it is an estimate. */
export function total(list: Listed): string {
  return `${list.about ? 'about ' : ''}${numbers.count(list.total_rows)}`;
}

export function unfoldLabel(list: Listed, unfolded: boolean): string {
  if (unfolded) {
    const shown = list.rows.length;
    return shown < list.total_rows ? `The first ${numbers.count(shown)} of ${total(list)} · show fewer` : 'Show fewer';
  }
  return list.total_rows > MOST ? `Show the first ${MOST} of ${total(list)}` : `Show all ${total(list)}`;
}

/** What may be missing from the list; "" where nothing is. */
export function missing(list: Listed, what: string): string {
  const most = list.missing_up_to;
  if (!most) return '';
  const requests = most === 1 ? 'one request' : `up to ${numbers.count(most)} requests`;
  return `There are too many to list them all: ${what} with ${requests} may be missing.`;
}
