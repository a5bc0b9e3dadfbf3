import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kindOf, KINDS, toConfig, toPlace, toProblem, toTyped } from './kinds';

test('every kind of the server is here, with the fields it has and the secrets among them', () => {
  const folder = new URL('../../../crates/analytics/src/notice/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.rs')).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const rows = files.flatMap((source) => {
    const [, name, secrets = ''] = /const CHANNEL: Channel =\s*Channel \{\s*name: "(\w+)"[^}]*?secrets: &\[([^\]]*)\]/.exec(source) ?? [];
    // A channel's settings are the first public struct of its file.
    const [, body = ''] = /pub struct \w+ \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
    return name ? [{ name, secrets: [...secrets.matchAll(/"(\w+)"/g)].map(([, field]) => field), fields: [...body.matchAll(/pub (\w+):/g)].map(([, field]) => field) }] : [];
  });
  expect(rows.length).toBeGreaterThan(8);
  for (const { name, secrets, fields } of rows) {
    const kind = KINDS.find(({ kind: known }) => known === name);
    expect(kind?.fields.map((field) => field.name).sort(), name).toEqual([...fields].sort());
    expect(kind?.fields.filter(({ type }) => type === 'secret').map((field) => field.name).sort(), name).toEqual([...secrets].sort());
  }
  expect(KINDS).toHaveLength(rows.length);
});

const telegram = kindOf('telegram');
const ntfy = kindOf('ntfy');

test('a new channel sends what was typed, in the shape that the server reads', () => {
  expect(toConfig(telegram, { token: ' 123:abc ', chat_id: '-100', message_thread_id: '7' }, null)).toEqual({ kind: 'telegram', token: '123:abc', chat_id: '-100', message_thread_id: 7 });
  expect(toConfig(telegram, { token: '1', chat_id: '2', message_thread_id: '' }, null)).toEqual({ kind: 'telegram', token: '1', chat_id: '2' });
  expect(toConfig(kindOf('email'), { to: 'a@b.example, c@d.example;' }, null)).toEqual({ kind: 'email', to: ['a@b.example', 'c@d.example'] });
  expect(toTyped(ntfy, null)).toMatchObject({ server: 'https://ntfy.sh', topic: '' });
  // The server reports what is missing.
  expect(toConfig(kindOf('slack'), { url: '' }, null)).toEqual({ kind: 'slack', url: '' });
});

test('a change sends what differs; an empty secret stays as it is, an emptied option is taken away', () => {
  const config = { kind: 'telegram', token: null, chat_id: '-100', message_thread_id: 7 };
  expect(toConfig(telegram, toTyped(telegram, config), config)).toEqual({});
  expect(toConfig(telegram, { ...toTyped(telegram, config), token: 'new', message_thread_id: '' }, config)).toEqual({ token: 'new', message_thread_id: null });
  const duty = { kind: 'pagerduty', routing_key: null, eu: false };
  expect(toConfig(kindOf('pagerduty'), { routing_key: '', eu: true }, duty)).toEqual({ eu: true });
});

test('what the server says stands at its field, under the name that the form gives it', () => {
  expect(toProblem(telegram, '`chat_id` is not a chat’s number')).toEqual({ field: 'chat_id', text: 'Chat is not a chat’s number.' });
  expect(toProblem(telegram, '`config`: missing field `token`')).toEqual({ field: 'token', text: 'Bot token is missing.' });
  expect(toProblem(telegram, 'the project has as many channels as it may have')).toEqual({ field: null, text: 'the project has as many channels as it may have' });
});

test('where a channel leads, without a secret', () => {
  expect(toPlace({ config: { server: 'https://ntfy.sh', topic: 'shop', token: null } })).toBe('shop at ntfy.sh');
  expect(toPlace({ config: { to: ['a@b.example', 'c@d.example'] } })).toBe('a@b.example, c@d.example');
  expect(toPlace({ config: { kind: 'slack', url: null } })).toBe('');
});
