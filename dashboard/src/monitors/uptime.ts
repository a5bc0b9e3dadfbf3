// Uptime as a sentence. Only the server computes the numbers: percentages are rounded down, and null if too little is known.

import type { Monitor } from '../api/types';
import { numbers } from '../format/number';
import { toLength } from '../shapes/day-bars/data';

export type Uptime = NonNullable<Monitor['uptime']>[number];

export function toUptimeText({ percent, coverage_percent: coverage, down_ms: down }: Uptime): string {
  if (percent === null) return coverage === null ? 'Nothing is known of this period' : `Only ${numbers.decimal(coverage)} % of this period is known: too little for a number`;
  return `Down for ${down ? toLength(down) : 'no time'}; ${numbers.decimal(coverage ?? '0')} % of this period is known`;
}
