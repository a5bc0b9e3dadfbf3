// One kept-alive connection to the server, and the reading of its answers.
//
// `node:http` and not fetch: undici's pool holds a process for seconds after its last use. Sockets and timers are unref'd, so that none of
// them keeps the host's process alive. A whole try has one deadline: a server that sends a byte now and then must not hold the queue.

import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { type Answer, MAX_ANSWER_BYTES, toHeaders, toMilliseconds, toObject, toPath, TRY_MS } from './answer.js';

export const CONNECT_MS = 5_000;

export class Connection {
  readonly #agent: http.Agent;
  readonly #options: https.RequestOptions;
  readonly #request: typeof http.request;

  constructor(url: URL, key: string) {
    const secure = url.protocol === 'https:';
    // One socket: batches of a key are posted one after the other.
    this.#agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
    this.#request = (secure ? https : http).request;
    this.#options = {
      agent: this.#agent,
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: toPath(url),
      headers: toHeaders(key),
    };
  }

  /** One try. Rejects if no answer comes, with the reason as message. */
  async post(body: Buffer): Promise<Answer> {
    const deadline = Date.now() + TRY_MS;
    try {
      return await this.#try(body, deadline);
    } catch (error) {
      // The server closed the idle connection in the meantime, as servers may. Posting again is safe even if it read the batch: the batch
      // has an id.
      if (error instanceof StaleConnection) return await this.#try(body, deadline);
      throw error;
    }
  }

  /** Ends the idle connection. */
  close(): void {
    this.#agent.destroy();
  }

  #try(body: Buffer, deadline: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = this.#request({ ...this.#options, headers: { ...this.#options.headers, 'Content-Length': body.length } });
      let connecting: NodeJS.Timeout | undefined;
      const whole = setTimeout(() => end(new Error(`no whole answer within ${TRY_MS / 1000} s`)), Math.max(deadline - Date.now(), 1)).unref();
      const end = (outcome: Error | Answer, keep = false): void => {
        clearTimeout(whole);
        clearTimeout(connecting);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
        if (!keep) request.destroy();
      };
      request.on('socket', (socket: Socket) => {
        socket.unref(); // each time: the agent refs a socket that it hands out again
        if (!socket.connecting) return;
        connecting = setTimeout(() => end(new Error(`no connection within ${CONNECT_MS / 1000} s`)), CONNECT_MS).unref();
        socket.once('connect', () => clearTimeout(connecting));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        end(stale ? new StaleConnection(error.message) : error);
      });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size <= MAX_ANSWER_BYTES) chunks.push(chunk);
          else end(new Error('an answer of more than 1 MiB'));
        });
        response.on('error', end);
        response.on('aborted', () => end(new Error('the answer broke off')));
        response.on('end', () => {
          const { location } = response.headers;
          const retryAfter = toMilliseconds(response.headers['retry-after']);
          end({ status: response.statusCode ?? 0, body: toObject(Buffer.concat(chunks).toString()), retryAfter, location }, true);
        });
      });
      request.end(body);
    });
  }
}

class StaleConnection extends Error {}
