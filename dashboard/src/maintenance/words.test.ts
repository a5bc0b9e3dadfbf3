import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../api/types';
import { HOUR, timeFormats } from '../format/time';
import { aMonitor } from '../monitors/samples';
import { covers, inPhase, toIn, toMonitors, toPhase, toRhythm, toUntil } from './words';

const NOW = Date.parse('2026-11-27T10:00:00Z');
const time = timeFormats('en-GB', 'UTC');
const at = (hours: number) => new Date(NOW + hours * HOUR).toISOString();
const span = (from: number, to: number) => ({ from: at(from), to: at(to) });
const window = (id: number, change: Partial<MaintenanceWindow>): MaintenanceWindow => ({
  id, title: 'Upgrade', text: null, monitors: null, published: false, created_at: at(-99), current: null, upcoming: [], schedule: { kind: 'once', ...span(-3, -2) }, ...change,
});

test('what is on now, what is planned and what is over', () => {
  const windows = [
    window(1, { upcoming: [span(50, 51)] }), window(2, {}), window(3, { current: span(-1, 1), upcoming: [span(23, 25)] }), window(4, { upcoming: [span(5, 6)] }),
    window(5, { schedule: { kind: 'once', ...span(-2, -1) } }),
  ];
  expect(windows.map(toPhase)).toEqual(['planned', 'over', 'now', 'planned', 'over']);
  expect((['now', 'planned', 'over'] as const).map((phase) => inPhase(windows, phase).map(({ id }) => id))).toEqual([[3], [4, 1], [5, 2]]);
});

test('a schedule is said as one would say it', () => {
  const weekly = (weekdays: ('monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday')[]) =>
    toRhythm({ kind: 'weekly', weekdays, from: '02:00', to: '04:00', time_zone: 'Europe/Berlin' }, time);
  expect(weekly(['sunday'])).toBe('Every Sunday, 02:00 – 04:00, Europe/Berlin');
  expect(weekly(['sunday', 'monday', 'wednesday'])).toBe('Every Monday, Wednesday and Sunday, 02:00 – 04:00, Europe/Berlin');
  expect(weekly(['monday', 'tuesday', 'wednesday', 'thursday', 'friday'])).toMatch(/^Monday to Friday,/);
  expect(weekly(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])).toMatch(/^Every day,/);
  expect(toRhythm({ kind: 'cron', cron: '0 3 1 * *', minutes: 90 }, time)).toBe('Cron 0 3 1 * *, for 1 h 30 min, UTC');
  expect(toRhythm({ kind: 'once', ...span(0, 2) }, time)).toBe('Once, Fri 27 Nov, 10:00 – 12:00');
  expect(toRhythm({ kind: 'once', ...span(12, 16) }, time)).toBe('Once, Fri 27 Nov, 22:00 – Sat 28 Nov, 02:00');
});

test('how long until it begins or ends', () => {
  expect(toUntil(at(2), NOW, time)).toBe('Until 12:00');
  expect(toUntil(at(30), NOW, time)).toBe('Until Sat 28 Nov, 16:00');
  expect(toIn(at(76), NOW)).toBe('In 3 d 4 h');
});

test('which monitors it covers', () => {
  const monitors = [1, 2, 3, 4].map((id) => aMonitor({ id, settings: { ...aMonitor().settings, name: `M${id}` } }));
  const text = (named: number[] | null, known: typeof monitors | null = monitors) => toMonitors(window(1, { monitors: named }), known);
  expect(text(null)).toBe('All monitors');
  expect(text([2, 9])).toBe('M2');
  expect(text([9])).toBe('Monitors that are deleted');
  expect(text([1, 2, 3, 4])).toBe('M1, M2, M3 and 1 more');
  expect(text([1, 2], null)).toBe('2 monitors');
  expect([covers(window(1, {}), 7), covers(window(1, { monitors: [1] }), 7)]).toEqual([true, false]);
});
