import { expect, test } from 'vitest';
import { EventReader } from './events';

test('events are read wherever the text is cut', () => {
  const text = 'retry: 2000\n\nid: 7\n\n:\n\nid: 8\ndata: {"a":"ü\\n"}\n\nevent: missed\ndata: {"requests":12}\n\nid: 9\ndata: 1\ndata: 2\n\nid: 10\ndata: half';
  for (let size = 1; size <= text.length; size++) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.read(text.slice(at, at + size)));
    expect(events, `${size}`).toEqual([
      { kind: 'message', data: '{"a":"ü\\n"}' },
      { kind: 'missed', data: '{"requests":12}' },
      { kind: 'message', data: '1\n2' },
    ]);
    expect([reader.lastId, reader.retry]).toEqual(['9', 2000]);
  }
});

test('an id without data counts, and what is unknown is passed over', () => {
  const reader = new EventReader();
  expect(reader.read('id: 5\n\nretry: soon\nfoo: bar\nbare\n\ndata\n\n')).toEqual([{ kind: 'message', data: '' }]);
  expect([reader.lastId, reader.retry]).toEqual(['5', null]);
});
