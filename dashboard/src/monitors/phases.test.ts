import { expect, test } from 'vitest';
import { toParts } from './phases';

const times = { total_ms: 100, dns_ms: 10, connect_ms: 30, tls_ms: null, first_byte_ms: 60, body_ms: 0 };

test('phases that were reached share the bar; one that is absent takes no place, one of no length stays named', () => {
  expect(toParts(times).map(({ label, ms, share }) => [label, ms, share])).toEqual([['DNS', 10, 0.1], ['Connect', 30, 0.3], ['First byte', 60, 0.6], ['Body', 0, 0]]);
});

test('a check that reached nothing, and one whose phases took no time', () => {
  const nothing = { total_ms: 0, dns_ms: null, connect_ms: null, tls_ms: null, first_byte_ms: null, body_ms: null };
  expect(toParts(nothing)).toEqual([]);
  expect(toParts({ ...nothing, dns_ms: 0 })).toEqual([{ label: 'DNS', color: '--phase-dns', ms: 0, share: 0 }]);
});
