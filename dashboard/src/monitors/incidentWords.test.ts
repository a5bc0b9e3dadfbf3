import { expect, test } from 'vitest';
import type { IncidentNotice, IncidentTransition } from '../api/types';
import { HOUR, MINUTE, timeFormats } from '../format/time';
import { lengthOf, toCause, toHeadline, toHits, toMoment, toTitle, toTold, toWhen } from './incidentWords';
import { anIncident } from './samples';

const time = timeFormats('en-GB', 'UTC');
const began = Date.parse('2026-11-26T12:00:00Z');
const now = began + 12 * MINUTE;

test('what happened, since when and for how long', () => {
  expect(toTitle(anIncident())).toBe('Orders: down');
  expect(toHeadline(anIncident(), now, time)).toBe('Orders is down since 12:00 (12 min)');
  expect(toHeadline(anIncident(), began + 50 * HOUR, time)).toBe('Orders is down since 26 Nov, 12:00 (2 d 2 h)');
  expect(toHeadline(anIncident({ cause: 'flapping' }), now, time)).toBe('Orders has been flapping since 12:00 (12 min)');
  expect(toHeadline(anIncident({ cause: 'certificate' }), now, time)).toBe('The certificate of Orders needs renewing');
  expect(toWhen(anIncident(), now, time)).toBe('now, 12 min');
  const closed = anIncident({ state: 'closed', ended_at: '2026-11-26T12:38:00Z' });
  expect(toWhen(closed, began + 70 * HOUR, time)).toBe('26 Nov, 12:00, 38 min');
  expect(lengthOf(closed, now)).toBe(38 * MINUTE);
  expect(toMoment(began - HOUR, now, time)).toBe('11:00');
});

test('the cause, and whom it hit', () => {
  expect(toCause(anIncident())).toBe('Connection refused.');
  expect(toCause(anIncident({ failure: null, message: 'it ends in 9 days' }))).toBe('It ends in 9 days.');
  expect(toCause(anIncident({ cause: 'flapping', failure: null, message: null }))).toBe('Its checks pass and fail in turn.');
  const reach = { requests: 1341, endpoints: [], endpoints_total: 2, consumers: [], consumers_total: 1 };
  expect(toHits(reach)).toBe('1,341 requests, 1 consumer');
  expect([toHits(null), toHits({ ...reach, requests: 0 }), toHits({ ...reach, consumers_total: 0 })]).toEqual(['', '', '1,341 requests']);
});

test('who was told', () => {
  const notice = (name: string, change: Partial<IncidentNotice> = {}): IncidentNotice => ({ channel: 1, channel_name: name, stage: 'opening', state: 'delivered', created_at: '', next_try_at: null, ended_at: null, tries: 1, ...change });
  const opened = (muted: IncidentTransition['muted']): IncidentTransition[] => [{ at: '', change: 'opened', muted }];
  expect(toTold(opened(null), [notice('E-mail'), notice('Slack'), notice('Slack', { stage: 'resolved' })])).toBe('told: E-mail, Slack');
  expect(toTold(opened(null), [notice('E-mail'), notice('Hook', { state: 'waiting' }), notice('Old', { state: 'failed' })])).toBe('told: E-mail · being told: Hook · could not tell: Old');
  expect(toTold(opened('unconfirmed'), [])).toBe('the notice was held back: requests succeeded while the checks failed');
  expect(toTold(opened(null), [])).toBe('nobody told: no channel is active');
});
