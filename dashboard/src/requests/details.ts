// What is known of one request, as rows of a list: its words, and the condition that a click on it adds to the filter.

import type { Hit } from '../api/types';
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

/** Those that have something to say. */
export function toDetails(hit: Hit, { numbers, time, country }: Words): Detail[] {
  const text = (label: string, value: string | null, field: string, more: Partial<Detail> = {}): Detail[] =>
    value === null || value === '' ? [] : [{ label, text: value, field, written: quote(value), ...more }];
  const size = (label: string, bytes: number | null): Detail[] =>
    bytes === null ? [] : [{ label, text: numbers.together(numbers.bytes(bytes)) }];
  return [
    { label: 'Time', text: time(Date.parse(hit.time)) },
    { label: 'Status', text: String(hit.status), aside: reasonPhrase(String(hit.status)), field: 'status', written: String(hit.status) },
    ...(hit.duration_ms === null ? [] : [{ label: 'Duration', text: numbers.exactDuration(hit.duration_ms) }]),
    ...text('Method', hit.method, 'method', { mono: true }),
    ...text('Path', hit.path, 'path', { mono: true }),
    ...text('Route', hit.route, 'route', { mono: true }),
    ...text('Version', hit.version, 'version'),
    ...text('Host', hit.host, 'host', { mono: true }),
    ...text('User', hit.user_id, 'user'),
    ...text('Address', hit.address, 'address', { mono: true }),
    ...(hit.country ? text('Country', hit.country, 'country', { text: country(hit.country), aside: hit.country }) : []),
    ...text('Client', hit.client, 'client'),
    ...text('OS', hit.os, 'os'),
    ...text('Device', hit.device, 'device'),
    ...text('User agent', hit.user_agent, 'agent', { mono: true }),
    ...text('Referrer', hit.referrer, 'referrer', { mono: true }),
    ...text('Framework', hit.framework, 'framework'),
    ...size('Request size', hit.request_size),
    ...size('Response size', hit.response_size),
    { label: 'Id', text: hit.hit_id, mono: true },
  ];
}

/** Who called, as the consumers' table counts it: "" where nobody is known. */
export const consumerOf = (hit: Hit) => hit.user_id || hit.address || '';
