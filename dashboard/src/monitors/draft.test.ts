import { expect, test } from 'vitest';
import { FIELDS, newDraft, toChange, toDraft, toNew, toProblem } from './draft';
import { heartbeatSettings, httpSettings } from './samples';

test('a new monitor: an address alone is enough, and only fields of its kind are sent', () => {
  expect(toNew({ ...newDraft('http', 'UTC'), url: ' api.shop.example/health ' })).toMatchObject({ kind: 'http', url: 'https://api.shop.example/health', interval_s: 60, expected_statuses: ['2xx'] });
  const tcp = toNew({ ...newDraft('tcp', 'UTC'), target: 'db.example.com:5432' });
  expect(Object.keys(tcp).sort()).toEqual(['address_family', 'down_after', 'interval_s', 'kind', 'target', 'timeout_ms', 'up_after']);
  expect(toNew({ ...newDraft('heartbeat', 'Europe/London'), name: 'Export' })).toEqual({ kind: 'heartbeat', name: 'Export', interval_s: 60, down_after: 1, up_after: 1, period_s: 86_400, grace_s: 3600 });
  expect(toNew({ ...newDraft('heartbeat', 'Europe/London'), schedule: 'cron', cron: '0 3 * * *' })).toMatchObject({ cron: '0 3 * * *', time_zone: 'Europe/London' });
});

test.each([
  ['http://a.example', 'http://a.example'],
  ['HTTPS://a.example', 'HTTPS://a.example'],
  ['localhost:8080/health', 'https://localhost:8080/health'],
  ['a.example:8080', 'https://a.example:8080'],
  // The server reports the problem; another guess would hide it.
  ['ftp://a.example', 'ftp://a.example'],
  ['javascript:alert(1)', 'javascript:alert(1)'],
])('the address %s', (typed, sent) => {
  expect(toNew({ ...newDraft('http', 'UTC'), url: typed }).url).toBe(sent);
});

test('nothing changed, nothing sent', () => {
  const full = { ...httpSettings, part_of: 4, headers: { authorization: null }, json: { path: '$.a', operator: 'equals', value: 'b' } as const, body_contains: ' ok ', degraded_above_ms: 500 };
  for (const settings of [httpSettings, heartbeatSettings, full]) expect(toChange(settings, toDraft(settings))).toEqual({});
});

test('only what differs; an emptied field is the default again', () => {
  const draft = { ...toDraft(httpSettings), name: ' Payments ', interval_s: 30, timeout_ms: null, expected_statuses: '200, 301', json_path: '$.status', json_value: 'ok' };
  expect(toChange(httpSettings, draft)).toEqual({ name: 'Payments', interval_s: 30, timeout_ms: null, expected_statuses: ['200', '301'], json: { path: '$.status', operator: 'equals', value: 'ok' } });
  expect(toChange({ ...httpSettings, part_of: 4 }, { ...toDraft(httpSettings), part_of: null })).toEqual({ part_of: null });
  expect(toChange(heartbeatSettings, { ...toDraft(heartbeatSettings), schedule: 'cron', cron: '@daily' })).toEqual({ period_s: null, cron: '@daily', time_zone: 'UTC' });
});

test('a header keeps its hidden value until another is typed', () => {
  const settings = { ...httpSettings, headers: { authorization: null, 'x-old': null } };
  const draft = toDraft(settings);
  draft.headers = [...draft.headers.filter(({ name }) => name !== 'x-old'), { name: 'x-new', value: '1', kept: false }, { name: ' ', value: 'lost', kept: false }];
  expect(toChange(settings, draft)).toEqual({ headers: { authorization: null, 'x-new': '1' } });
  expect(toChange(settings, { ...draft, headers: [{ name: 'authorization', value: 'new', kept: true }] })).toEqual({ headers: { authorization: 'new' } });
});

test('an operator without a value sends none', () => {
  expect(toNew({ ...newDraft('http', 'UTC'), url: 'http://a', json_path: '$.a', json_operator: 'exists', json_value: 'left over' }).json).toEqual({ path: '$.a', operator: 'exists' });
});

test('what the server says stands at its field, under the name that the form gives it', () => {
  expect(toProblem('`url` is missing')).toEqual({ field: 'url', text: 'Address is missing.' });
  expect(toProblem('`interval_s` is not from 20 s to 1 day')).toEqual({ field: 'interval_s', text: 'Check every is not from 20 s to 1 day.' });
  expect(toProblem('the project has as many monitors as it may have')).toEqual({ field: null, text: 'the project has as many monitors as it may have' });
  expect(toProblem('`monitor` cannot be read')).toEqual({ field: null, text: '`monitor` cannot be read' });
  expect(toProblem('`constructor` is odd').field).toBeNull();
  expect(Object.keys(FIELDS)).toHaveLength(23);
});
