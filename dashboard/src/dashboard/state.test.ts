import { expect, test } from 'vitest';
import { pause, refreshEvery, toFirstState, toParameters, toQuestion, toState, USUAL } from './state';

const read = (text: string) => toState(new URLSearchParams(text));

test('an empty address is the usual picture, and the usual picture an empty address', () => {
  expect(read('project=p')).toEqual(USUAL);
  expect(Object.values(toParameters(USUAL)).every((value) => value === undefined)).toBe(true);
});

test.each([
  'period=24h',
  'from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&tz=Asia/Kathmandu',
  'q=status:5xx+-country:US&compare=off&sort=p95_ms&open=endpoints,countries&tab.clients=os&tab.endpoints=5xx&tab.endpoints_find=a+b',
])('%s reads back as it was', (text) => {
  const state = read(text);
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(toParameters(state))) if (value) written.set(name, value);
  expect(toState(written)).toEqual(state);
  expect(decodeURIComponent(written.toString())).toBe(decodeURIComponent(text));
});

test('a period that there is not is the usual', () => {
  expect(read('period=5y')).toEqual(USUAL);
});

test('a range that makes no sense is asked for as it stands, or nobody would hear of it', () => {
  for (const [from, to] of [['2026-11-02T00:00:00Z', '2026-11-01T00:00:00Z'], ['soon', 'later'], ['2026-11-02T00:00:00Z', '']]) {
    expect(read(`from=${from}&to=${to}`)).toMatchObject({ period: '', from, to });
  }
});

test('a range is asked for instead of a period, in the chosen zone or the viewer\'s', () => {
  const range = read('period=24h&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00%2B01:00&q=a:b');
  expect(toQuestion(range, 'Europe/London')).toEqual({
    period: undefined, from: '2026-11-01T00:00:00Z', to: '2026-11-01T23:00:00Z', tz: 'Europe/London', q: 'a:b', compare: 'previous',
  });
  expect(toQuestion(read('period=all&tz=UTC'), 'Europe/London')).toMatchObject({ period: 'all', tz: 'UTC', compare: undefined });
  expect(toQuestion(read('compare=off'), 'UTC').compare).toBeUndefined();
});

test('short periods are looked at often, what is over never', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  expect(refreshEvery(read(''), now)).toBe(10_000);
  expect(refreshEvery(read('period=6mo'), now)).toBe(60_000);
  expect(refreshEvery(read('from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z'), now)).toBeNull();
  expect(refreshEvery(read('from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z'), now)).toBe(10_000);
});

test('a busy server is looked at less often', () => {
  expect([10, 80, 200, 9_000].map(pause)).toEqual([800, 800, 2_000, 30_000]);
});

test('a fresh look begins with what is remembered, an address with a filter does not', () => {
  expect(toFirstState(new URLSearchParams('period=24h'), '-device:bot')).toEqual({ ...read('period=24h'), q: '-device:bot' });
  expect(toFirstState(new URLSearchParams('q=country:US'), '-device:bot').q).toBe('country:US');
  expect(toFirstState(new URLSearchParams('q='), '-device:bot').q).toBe('');
});
