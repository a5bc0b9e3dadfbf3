// A plain fetch handler on Bun, Deno and Node. `workers.ts` is its part for Workers.

import { toAddress } from './address.js';
import type { Settings } from './config.js';
import { type Handler, wrap } from './fetch-handler.js';
import { watchFetch } from './fetch-watch.js';
import { open } from './queue.js';
import { Recorder } from './recorder.js';

export { Config } from './config.js';
export { flush } from './flush.js';
export type { FetchFunction, Handler } from './fetch-handler.js';

// Nothing but the runtime has a name here.
const NAME = 'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node.js';

/** The same handler, watched: `Bun.serve(watch({ fetch }, apiKey, config))`, `Deno.serve(watch(fetch))`, `export default watch({ fetch })`. */
export function watch<H extends Handler>(handler: H, apiKey?: string | null, config?: Settings<Request> | null): H {
  const recorder = new Recorder<Request>({ name: NAME }, open, apiKey, config);
  return wrap(handler, (handle, request, more) => {
    // Bun and Deno hand over who knows the address.
    const address = recorder.readsAddress ? toAddress(more[0], request) : undefined;
    return watchFetch(recorder, { request, address, subject: request }, handle);
  });
}
