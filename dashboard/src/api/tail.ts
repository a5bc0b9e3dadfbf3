// Follows the project's requests as they are stored, while the page is visible: reconnects by itself, and sends the id of the last request
// it saw, so that the server sends the missed ones.

import { EventReader } from './events';
import { address, toRequest, type Parameters, type Scope } from './request';
import type { Hit } from './types';

export interface TailListener {
  /** In order of arrival. */
  onhits?: (hits: Hit[]) => void;
  /** Number of requests left out; null: unknown. */
  onmissed?: (requests: number | null) => void;
  /** There were some; called instead of `onhits` if hits aren't wanted. */
  onkept?: () => void;
  /** Whether it is connected. */
  onchange?: (connected: boolean) => void;
  /** The server refuses the connection: retrying soon is useless. */
  onrefused?: () => void;
}

/** Between two failing tries, growing from the first to the second. */
const WAIT_MS = [2_000, 30_000] as const;
/** A connection silent for longer is dead: the server sends something every 15 s. */
const SILENT_MS = 40_000;
/** Pages of a browser that may follow at once. Over HTTP/1.1 a browser has six connections to a host, for all of its tabs. */
const PLACES = 3;

/** Returns a function that ends it. */
export function follow(scope: Scope, parameters: Parameters, listener: TailListener): () => void {
  const reader = new EventReader();
  let abort: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait: number = WAIT_MS[0];
  let ended = false;

  async function connect() {
    clearTimeout(timer);
    if (ended || document.hidden || abort) return;
    const own = (abort = new AbortController());
    let refused = false;
    try {
      refused = await withPlace(own.signal, () => listen(own));
    } catch {
      // The connection broke, or was aborted.
    }
    if (abort === own) abort = null;
    listener.onchange?.(false);
    if (ended || document.hidden) return;
    if (refused) listener.onrefused?.();
    timer = setTimeout(() => void connect(), refused ? WAIT_MS[1] : (wait = Math.min(wait * 1.5, WAIT_MS[1])));
  }

  /** Until the stream ends; true if the server refuses. */
  async function listen(own: AbortController): Promise<boolean> {
    const { headers, ...request } = toRequest(scope);
    headers['accept'] = 'text/event-stream';
    if (reader.lastId) headers['last-event-id'] = reader.lastId;
    const response = await fetch(address('tail', scope, parameters), { ...request, headers, signal: own.signal });
    if (!response.ok || !response.body) return response.status >= 400 && response.status < 500;
    let silent = setTimeout(() => own.abort(), SILENT_MS);
    const body = response.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { value, done } = await body.read();
        if (done) return false;
        clearTimeout(silent);
        silent = setTimeout(() => own.abort(), SILENT_MS);
        wait = WAIT_MS[0];
        tell(value);
      }
    } finally {
      clearTimeout(silent);
    }
  }

  function tell(text: string) {
    const hits: Hit[] = [];
    let kept = false;
    for (const { kind, data } of reader.read(text)) {
      if (kind === 'message') hits.push(JSON.parse(data) as Hit);
      else if (kind === 'missed') listener.onmissed?.((JSON.parse(data) as { requests: number | null }).requests);
      else if (kind === 'kept') kept = true;
    }
    listener.onchange?.(true);
    if (hits.length > 0) listener.onhits?.(hits);
    if (kept) listener.onkept?.();
  }

  function drop() {
    clearTimeout(timer);
    abort?.abort();
    abort = null;
  }
  const onvisible = () => (document.hidden ? drop() : void connect());
  document.addEventListener('visibilitychange', onvisible);
  void connect();
  return () => {
    ended = true;
    document.removeEventListener('visibilitychange', onvisible);
    drop();
  };
}

/** Runs it if fewer than `PLACES` pages of this browser follow; else returns true (refused). Without the Web Locks API every page may. */
async function withPlace(signal: AbortSignal, run: () => Promise<boolean>): Promise<boolean> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (!locks) return run();
  for (let place = 0; place < PLACES && !signal.aborted; place++) {
    const answer = await locks.request(`api-analytics-tail-${place}`, { ifAvailable: true }, (lock) => (lock ? run() : null));
    if (answer !== null) return answer;
  }
  return true;
}
