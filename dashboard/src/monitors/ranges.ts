// The ranges of a monitor's page. Single checks are kept for 48 hours, sums of 5 minutes for 13 months.

import { DAY, HOUR } from '../format/time';

export const RANGES = [
  { name: '3h', label: '3 hours', short: '3 h', span: 3 * HOUR },
  { name: '24h', label: '24 hours', short: '24 h', span: DAY },
  { name: '7d', label: '7 days', short: '7 days', span: 7 * DAY },
  { name: '30d', label: '30 days', short: '30 days', span: 30 * DAY },
  { name: '90d', label: '90 days', short: '90 days', span: 90 * DAY },
  { name: '12mo', label: '12 months', short: '12 months', span: 365 * DAY },
] as const;

export type RangeName = (typeof RANGES)[number]['name'];

/** From the address; unknown texts mean a day. */
export function toRangeName(text: string | null): RangeName {
  return RANGES.find(({ name }) => name === text)?.name ?? '24h';
}

export const spanOf = (name: RangeName) => RANGES.find((range) => range.name === name)?.span ?? DAY;

/** Up to this length a chart is made of single checks; the server has no shorter buckets than 5 minutes. */
export const isShort = (from: number, to: number) => to - from <= 3 * HOUR + 5 * 60_000;

/** Single checks are listed as far back as they are kept. */
export const checksSpanOf = (name: RangeName) => Math.min(spanOf(name), 2 * DAY);
export const checksLabelOf = (name: RangeName) => (spanOf(name) > 2 * DAY ? '48 hours' : (RANGES.find((range) => range.name === name)?.label ?? ''));
