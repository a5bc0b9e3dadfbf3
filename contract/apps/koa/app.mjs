// Koa 3 with @koa/router, or the version that KOA names.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Router from '@koa/router';
import { koaAnalytics } from 'api-analytics-client/koa';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

const { default: Koa } = await import(process.env.KOA ?? 'koa');
const app = new Koa();
app.silent = true;
app.use(koaAnalytics());

const router = new Router();
router.post('/items', async (context) => {
  context.status = 201;
  context.body = `${(await text(context.req)).length}`;
});
router.get('/items/:id', (context) => {
  if (context.params.id === '404') context.status = 404;
  context.body = `item ${context.params.id}`;
});
router.delete('/items/:id', (context) => (context.status = 204));
router.get('/old', (context) => context.redirect('/items/1'));
router.get('/fails', () => {
  throw new Error('a handler fails');
});
router.get('/fails-later', async () => {
  await sleep(5);
  throw new Error('a handler fails later');
});
router.get('/stream', (context) => (context.body = Readable.from(parts())));
router.get('/slow', async (context) => {
  await sleep(1_000);
  context.body = 'slow';
});
router.get('/endless', (context) => (context.body = Readable.from(endless())));
const orgs = new Router();
orgs.get('/items/:id', (context) => (context.body = `${context.params.org} ${context.params.id}`));
orgs.get('/fails', () => {
  throw new Error('a mounted handler fails');
});
router.use('/orgs/:org', orgs.routes());
app.use(router.routes());

const server = createServer(app.callback());
finishSetup(server);
server.listen(port, '127.0.0.1');
