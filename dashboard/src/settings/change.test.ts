import { expect, test } from 'vitest';
import type { Project } from '../api/types';
import { toChange, toDraft } from './change';

const project: Project = {
  project_id: 1, name: 'shop', access: 'owner', created_at: '', tz: 'UTC', privacy_level: 0, keep_hits_days: null, default_keep_hits_days: null, apdex_ms: 500,
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
