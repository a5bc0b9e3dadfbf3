// The column by which a table is sorted, and the direction. As text it is the column's name, with the suffix `.asc` if the smallest come
// first; the server does the sorting.

export interface Order {
  by: string;
  ascending: boolean;
}

/** The default order. */
export const USUAL_ORDER = 'requests';

export function toOrder(text: string | undefined): Order {
  const written = text || USUAL_ORDER;
  const ascending = written.endsWith('.asc');
  return { by: ascending ? written.slice(0, -'.asc'.length) : written, ascending };
}

/** A click on a column's name: largest first, on the next click smallest first. "" is the default. */
export function press(text: string | undefined, by: string): string {
  const order = toOrder(text);
  if (order.by === by && !order.ascending) return `${by}.asc`;
  return by === USUAL_ORDER ? '' : by;
}
