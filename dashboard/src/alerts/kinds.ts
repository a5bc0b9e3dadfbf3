// The kinds of channels and their fields in the form: a row per kind. The server decides which values are valid.

import type { ChannelFields, ChannelKind, ChannelValue } from '../api/types';

export interface Field {
  name: string;
  label: string;
  /** `secret` is typed hidden and never shown again; `list` is text with commas; `flag` is a box to tick. */
  type: 'text' | 'address' | 'secret' | 'number' | 'list' | 'flag';
  placeholder?: string;
  hint?: string;
  /** It may be empty. */
  optional?: boolean;
  /** Folded away: few people need it. */
  rare?: boolean;
  /** Its initial value. */
  value?: string;
}

export interface Kind {
  kind: ChannelKind;
  label: string;
  /** Where to find the values for the fields. */
  about: string;
  fields: readonly Field[];
}

const address = (placeholder: string, hint = ''): Field => ({ name: 'url', label: 'Webhook address', type: 'secret', placeholder, hint: hint || 'Treat it like a password: anyone with it can post.' });

export const KINDS: readonly Kind[] = [
  { kind: 'slack', label: 'Slack', about: 'In Slack: create an app, turn on “Incoming Webhooks”, and add one to a channel.', fields: [address('https://hooks.slack.com/services/…')] },
  { kind: 'email', label: 'E-mail', about: 'Sent by the mail server that this server’s operator has set up.', fields: [{ name: 'to', label: 'To', type: 'list', placeholder: 'ops@example.com, lead@example.com', hint: 'Up to 20 addresses, separated by commas.' }] },
  { kind: 'discord', label: 'Discord', about: 'In Discord: channel settings, Integrations, Webhooks, New Webhook.', fields: [address('https://discord.com/api/webhooks/…')] },
  { kind: 'teams', label: 'Microsoft Teams', about: 'In Teams: channel menu, Workflows, “Send webhook alerts to a channel”.', fields: [address('https://….logic.azure.com/workflows/…')] },
  {
    kind: 'telegram', label: 'Telegram', about: 'Make a bot with @BotFather, and add it to the chat.',
    fields: [
      { name: 'token', label: 'Bot token', type: 'secret', placeholder: '123456:ABC…' },
      { name: 'chat_id', label: 'Chat', type: 'text', placeholder: '-1001234567890 or @channel' },
      { name: 'message_thread_id', label: 'Topic', type: 'number', optional: true, rare: true, hint: 'The number of a topic, in a group with topics.' },
    ],
  },
  { kind: 'webhook', label: 'Webhook', about: 'A POST with JSON to an address of yours, signed as Standard Webhooks describes.', fields: [
    { name: 'url', label: 'Address', type: 'secret', placeholder: 'https://example.com/hooks/alerts', hint: 'Never shown again: many addresses hold a token.' },
    { name: 'secret', label: 'Signing secret', type: 'secret', placeholder: 'whsec_…', optional: true, rare: true, hint: 'Without one, a secret is made and shown once.' },
    { name: 'previous_secret', label: 'Previous signing secret', type: 'secret', placeholder: 'whsec_…', optional: true, rare: true, hint: 'Signs too, while you change from one secret to the other.' },
  ] },
  {
    kind: 'ntfy', label: 'ntfy', about: 'Subscribe to the topic in the ntfy app. On a public server, the topic’s name is its only protection.',
    fields: [
      { name: 'server', label: 'Server', type: 'address', value: 'https://ntfy.sh' },
      { name: 'topic', label: 'Topic', type: 'text', placeholder: 'shop-alerts-8f3k' },
      { name: 'token', label: 'Access token', type: 'secret', optional: true, rare: true, hint: 'Or a user and a password, or neither.' },
      { name: 'user', label: 'User', type: 'text', optional: true, rare: true },
      { name: 'password', label: 'Password', type: 'secret', optional: true, rare: true },
    ],
  },
  { kind: 'pagerduty', label: 'PagerDuty', about: 'In PagerDuty: add an “Events API v2” integration to a service.', fields: [
    { name: 'routing_key', label: 'Integration key', type: 'secret', placeholder: '32 letters and digits' },
    { name: 'eu', label: 'The account is in the EU service region', type: 'flag' },
  ] },
  { kind: 'pushover', label: 'Pushover', about: 'Register an application at Pushover; the user key is on its start page.', fields: [
    { name: 'token', label: 'Application token', type: 'secret' },
    { name: 'user', label: 'User or group key', type: 'secret' },
    { name: 'emergency', label: 'Repeat critical notices until somebody confirms them', type: 'flag' },
  ] },
  { kind: 'gotify', label: 'Gotify', about: 'In Gotify: make an application and copy its token.', fields: [
    { name: 'server', label: 'Server', type: 'address', placeholder: 'https://gotify.example.com' },
    { name: 'token', label: 'Application token', type: 'secret' },
  ] },
  { kind: 'matrix', label: 'Matrix', about: 'Invite the account whose access token is used here to the room.', fields: [
    { name: 'server', label: 'Homeserver', type: 'address', placeholder: 'https://matrix.example.org' },
    { name: 'room', label: 'Room', type: 'text', placeholder: '!abc:example.org' },
    { name: 'token', label: 'Access token', type: 'secret' },
  ] },
];

