// Server-sent events out of the text of an answer (WHATWG HTML, 9.2), with the line ends that our server writes. `EventSource` would read them too, but sends no header, and a
// share link's token stands in one.

export interface ServerEvent {
  kind: string;
  data: string;
}

export class EventReader {
  #rest = '';
  /** Of the last event, also of one without data: what the server is told on the next connection. */
  lastId = '';
  /** Milliseconds to wait before the next connection, where the server named them. */
  retry: number | null = null;

  /** The events that end within what was read so far. */
  read(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => this.#event(block.split('\n')));
  }

  #event(lines: string[]): ServerEvent[] {
    let kind = 'message';
    const data: string[] = [];
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'event') kind = value;
      else if (name === 'data') data.push(value);
      else if (name === 'id' && !value.includes('\0')) this.lastId = value;
      else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    }
    return data.length > 0 ? [{ kind, data: data.join('\n') }] : [];
  }
}
