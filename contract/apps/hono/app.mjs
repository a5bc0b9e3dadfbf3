// Hono on Node, Bun and Deno; with FETCH=1 on Node without its request and response.
import { flush } from 'api-analytics-client/hono';
import { finishSetup, port } from '../node/serve.mjs';
import { app } from './routes.mjs';

const { Bun, Deno } = globalThis;
// These two have no end of a server that the client could see, so the app flushes.
if (Bun) {
  const server = Bun.serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
  process.once('SIGTERM', async () => {
    await server.stop();
    await flush();
    process.exit();
  });
} else if (Deno) {
  const server = Deno.serve({ port, hostname: '127.0.0.1', onListen() {} }, app.fetch);
  Deno.addSignalListener('SIGTERM', async () => {
    await server.shutdown();
    await flush();
    Deno.exit();
  });
} else {
  const { serve } = await import('@hono/node-server');
  const fetch = process.env.FETCH ? (request) => app.fetch(request, {}) : app.fetch;
  finishSetup(serve({ fetch, port, hostname: '127.0.0.1' }));
}
