import { expect, test } from 'vitest';
import { statusColor, toBars } from './data';

test('bars are measured by the longest, shares by everything', () => {
  const bars = toBars([{ key: 'US', requests: 50, errors: 5 }, { key: '', requests: 25 }], 200);
  expect(bars).toEqual([
    { key: 'US', requests: 50, errors: 5, share: 0.25, length: 1, written: 'US' },
    { key: '', requests: 25, errors: null, share: 0.125, length: 0.5, written: '""' },
  ]);
  expect(toBars([{ key: 'x', requests: 0 }], 0)[0]).toMatchObject({ share: null, length: 0 });
  expect(toBars([], 5)).toEqual([]);
  // A long list: a row that is not loaded yet, and a longest bar that is not here.
  expect(toBars([undefined, { key: 'x', requests: 5 }], 100, 50)).toEqual([undefined, expect.objectContaining({ key: 'x', length: 0.1 })]);
});

test('colours by class', () => {
  expect(['204', '3xx', '404', '500', '100', '0'].map(statusColor)).toEqual(['--ok', '--redirect', '--client', '--server', '--info', '--muted']);
});
