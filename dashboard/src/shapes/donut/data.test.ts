import { expect, test } from 'vitest';
import { toArcs } from './data';

test('arcs follow each other round the ring', () => {
  expect(toArcs([{ key: 'v1', requests: 3 }, { key: 'v2', requests: 1 }])).toEqual([
    { key: 'v1', requests: 3, share: 0.75, from: 0, strength: 1 },
    { key: 'v2', requests: 1, share: 0.25, from: 0.75, strength: 0.21999999999999997 },
  ]);
  expect(toArcs([{ key: 'v1', requests: 0 }])).toEqual([]);
  expect(toArcs([])).toEqual([]);
});
