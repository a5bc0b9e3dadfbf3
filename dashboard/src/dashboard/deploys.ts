// Deploys as marks on charts, and the subject of their dialog.

import type { Deploy } from '../api/types';
import type { TimeFormats } from '../format/time';
import type { Mark } from '../shapes/series-chart/data';

/** Characters of a note shown in a chart's box. */
const NOTE = 140;

export const nameDeploys = (count: number) => `${count} deploys`;

export function toMarks(deploys: readonly Deploy[], time: TimeFormats): Mark[] {
  return deploys.map(({ id, version, at, text }) => {
    const ms = Date.parse(at);
    const note = (text ?? '').replace(/\s+/g, ' ');
    const short = note.length > NOTE ? `${note.slice(0, NOTE - 1).trimEnd()}…` : note;
    return { key: String(id), at: ms, label: version, title: `${version} was deployed ${time.moment(ms)}${short ? `: ${short}` : ''}${/[.!?…]$/.test(short) ? '' : '.'}` };
  });
}

/** The dialog in the address: one deploy, some of those listed, or all of them. Null if there is none. */
export type Wanted = { kind: 'one'; id: number } | { kind: 'some'; ids: readonly number[] } | { kind: 'all' };

export function toWanted(text: string | undefined): Wanted | null {
  if (!text) return null;
  const ids = text.split(',').map(Number).filter((id) => Number.isInteger(id) && id > 0);
  const [first] = ids;
  if (first === undefined) return { kind: 'all' };
  return ids.length === 1 ? { kind: 'one', id: first } : { kind: 'some', ids };
}

/** If two lists of deploys are equal, nothing need be redrawn. */
export const sameDeploys = (a: readonly Deploy[], b: readonly Deploy[]) => JSON.stringify(a) === JSON.stringify(b);
