import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../api/types';
import { newDraft, toChange, toDraft, toMissing, toNew, toProblem } from './draft';

const NOW = Date.parse('2026-11-27T10:20:00Z');
const BERLIN = 'Europe/Berlin';
const window = (change: Partial<MaintenanceWindow>): MaintenanceWindow => ({
  id: 1, title: 'Maintenance', text: null, monitors: null, published: false, created_at: '2026-11-01T00:00:00Z', current: null, upcoming: [],
  schedule: { kind: 'once', from: '2026-11-28T22:00:00Z', to: '2026-11-29T00:30:00Z' }, ...change,
});

test('a new one begins at the next full hour of the viewer', () => {
  expect(newDraft(NOW, BERLIN)).toMatchObject({ kind: 'once', begins: '2026-11-27T12:00', ends: '2026-11-27T13:00', all: true, time_zone: BERLIN });
  expect(toNew(newDraft(NOW, BERLIN), BERLIN)).toEqual({
    published: false, schedule: { kind: 'once', from: '2026-11-27T11:00:00.000Z', to: '2026-11-27T12:00:00.000Z' },
  });
});

test('only what differs is sent', () => {
  const before = toDraft(window({ text: 'Reading works.' }), NOW, BERLIN);
  expect(before).toMatchObject({ begins: '2026-11-28T23:00', ends: '2026-11-29T01:30' });
  expect(toChange(before, { ...before }, BERLIN)).toEqual({});
  expect(toChange(before, { ...before, text: ' ', all: false, monitors: [3] }, BERLIN)).toEqual({ text: null, monitors: [3] });
  expect(toChange(before, { ...before, kind: 'weekly', weekdays: ['sunday', 'monday'] }, BERLIN)).toEqual({
    schedule: { kind: 'weekly', weekdays: ['monday', 'sunday'], from: '02:00', to: '04:00', time_zone: BERLIN },
  });
});

test('every kind of schedule comes back as it was', () => {
  for (const schedule of [
    { kind: 'weekly' as const, weekdays: ['friday' as const], from: '22:30', to: '01:00', time_zone: 'UTC' },
    { kind: 'cron' as const, cron: '0 3 1 * *', minutes: 90, time_zone: BERLIN },
  ]) {
    const draft = toDraft(window({ schedule }), NOW, BERLIN);
    expect(toNew(draft, BERLIN).schedule).toEqual(schedule);
  }
});

test('a date that is half filled in is named before anything is sent', () => {
  const draft = newDraft(NOW, BERLIN);
  expect(toMissing(draft, BERLIN)).toBeNull();
  expect(toMissing({ ...draft, ends: '' }, BERLIN)).toEqual({ field: 'to', text: 'Say when it ends.' });
  expect(toMissing({ ...draft, kind: 'cron', ends: '' }, BERLIN)).toBeNull();
});

test('what the server says stands at the field that it names', () => {
  expect(toProblem('`schedule.to` cannot be used: the window ends before it begins')).toEqual({ field: 'to', text: 'The window ends before it begins.' });
  expect(toProblem('`title` is longer than 100 characters')).toEqual({ field: 'title', text: 'Title is longer than 100 characters.' });
  expect(toProblem('`schedule` cannot be read: missing field')).toEqual({ field: null, text: '`schedule` cannot be read: missing field.' });
  expect(toProblem('the project has too many')).toEqual({ field: null, text: 'The project has too many.' });
});
