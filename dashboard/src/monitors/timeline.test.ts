import { expect, test } from 'vitest';
import type { IncidentDetail, IncidentNotice } from '../api/types';
import { anIncident } from './samples';
import { toNoticeState, toTimeline } from './timeline';

const at = (minutes: number) => new Date(Date.parse('2026-11-26T12:00:00Z') + minutes * 60_000).toISOString();
const notice = (change: Partial<IncidentNotice>): IncidentNotice => ({ channel: 1, channel_name: 'Slack', stage: 'opening', state: 'delivered', created_at: at(2), next_try_at: null, ended_at: at(2), tries: 1, ...change });
const detail = (change: Partial<IncidentDetail>): IncidentDetail => ({ incident: anIncident(), transitions: [], updates: [], notices: [], ...change });

test('an outage from the last good check to the end, in order', () => {
  const moments = toTimeline(detail({
    incident: anIncident({ state: 'closed', ended_at: at(38), duration_ms: 38 * 60_000, acknowledged_at: at(5) }),
    transitions: [{ at: at(2), change: 'opened', muted: null }, { at: at(39), change: 'closed', muted: null }],
    updates: [{ at: at(7), stage: 'investigating', text: 'We look into it.' }],
    notices: [notice({}), notice({ stage: 'resolved', created_at: at(39), state: 'waiting' })],
  }));
  expect(moments.map(({ what }) => what)).toEqual([
    'Last check that passed', 'First check that failed', 'Confirmed as down', 'Acknowledged', 'On the status page: investigating', 'First check that passed again', 'Resolved after 38 min',
  ]);
  expect(moments.map(({ notices }) => notices.map(({ stage }) => stage)).filter((stages) => stages.length)).toEqual([['opening'], ['resolved']]);
  expect(moments[1]?.detail).toBe('Connection refused.');
});

test('why nobody was told', () => {
  const held = toTimeline(detail({ transitions: [{ at: at(2), change: 'opened', muted: 'unconfirmed' }, { at: at(3), change: 'announced', muted: null }], notices: [notice({ created_at: at(3) })] }));
  expect(held.find(({ what }) => what === 'Confirmed as down')?.detail).toBe('The notice was held back: requests succeeded while the checks failed.');
  expect(held.find(({ what }) => what.startsWith('Another check'))?.notices).toHaveLength(1);
  // A paused monitor did not recover.
  const stopped = toTimeline(detail({ incident: anIncident({ state: 'closed', ended_at: at(9), duration_ms: 540_000 }), transitions: [{ at: at(2), change: 'opened', muted: null }, { at: at(9), change: 'closed', muted: 'stopped' }] }));
  expect(stopped.map(({ what }) => what)).not.toContain('First check that passed again');
});

test('a certificate has no failing check', () => {
  const moments = toTimeline(detail({ incident: anIncident({ cause: 'certificate', failure: null, message: 'it ends in 9 days', last_good_at: null }), transitions: [{ at: at(0), change: 'opened', muted: null }, { at: at(9), change: 'worsened', muted: null }] }));
  expect(moments.map(({ what, detail: text }) => [what, text])).toEqual([['The certificate ends soon', 'It ends in 9 days.'], ['The certificate came closer to its end', '']]);
});

test.each([['delivered', 1, 'delivered'], ['delivered', 3, 'delivered after 3 tries'], ['waiting', 0, 'on its way'], ['waiting', 1, 'not delivered yet, 1 try so far'], ['failed', 1, 'refused'], ['given_up', 12, 'given up after 12 tries']] as const)('a notice that is %s after %i', (state, tries, text) => {
  expect(toNoticeState({ state, tries })).toBe(text);
});
