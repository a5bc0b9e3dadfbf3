// Parses server-sent events from the text of an answer (WHATWG HTML, 9.2), with the line ends that our server writes. `EventSource` would
// do so too, but cannot send a header, which a share link's token needs.

export interface ServerEvent {
  kind: string;
  data: string;
}

export class EventReader {
  #rest = '';
  /** The id of the last event, even one without data: sent to the server on the next connection. */
  lastId = '';
  /** Milliseconds to wait before the next connection, if the server gave them. */
  retry: number | null = null;

  /** The events that are complete in the text read so far. */
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
