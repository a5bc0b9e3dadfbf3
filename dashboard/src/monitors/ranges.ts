// How far back a monitor's page looks. Single checks are kept for 48 hours.

import { HOUR } from '../format/time';

export const RANGES = [
  { name: '3h', label: '3 hours', span: 3 * HOUR },
  { name: '24h', label: '24 hours', span: 24 * HOUR },
  { name: '48h', label: '48 hours', span: 48 * HOUR },
] as const;

export type RangeName = (typeof RANGES)[number]['name'];

/** As the address says; what it does not know is a day. */
export function toRangeName(text: string | null): RangeName {
  return RANGES.find(({ name }) => name === text)?.name ?? '24h';
}

export const spanOf = (name: RangeName) => RANGES.find((range) => range.name === name)?.span ?? 24 * HOUR;
