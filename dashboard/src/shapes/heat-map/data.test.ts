import { expect, test } from 'vitest';
import { dayNames, heatCsv, heatSummary, toHeat } from './data';

const cells = Array.from({ length: 7 }, (_, day) => Array.from({ length: 24 }, (_, hour) => (day === 2 && hour === 9 ? 400 : hour === 3 ? 100 : 0)));

test('shades run from nothing to the most', () => {
  const heat = toHeat(cells);
  expect(heat[2]?.[9]).toEqual({ day: 2, hour: 9, requests: 400, shade: 1 });
  expect(heat[0]?.[3]?.shade).toBe(0.25);
  expect(heat[0]?.[0]?.shade).toBe(0);
  expect(toHeat([[0, 0]])[0]?.[1]?.shade).toBe(0);
});

test('Monday first, the busiest hour named, every hour in the file', () => {
  expect(dayNames('en-US')).toEqual(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
  expect(heatSummary(cells, String)).toBe('Busiest: Wednesday from 9:00, 400 requests.');
  expect(heatSummary([[0]], String)).toBe('No requests.');
  expect(heatCsv(cells).trim().split('\r\n')).toHaveLength(1 + 7 * 24);
});
