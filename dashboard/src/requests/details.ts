// What is known of one request, as rows of a list: its words, and the condition that a click on it adds to the filter.

import type { FieldInfo, Hit } from '../api/types';
import { reasonPhrase } from '../dashboard/statuses';
import { quote } from '../filter/text';
import type { numbers as formats } from '../format/number';

export interface Detail {
  label: string;
  text: string;
  /** Beside the text, thinner. */
  aside?: string;
  mono?: boolean;
  /** Field and value as the filter writes them; none where a click adds nothing. */
  field?: string;
  written?: string;
}

export interface Words {
  numbers: Pick<typeof formats, 'exactDuration' | 'bytes' | 'together'>;
  time: (ms: number) => string;
  country: (code: string) => string;
}

/**
 * Time and status first, then what else is known in the order of the server's table of fields, which says how each is called and
 * what a click filters by.
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

/** Who called, as the consumers' table counts it: "" where nobody is known. */
export const consumerOf = (hit: Hit) => hit.user_id || hit.address || '';
