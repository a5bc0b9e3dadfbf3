import { expect, test } from 'vitest';
import { numberFormats } from './number';

const n = numberFormats('en-US');

test('counts are grouped, and short from a million on', () => {
  expect(n.count(482916)).toBe('482,916');
  expect(n.short(482916)).toBe('482,916');
  expect(n.short(12_400_000)).toBe('12.4M');
  expect(numberFormats('de-DE').count(482916)).toBe('482.916');
  expect([0, 0.5, 500, 2000, 1_500_000].map(n.tick)).toEqual(['0', '0.5', '500', '2k', '1.5M']);
});

test.each([
  [null, '–'],
  [0, '0 ms'],
  [0.0421, '42.1 µs'],
  [24, '24 ms'],
  [142.37, '142 ms'],
  [999.4, '999 ms'],
  [999.7, '1 s'],
  [2111, '2.11 s'],
  [60_000, '1 min'],
  [5_400_000, '1.5 h'],
])('%s ms is %s', (ms, text) => {
  expect(n.together(n.duration(ms))).toBe(text);
});

test('exact durations and sizes', () => {
  expect(n.exactDuration(1234.5678)).toBe('1,234.568 ms');
  expect(n.exactDuration(null)).toBe('–');
  expect(n.together(n.bytes(0))).toBe('0 B');
  expect(n.together(n.bytes(999))).toBe('999 B');
  expect(n.together(n.bytes(1536))).toBe('1.5 KB');
  expect(n.together(n.bytes(3 * 1024 ** 3))).toBe('3 GB');
});

test('a share is never rounded to all or to nothing', () => {
  const text = (rate: number | null) => n.together(n.share(rate));
  expect(text(0.938)).toBe('93.8 %');
  expect(text(1)).toBe('100 %');
  expect(text(0)).toBe('0 %');
  expect(text(0.99999)).toBe('99.9 %');
  expect(text(0.0001)).toBe('< 0.1 %');
  expect(text(0.2)).toBe('20.0 %');
  expect(text(null)).toBe('–');
});

test('a change carries its sign, its unit and whether it is good', () => {
  expect(n.ratio(482916, 429000, 'good')).toEqual({ text: '+12.6 %', meaning: 'good' });
  expect(n.ratio(90, 100, 'bad')).toEqual({ text: '−10 %', meaning: 'good' });
  expect(n.ratio(100, 100, 'good')).toEqual({ text: '±0 %', meaning: 'neutral' });
  expect(n.ratio(5, 0, 'bad')).toEqual({ text: 'new', meaning: 'bad' });
  expect(n.ratio(0, 0, 'bad')).toBeNull();
  expect(n.points(0, 0, 'good')).toBeNull();
  expect(n.difference(0, 0, 'bad')).toBeNull();
  expect(n.ratio(4, null, 'good')).toBeNull();
  expect(n.points(0.938, 0.957, 'good')).toEqual({ text: '−1.9 pt', meaning: 'bad' });
  expect(n.points(0.9, 0.9, 'good')).toEqual({ text: '±0 pt', meaning: 'neutral' });
  expect(n.difference(142, 133, 'bad')).toEqual({ text: '+9 ms', meaning: 'bad' });
  expect(n.difference(133, 1133, 'bad')).toEqual({ text: '−1 s', meaning: 'good' });
  expect(n.difference(5, 5, 'bad')).toEqual({ text: '±0 ms', meaning: 'neutral' });
});

test('an everyday change is neither good nor bad', () => {
  expect(n.ratio(997, 1000, 'good')).toEqual({ text: '−0.3 %', meaning: 'neutral' });
  expect(n.ratio(990, 1000, 'good')?.meaning).toBe('bad');
  expect(n.points(0.9996, 0.9999, 'good')).toEqual({ text: '±0 pt', meaning: 'neutral' });
  expect(n.points(0.994, 0.999, 'good')?.meaning).toBe('bad');
  expect(n.difference(100.5, 100, 'bad')?.meaning).toBe('neutral');
  expect(n.difference(102, 100, 'bad')?.meaning).toBe('bad');
});

test('every number is written as the viewer writes numbers', () => {
  const de = numberFormats('de-DE');
  expect([de.hundredths(0.99), de.decimal('99.930'), de.decimal('100'), de.exactShare(0.93812), de.plain(2.5)]).toEqual(['0,99', '99,930', '100', '93,812 %', '2,5']);
  expect([n.hundredths(1), n.decimal('99.93'), n.exactShare(null)]).toEqual(['1.00', '99.93', '–']);
});
