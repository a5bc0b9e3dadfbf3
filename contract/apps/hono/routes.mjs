// The Hono app of every runtime.
import { honoAnalytics } from 'api-analytics-client/hono';
import { Hono } from 'hono';
import { endless, parts, sleep } from '../node/parts.mjs';

export const app = new Hono();
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
  await sleep(1_000);
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
