import { expect, test } from 'vitest';
import type { Hit } from '../api/types';
import { ahead, onTop } from './merge';

const hits = (text: string) => [...text].map((name) => ({ hit_id: name, time: new Date(1e12 + name.charCodeAt(0) * 1000).toISOString() }) as Hit);
const merged = (newest: string, shown: string) => ahead(hits(newest), hits(shown))?.map(({ hit_id }) => hit_id).join('');

test('new rows come on top, late ones where they belong, and none twice', () => {
  expect(merged('fed', 'edc')).toBe('fedc');
  expect(merged('edc', 'edc')).toBe('edc');
  expect(merged('gfd', 'dba')).toBe('gfdba');
  expect(merged('edc', 'eca')).toBe('edca');
});

test('where they do not touch, something would be missing', () => {
  expect(merged('zyx', 'cba')).toBeUndefined();
  expect(merged('cba', '')).toBeUndefined();
  expect(merged('', '')).toBe('');
});

test('arrivals come on top, late ones where they belong, and none twice', () => {
  const top = (arrived: string, shown: string) => onTop(hits(arrived), hits(shown)).map(({ hit_id }) => hit_id).join('');
  expect(top('efg', 'dcb')).toBe('gfedcb');
  expect(top('dce', 'dcb')).toBe('edcb');
  expect(top('ca', 'db')).toBe('dcba');
  expect(top('', 'b')).toBe('b');
  expect(top('ab', '')).toBe('ba');
  const same = [{ hit_id: '1', time: hits('a')[0]?.time }, { hit_id: '2', time: hits('a')[0]?.time }] as Hit[];
  expect(onTop(same, []).map(({ hit_id }) => hit_id)).toEqual(['2', '1']);
});
