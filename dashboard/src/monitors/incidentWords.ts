// Incidents in words: what happened, how long, who was affected, and whether a notice was sent.

import type { Incident, IncidentCause, IncidentNotice, IncidentTransition, Reach } from '../api/types';
import { numbers } from '../format/number';
import { DAY, type TimeFormats } from '../format/time';
import { toLength } from '../shapes/day-bars/data';
import { failureMeaning, toSentence } from './words';

const CAUSES: Record<IncidentCause, string> = { down: 'down', flapping: 'flapping', certificate: 'certificate', rule: 'alert' };

/** The name of its monitor or rule. */
export const subjectOf = ({ monitor, monitor_name, rule_name }: Incident) => (monitor === null ? rule_name : monitor_name);

/** "Orders: down". */
export const toTitle = (incident: Incident) => `${subjectOf(incident)}: ${CAUSES[incident.cause]}`;

export function lengthOf({ began_at, ended_at }: Incident, now: number): number {
  return Math.max(0, (ended_at === null ? now : Date.parse(ended_at)) - Date.parse(began_at));
}

/** "Orders is down since 04:02 (12 min)". */
export function toHeadline(incident: Incident, now: number, time: TimeFormats): string {
  const began = Date.parse(incident.began_at);
  const since = `since ${toMoment(began, now, time)} (${toLength(now - began)})`;
  const subject = subjectOf(incident);
  switch (incident.cause) {
    case 'rule':
      return `${subject} ${since}`;
    case 'down':
      return `${subject} is down ${since}`;
    case 'flapping':
      return `${subject} has been flapping ${since}`;
    case 'certificate':
      return `The certificate of ${subject} needs renewing`;
  }
}

/** A time today is its clock; an older one has its day before it. */
export const toMoment = (ms: number, now: number, time: TimeFormats) => (now - ms < DAY / 2 || time.day(ms) === time.day(now) ? time.clock(ms) : `${time.day(ms)}, ${time.clock(ms)}`);

/** "now, 12 min" or "17 Nov, 38 min". */
export function toWhen(incident: Incident, now: number, time: TimeFormats): string {
  const length = toLength(lengthOf(incident, now));
  return incident.state === 'open' ? `now, ${length}` : `${toMoment(Date.parse(incident.began_at), now, time)}, ${length}`;
}

/** "Connection refused." */
export function toCause({ cause, failure, message }: Incident): string {
  if (failure) return `${failureMeaning(failure).what}.`;
  if (message) return toSentence(message);
  return cause === 'flapping' ? 'Its checks pass and fail in turn.' : '';
}

/** "341 requests, 14 consumers"; "" if nobody was affected. */
export function toHits(reach: Reach | null): string {
  if (!reach?.requests) return '';
  const count = (n: number, one: string) => `${numbers.count(n)} ${one}${n === 1 ? '' : 's'}`;
  return [count(reach.requests, 'request'), reach.consumers_total ? count(reach.consumers_total, 'consumer') : ''].filter(Boolean).join(', ');
}

export const MUTED: Record<NonNullable<IncidentTransition['muted']>, string> = {
  maintenance: 'No notice sent: maintenance was under way',
  parent: 'No notice sent: the monitor it depends on was failing',
  flapping: 'No further notice: it is flapping',
  unconfirmed: 'The notice was held back: requests succeeded while the checks failed',
  never_told: 'No notice sent: none was sent when it began either',
  stopped: 'No notice sent: the monitor was paused or changed',
};

/** Channels that received its opening: "told: Slack, E-mail". */
export function toTold(transitions: readonly IncidentTransition[], notices: readonly IncidentNotice[]): string {
  const openings = notices.filter(({ stage }) => stage === 'opening');
  const names = (wanted: (notice: IncidentNotice) => boolean) => [...new Set(openings.filter(wanted).map(({ channel_name: name }) => name))].join(', ');
  const told = names(({ state }) => state === 'delivered');
  const waiting = names(({ state }) => state === 'waiting');
  const failed = names(({ state }) => state === 'failed' || state === 'given_up');
  if (openings.length) return [told && `told: ${told}`, waiting && `being told: ${waiting}`, failed && `could not tell: ${failed}`].filter(Boolean).join(' · ');
  const muted = transitions.find(({ change }) => change === 'opened')?.muted;
  return muted ? toShort(MUTED[muted]) : 'nobody told: no channel is active';
}

const toShort = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1);
