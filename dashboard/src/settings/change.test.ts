import { expect, test } from 'vitest';
import type { Project } from '../api/types';
import { erasesOld, toChange, toDraft, toErased } from './change';

const project: Project = {
  project_id: 1, name: 'shop', access: 'owner', created_at: '', tz: 'UTC', privacy_level: 0, keep_hits_days: null, default_keep_hits_days: null, next_erasure_at: '', apdex_ms: 500,
  success_amber: 0.95, success_red: 0.9, dashboard_id: null, last_hits_at: null, inactive: false, erased_after: null, locked_q: '', locked_hides: false,
  shows: { addresses: true, consumers: true, hits: true },
};

test('nothing changed, nothing sent', () => {
  expect(toChange(project, toDraft(project))).toEqual({});
  expect(toChange({ ...project, success_amber: 0.999 }, toDraft({ ...project, success_amber: 0.999 }))).toEqual({});
});

test('only what differs', () => {
  const draft = { ...toDraft(project), name: ' new ', keep_hits_days: 30, success_red: 92.5 };
  expect(toChange(project, draft)).toEqual({ name: 'new', keep_hits_days: 30, success_red: 0.925 });
  expect(toChange({ ...project, keep_hits_days: 30 }, { ...toDraft(project), keep_hits_days: '' })).toEqual({ keep_hits_days: null });
  expect(toChange(project, { ...toDraft(project), privacy_level: 2, tz: 'Europe/London' })).toEqual({ privacy_level: 2, tz: 'Europe/London' });
});

test('old requests are erased where the project or the server says after how many days', () => {
  const draft = toDraft(project);
  expect(erasesOld(project, draft)).toBe(false);
  expect(erasesOld(project, { ...draft, keep_hits_days: null })).toBe(false);
  expect(erasesOld(project, { ...draft, keep_hits_days: 30 })).toBe(true);
  expect(erasesOld({ ...project, default_keep_hits_days: 365 }, draft)).toBe(true);
});

test('what a change erases is counted by the question that finds it', () => {
  const now = Date.parse('2026-11-27T00:00:00Z');
  const questions = (from: Partial<Project>, change: Parameters<typeof toErased>[1]) => toErased({ ...project, ...from }, change, now).map(({ question }) => question);
  const [addresses, countries] = [{ period: 'all', q: '-address:""' }, { period: 'all', q: '-country:""' }];
  expect(questions({}, { privacy_level: 1 })).toEqual([addresses]);
  expect(questions({}, { privacy_level: 2 })).toEqual([addresses, countries]);
  expect(questions({ privacy_level: 1 }, { privacy_level: 2 })).toEqual([countries]);
  expect(questions({ privacy_level: 2 }, { privacy_level: 0, name: 'x' })).toEqual([]);
  expect(questions({}, { keep_hits_days: 30 })).toEqual([{ to: '2026-10-28T00:00:00.000Z' }]);
  expect(questions({ keep_hits_days: 10 }, { keep_hits_days: 30 })).toEqual([]);
  expect(questions({ keep_hits_days: 10 }, { keep_hits_days: null })).toEqual([]);
  expect(toErased(project, { keep_hits_days: 30 }, now)[0]?.many).toBe('requests older than 30 days are erased');
});
