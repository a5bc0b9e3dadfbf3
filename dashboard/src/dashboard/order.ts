// By which column a table is sorted, and which way. As text it is the column's name, with `.asc` behind it where the smallest come
// first; the server does the sorting.

export interface Order {
  by: string;
  ascending: boolean;
}

/** What an address without one means. */
export const USUAL_ORDER = 'requests';

export function toOrder(text: string | undefined): Order {
  const written = text || USUAL_ORDER;
  const ascending = written.endsWith('.asc');
  return { by: ascending ? written.slice(0, -'.asc'.length) : written, ascending };
}

/** A press on a column's name: largest first, and at the next press smallest first. "" is as usual. */
export function press(text: string | undefined, by: string): string {
  const order = toOrder(text);
  if (order.by === by && !order.ascending) return `${by}.asc`;
  return by === USUAL_ORDER ? '' : by;
}
