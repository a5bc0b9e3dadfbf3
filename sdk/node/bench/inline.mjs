// The client's cost, in microseconds of a request:
// - inline: the middleware and the record at the end, called with Node's own request and response, less the same without them;
// - whole: processor time of a server process that answers real requests, with posting, less that of the bare app. Medians of rounds that
//   alternate, since a machine's speed drifts. With Express also that of the original's package, and of Apitally's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, createServer, IncomingMessage, request, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const round = (number) => Math.round(number * 100) / 100;

if (process.argv[2] === 'serve') await serve(process.argv[3]);
else {
  // In this order: the second fills the queue.
  const results = { held_bytes: await held(), inline_us: await inline() };
  for (const framework of ['express', 'fastify', 'koa', 'hono']) {
    results[`${framework}_us`] = await whole(framework, framework === 'express' ? ['client', 'original', 'apitally'] : ['client']);
  }
  console.log(results);
  writeFileSync(process.argv[2] ?? '/dev/null', `${JSON.stringify(results, null, 2)}\n`);
  process.exit();
}

async function inline() {
  const { expressAnalytics } = await import('api-analytics-client');
  const watch = expressAnalytics('k');
  const socket = new Socket();
  const once = (middleware) => {
    const incoming = new IncomingMessage(socket);
    Object.assign(incoming, { method: 'GET', url: '/items/42?page=1', headers: { host: 'a.example', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)', referer: 'https://a.example/' } });
    const response = new ServerResponse(incoming);
    middleware(incoming, response, () => response.writeHead(200, { 'content-length': 2 }));
    response.emit('close');
  };
  const time = (middleware, count) => {
    const began = performance.now();
    for (let i = 0; i < count; i += 1) once(middleware);
    return ((performance.now() - began) * 1000) / count;
  };
  const bare = (_request, _response, next) => next();
  for (const each of [bare, watch]) time(each, 50_000);
  const rounds = [];
  for (let i = 0; i < 15; i += 1) {
    const before = time(bare, 20_000);
    rounds.push(time(watch, 20_000) - before);
  }
  return round(median(rounds));
}

/** Bytes of a waiting hit. */
async function held() {
  process.env.API_ANALYTICS_SERVER_URL = 'http://127.0.0.1:9';
  const { expressAnalytics } = await import('api-analytics-client');
  const watch = expressAnalytics('k');
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 5000; i += 1) {
    const incoming = new IncomingMessage(new Socket());
    Object.assign(incoming, { method: 'GET', url: `/items/${i}?page=1`, headers: { host: `${i}.example`, 'user-agent': `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${i}` } });
    const response = new ServerResponse(incoming);
    watch(incoming, response, () => response.writeHead(200, { 'content-length': 2 }));
    response.emit('close');
  }
  gc();
  return Math.round((process.memoryUsage().heapUsed - before) / 5000);
}

async function whole(framework, clients) {
  const sink = createServer((incoming, response) => {
    incoming.resume().on('end', () => response.end('{"accepted":1,"rejected":[]}'));
  });
  await once(sink.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${sink.address().port}`;
  const start = async (client) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', framework], {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        CLIENT: client,
        API_ANALYTICS_KEY: client === 'client' ? 'k' : '',
        API_ANALYTICS_SERVER_URL: address,
        APITALLY_HUB_BASE_URL: address,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [port] = await once(child.stdout, 'data');
    return { child, port: Number(port) };
  };
  const bare = await start('bare');
  const watched = {};
  for (const client of clients) watched[client] = await start(client);
  const apps = [bare, ...Object.values(watched)];
  const load = async ({ port }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const ask = (path) =>
      new Promise((resolve, reject) => {
        request({ port, path, agent, host: '127.0.0.1' }, (answer) => {
          let text = '';
          answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
        }).on('error', reject).end();
      });
    const before = Number(await ask('/cpu'));
    let left = 6000;
    await Promise.all(Array.from({ length: 20 }, async () => { while ((left -= 1) >= 0) await ask(`/items/${left}`); }));
    const after = Number(await ask('/cpu'));
    agent.destroy();
    return (after - before) / 6000;
  };
  for (const app of apps) await load(app);
  const rounds = [];
  for (let i = 0; i < 7; i += 1) {
    const round = { bare: await load(bare) };
    for (const client of clients) round[client] = (await load(watched[client])) - round.bare;
    rounds.push(round);
  }
  for (const { child } of apps) child.kill();
  sink.close();
  sink.closeAllConnections();
  return Object.fromEntries(['bare', ...clients].map((name) => [name, round(median(rounds.map((one) => one[name])))]));
}

async function serve(framework) {
  const client = await import('api-analytics-client');
  const cpu = () => { const { user, system } = process.cpuUsage(); return String(user + system); };
  const answer = (id) => ({ id, name: 'an item' });
  const say = (server) => console.log(server.address().port);
  if (framework === 'express') {
    const { default: express } = await import('express');
    const app = express();
    await watchExpress(app, client);
    app.get('/cpu', (_, response) => response.send(cpu())).get('/items/:id', (incoming, response) => response.json(answer(incoming.params.id)));
    const server = app.listen(0, '127.0.0.1', () => say(server));
  } else if (framework === 'fastify') {
    const { default: Fastify } = await import('fastify');
    const app = Fastify();
    client.useFastifyAnalytics(app);
    app.get('/cpu', async () => cpu());
    app.get('/items/:id', async (incoming) => answer(incoming.params.id));
    await app.listen({ port: 0, host: '127.0.0.1' });
    say(app.server);
  } else if (framework === 'koa') {
    const { default: Koa } = await import('koa');
    const { default: Router } = await import('@koa/router');
    const router = new Router();
    router.get('/cpu', (context) => (context.body = cpu()));
    router.get('/items/:id', (context) => (context.body = answer(context.params.id)));
    const server = new Koa().use(client.koaAnalytics()).use(router.routes()).listen(0, '127.0.0.1', () => say(server));
  } else {
    const { Hono } = await import('hono');
    const { serve: listen } = await import('@hono/node-server');
    const app = new Hono();
    app.use(client.honoAnalytics());
    app.get('/cpu', (context) => context.text(cpu())).get('/items/:id', (context) => context.json(answer(context.req.param('id'))));
    const server = listen({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => say(server));
  }
}

/** By the client that the environment names. */
async function watchExpress(app, ours) {
  if (process.env.CLIENT === 'original') {
    const { Config, expressAnalytics } = await import('node-api-analytics');
    const config = new Config();
    config.serverUrl = `${process.env.API_ANALYTICS_SERVER_URL}/`;
    app.use(expressAnalytics('k', config));
  } else if (process.env.CLIENT === 'apitally') {
    // Its own server is never asked: its posts go to ours.
    const { useApitally } = await import('apitally/express');
    useApitally(app, { clientId: '00000000-0000-4000-8000-000000000000', env: 'bench' });
  } else {
    app.use(ours.expressAnalytics());
  }
}
