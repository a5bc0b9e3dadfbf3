import { expect, test } from 'vitest';
import { timeFormats } from '../format/time';
import { nameDeploys, toMarks, toWanted } from './deploys';

const utc = timeFormats('en-GB', 'UTC');

test('a deploy is a mark with its version, and a sentence with its note', () => {
  const [plain, noted, long] = toMarks([
    { id: 3, version: 'v2', at: '2026-11-22T10:00:00Z', source: 'posted', text: null },
    { id: 4, version: 'v3', at: '2026-11-22T11:00:00Z', source: 'posted', text: 'Taxes\nare cached.' },
    { id: 5, version: 'v4', at: '2026-11-22T12:00:00Z', source: 'posted', text: 'word '.repeat(200) },
  ], utc);
  expect(plain).toEqual({ key: '3', at: Date.parse('2026-11-22T10:00:00Z'), label: 'v2', title: `v2 was deployed ${utc.moment(Date.parse('2026-11-22T10:00:00Z'))}.` });
  expect(noted?.title).toMatch(/: Taxes are cached\.$/);
  expect(long?.title.length).toBeLessThan(200);
  expect(long?.title).toMatch(/word…$/);
  expect(nameDeploys(3)).toBe('3 deploys');
});

test('the address names one, some or all', () => {
  expect(toWanted(undefined)).toBeNull();
  expect(toWanted('')).toBeNull();
  expect(toWanted('7')).toEqual({ kind: 'one', id: 7 });
  expect(toWanted('7,9')).toEqual({ kind: 'some', ids: [7, 9] });
  expect(toWanted('all')).toEqual({ kind: 'all' });
  expect(toWanted('-1,x,0.5')).toEqual({ kind: 'all' });
});
