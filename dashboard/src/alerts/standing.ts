// The state of a channel, in a word and a detail.

import type { Channel } from '../api/types';
import { numbers } from '../format/number';
import { ago, toMs } from '../format/time';

export interface ChannelStanding {
  label: string;
  tone: 'good' | 'warn' | 'bad' | '';
  /** "" if the label says it all. */
  detail: string;
}

export function toStanding(channel: Channel, now: number): ChannelStanding {
  const waiting = channel.waiting ? `${numbers.count(channel.waiting)} waiting` : '';
  if (channel.problem) return { label: 'Switched off', tone: 'bad', detail: channel.problem };
  if (!channel.enabled) return { label: 'Paused', tone: '', detail: waiting };
  const failing = toMs(channel.failing_since);
  if (failing !== null) return { label: 'Failing', tone: 'bad', detail: [`for ${ago(failing, now)}`, waiting].filter(Boolean).join(', ') };
  return { label: 'Active', tone: 'good', detail: waiting };
}
