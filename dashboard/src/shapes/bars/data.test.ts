import { expect, test } from 'vitest';
import { breakdownCsv, statusColor, toBars } from './data';

test('bars are measured by the longest, shares by everything', () => {
  const bars = toBars([{ key: 'US', requests: 50, errors: 5 }, { key: '', requests: 25 }], 200);
  expect(bars).toEqual([
    { key: 'US', requests: 50, errors: 5, share: 0.25, length: 1, written: 'US' },
    { key: '', requests: 25, errors: null, share: 0.125, length: 0.5, written: '""' },
  ]);
  expect(toBars([{ key: 'x', requests: 0 }], 0)[0]).toMatchObject({ share: null, length: 0 });
  expect(toBars([], 5)).toEqual([]);
});

test('colours by class, and the file', () => {
  expect(['204', '3xx', '404', '500', '100', '0'].map(statusColor)).toEqual(['--ok', '--redirect', '--client', '--server', '--info', '--muted']);
  expect(breakdownCsv('client', [{ key: '=x', requests: 1 }])).toBe("client,requests,errors\r\n'=x,1,\r\n");
});
