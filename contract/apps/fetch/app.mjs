// A plain fetch handler on Bun and Deno.
import { flush, watch } from 'api-analytics-client/fetch';
import { port } from '../node/serve.mjs';
import { fetch } from './handler.mjs';

const { Bun, Deno } = globalThis;
const failed = () => new Response('Internal Server Error', { status: 500 });
if (Bun) {
  const server = Bun.serve(watch({ fetch, error: failed, port, hostname: '127.0.0.1' }));
  process.once('SIGTERM', async () => {
    await server.stop();
    await flush();
    process.exit();
  });
} else {
  const server = Deno.serve({ port, hostname: '127.0.0.1', onListen() {}, onError: failed }, watch(fetch));
  Deno.addSignalListener('SIGTERM', async () => {
    await server.shutdown();
    await flush();
    Deno.exit();
  });
}
