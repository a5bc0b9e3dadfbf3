// The timeline of an incident, as a list of moments in order.

import type { IncidentDetail, IncidentNotice, IncidentTransition } from '../api/types';
import { toLength } from '../shapes/day-bars/data';
import { MUTED, toCause } from './incidentWords';

export interface Moment {
  at: number;
  what: string;
  /** "" if there is nothing to add. */
  detail: string;
  tone: 'good' | 'bad' | 'warn' | '';
  /** Notices sent then. */
  notices: IncidentNotice[];
}

const CONFIRMED: Record<IncidentDetail['incident']['cause'], string> = { down: 'Confirmed as down', flapping: 'Found to be flapping', certificate: 'The certificate ends soon', rule: 'The alert began' };

export function toTimeline({ incident, transitions, updates, notices }: IncidentDetail): Moment[] {
  const moments: Moment[] = [];
  const add = (at: string | null, what: string, more: Partial<Moment> = {}) => {
    if (at !== null) moments.push({ at: Date.parse(at), what, detail: '', tone: '', notices: [], ...more });
  };
  const isDown = incident.cause === 'down';
  if (isDown) {
    add(incident.last_good_at, 'Last check that passed', { tone: 'good' });
    add(incident.began_at, 'First check that failed', { tone: 'bad', detail: toCause(incident) });
  }
  // A notice is written at the moment of its transition.
  const of = (transition: IncidentTransition, stage: IncidentNotice['stage']) => notices.filter((notice) => notice.stage === stage && notice.created_at === transition.at);
  for (const transition of transitions) {
    const { at, change, muted } = transition;
    const silence = muted ? `${MUTED[muted]}.` : '';
    switch (change) {
      case 'opened':
        add(at, CONFIRMED[incident.cause], { tone: incident.cause === 'certificate' ? 'warn' : 'bad', notices: of(transition, 'opening'), detail: silence || (isDown ? '' : toCause(incident)) });
        break;
      case 'announced':
        add(at, 'Another check failed: the notice was sent', { notices: of(transition, 'opening'), detail: silence });
        break;
      case 'worsened':
        add(at, 'The certificate came closer to its end', { tone: 'warn', notices: of(transition, 'update'), detail: silence });
        break;
      case 'closed': {
        const length = incident.duration_ms === null ? '' : ` after ${toLength(incident.duration_ms)}`;
        add(at, `Resolved${length}`, { tone: 'good', notices: of(transition, 'resolved'), detail: silence });
      }
    }
  }
  if (isDown && transitions.every(({ muted }) => muted !== 'stopped')) add(incident.ended_at, 'First check that passed again', { tone: 'good' });
  add(incident.acknowledged_at, 'Acknowledged');
  for (const { at, stage, text } of updates) add(at, `On the status page: ${stage}`, { detail: text });
  return moments.sort((a, b) => a.at - b.at);
}

/** The state of a notice to one channel, in a few words. */
export function toNoticeState({ state, tries }: Pick<IncidentNotice, 'state' | 'tries'>): string {
  const after = tries > 1 ? ` after ${tries} tries` : '';
  switch (state) {
    case 'delivered':
      return `delivered${after}`;
    case 'waiting':
      return tries ? `not delivered yet, ${tries} ${tries === 1 ? 'try' : 'tries'} so far` : 'on its way';
    case 'failed':
      return `refused${after}`;
    case 'given_up':
      return `given up${after}`;
  }
}
