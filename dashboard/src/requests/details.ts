// The details of one request, as rows of a list: their texts, and the condition that a click on each adds to the filter.

import type { FieldInfo, Hit } from '../api/types';
import { reasonPhrase } from '../dashboard/statuses';
import { quote } from '../filter/text';
import type { numbers as formats } from '../format/number';

export interface Detail {
  label: string;
  text: string;
  /** Beside the text, set thinner. */
  aside?: string;
  mono?: boolean;
  /** Field and value in the filter's syntax; none if a click adds nothing. */
  field?: string;
  written?: string;
}

export interface Words {
  numbers: Pick<typeof formats, 'exactDuration' | 'bytes' | 'together'>;
  time: (ms: number) => string;
  country: (code: string) => string;
}

/**
 * Time and status first, then the other known values in the order of the server's table of fields, which has their labels and filters.
 */
export function toDetails(hit: Hit, fields: readonly FieldInfo[], words: Words): Detail[] {
  const status = String(hit.status);
  const others = fields.filter(({ name }) => name !== 'status');
  return [
    { label: 'Time', text: words.time(Date.parse(hit.time)) },
    { label: 'Status', text: status, aside: reasonPhrase(status), field: 'status', written: status },
    ...others.flatMap((field) => toDetail(field, (hit as Record<string, unknown>)[field.key ?? ''], words)),
    { label: 'Id', text: hit.hit_id, mono: true },
  ];
}

function toDetail({ label, name, kind, code }: FieldInfo, value: unknown, { numbers, country }: Words): Detail[] {
  if (typeof value === 'number') {
    const text = kind === 'duration' ? numbers.exactDuration(value) : numbers.together(numbers.bytes(value));
    return [{ label, text }];
  }
  if (typeof value !== 'string' || value === '') return [];
  const shown = kind === 'country' ? { text: country(value), aside: value } : { text: value };
  return [{ label, ...shown, field: name, written: quote(value), ...(code ? { mono: true } : {}) }];
}

/** The consumer, as the consumers' table counts it: "" if unknown. */
export const consumerOf = (hit: Hit) => hit.user_id || hit.address || '';
