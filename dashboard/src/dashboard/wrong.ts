// The parameter of the address that the server rejects, and the way out.

import type { ApiError } from '../api/client';
import { CONSUMERS_SORT, type DashboardState } from './state';

export interface Wrong {
  /** Its name; "" if the message names none. */
  parameter: string;
  message: string;
}

/** Null if the error is not about the query. */
export function toWrong({ status, code, message }: Pick<ApiError, 'status' | 'code' | 'message'>): Wrong | null {
  if (code === 'hidden_field') return { parameter: 'q', message };
  if (status !== 400) return null;
  const [, named = '', rest = message] = /^(?:the parameter )?`([a-z_]+)`:? (.+)$/s.exec(message) ?? [];
  // The position is underlined.
  return named === 'q' ? { parameter: 'q', message: rest.replace(/ \(at character \d+\)$/, '') } : { parameter: named, message };
}

/** The remedy: the text of a button, and its change. */
export function toRemedy({ parameter }: Wrong, tabs: DashboardState['tabs']): { label: string; change: Partial<DashboardState> } {
  switch (parameter) {
    case 'q':
      return { label: 'Clear filter', change: { q: '' } };
    case 'tz':
      return { label: 'Use my time zone', change: { tz: '' } };
    case 'sort':
      return { label: 'Sort by requests', change: { sort: '', tabs: { ...tabs, [CONSUMERS_SORT]: '' } } };
    case 'from':
    case 'to':
    case 'period':
      return { label: 'Show the last 7 days', change: { period: '7d', from: '', to: '' } };
    default:
      return { label: 'Reset the view', change: { period: '7d', from: '', to: '', tz: '', q: '', sort: '', tabs: {}, open: [] } };
  }
}
