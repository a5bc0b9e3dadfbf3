// Hono on Node, Bun and Deno; with FETCH=1 on Node without its request and response.
import { flush, honoAnalytics } from 'api-analytics-client/hono';
import { Hono } from 'hono';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

const app = new Hono();
const stream = (source) => new Response(ReadableStream.from(source));
app.use(honoAnalytics());
app.post('/items', async (context) => context.text(`${(await context.req.text()).length}`, 201));
app.get('/items/:id', (context) => (context.req.param('id') === '404' ? context.text('no such item', 404) : context.text(`item ${context.req.param('id')}`)));
app.delete('/items/:id', (context) => context.body(null, 204));
app.get('/old', (context) => context.redirect('/items/1'));
app.get('/fails', () => {
  throw new Error('a handler fails');
});
app.get('/fails-later', async () => {
  await sleep(5);
  throw new Error('a handler fails later');
});
app.get('/stream', () => stream(parts()));
app.get('/slow', async (context) => {
  await sleep(300);
  return context.text('slow');
});
app.get('/endless', () => stream(endless()));
const orgs = new Hono();
orgs.get('/items/:id{[0-9]+}', (context) => context.text(`${context.req.param('org')} ${context.req.param('id')}`));
orgs.get('/fails', () => {
  throw new Error('a mounted handler fails');
});
app.route('/orgs/:org', orgs);
app.onError((_error, context) => context.text('Internal Server Error', 500));

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
