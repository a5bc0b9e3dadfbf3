// By which column a table is sorted, and which way. The server sorts from the largest down; the other way round all the rows that it
// gives are asked for and turned here. As text it is the column's name, with `.asc` behind it where the smallest come first.

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

/** Rows as the server gave them, in the order asked for. What has no value comes last either way. */
export function sortRows<Row>(rows: readonly Row[], order: Order, value: (row: Row, by: string) => number | null): readonly Row[] {
  if (!order.ascending) return rows;
  return rows.toSorted((a, b) => (value(a, order.by) ?? Infinity) - (value(b, order.by) ?? Infinity) || 0);
}