/** A kind that only a newer server knows has no fields that this page can change. */
export const kindOf = (name: ChannelKind): Kind => KINDS.find(({ kind }) => kind === name) ?? { kind: name, label: name, about: '', fields: [] };

/** As typed, by the field's name. */
export type Typed = Record<string, string | boolean>;

export function toTyped({ fields }: Kind, config: ChannelFields | null): Typed {
  return Object.fromEntries(fields.map((field) => [field.name, toText(field, config?.[field.name] ?? null, config !== null)]));
}

function toText(field: Field, value: ChannelValue, isSet: boolean): string | boolean {
  if (field.type === 'flag') return value === true;
  // Answers have no secrets: an empty field leaves them as they are.
  if (field.type === 'secret' || value === null) return isSet ? '' : (field.value ?? '');
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** The fields to send. `before`: the current settings; then only the differences. */
export function toConfig(kind: Kind, typed: Typed, before: ChannelFields | null): ChannelFields {
  const config: ChannelFields = before === null ? { kind: kind.kind } : {};
  const were = before === null ? null : toTyped(kind, before);
  for (const field of kind.fields) {
    const value = typed[field.name] ?? '';
    const text = typeof value === 'string' ? value.trim() : value;
    if (were === null ? text === '' && field.optional : text === were[field.name]) continue;
    config[field.name] = toValue(field, text);
  }
  return config;
}

function toValue({ type, optional }: Field, text: string | boolean): ChannelValue {
  if (typeof text === 'boolean') return text;
  if (type === 'list') return text.split(/[\s,;]+/).filter(Boolean);
  if (text === '' && optional) return null;
  if (type === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  return text;
}

/** The server's message names a field, as `` `config`: missing field `url` `` or `` `room` is not ... ``; people know its label. */
export function toProblem({ fields }: Kind, message: string): { field: string | null; text: string } {
  const found = fields.find(({ name }) => message.includes(`\`${name}\``));
  if (!found) return { field: null, text: message };
  const text = /missing field/.test(message) ? `${found.label} is missing` : message.replace(/^`config`: /, '').replace(`\`${found.name}\``, found.label);
  return { field: found.name, text: text.endsWith('.') ? text : `${text}.` };
}

/** The channel's destination as far as it is known, without secrets: "shop-alerts at ntfy.sh". */
export function toPlace({ config }: { config: ChannelFields }): string {
  const text = (name: string) => (typeof config[name] === 'string' ? config[name] : '');
  const server = text('server').replace(/^https?:\/\//, '');
  const target = text('topic') || text('room') || text('chat_id') || (Array.isArray(config['to']) ? config['to'].join(', ') : '');
  return [target, server].filter(Boolean).join(' at ');
}
