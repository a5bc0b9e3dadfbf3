// The ways in which a client can hurt its host, each provoked: see PROTOCOL.md, "Towards the host".
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
let sink;
let posts = [];
/** So many posts are answered with 500 first. */
let failures = 0;
before(async () => {
  sink = createServer(async (request, response) => {
    const chunks = await request.toArray();
    if (failures > 0) {
      failures -= 1;
      response.writeHead(500).end();
      return;
    }
    const body = JSON.parse(gunzipSync(Buffer.concat(chunks)));
    posts.push({ headers: request.headers, body });
    response.end(JSON.stringify({ accepted: body.requests.length, rejected: [] }));
  });
  await once(sink.listen(0, '127.0.0.1'), 'listening');
});
after(() => {
  sink.close();
  sink.closeAllConnections();
});
beforeEach(() => (posts = []));
const hits = () => posts.flatMap(({ body }) => body.requests);

/** Runs code in a process of its own; `{ code, signal, out, took }`. */
async function run(code, { words = ['--input-type=module'], ...env } = {}) {
  const began = performance.now();
  const child = spawn(process.execPath, [...words, '-e', code], {
    cwd: here,
    timeout: 60_000,
    env: { ...process.env, API_ANALYTICS_KEY: 'k', API_ANALYTICS_SERVER_URL: `http://127.0.0.1:${sink.address().port}`, ...env },
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += text));
  const [exit, signal] = await once(child, 'close');
  return { code: exit, signal, out, took: performance.now() - began };
}

const APP = `
import { createServer, get } from 'node:http';
import { expressAnalytics, flush } from 'api-analytics-client';
const watch = expressAnalytics();
const ask = (port, path = '/', options = {}) => new Promise((resolve) => get({ port, path, agent: false, ...options }, (answer) => answer.resume().on('end', () => resolve(answer))));
let closed = 0;
/** Until so many responses have closed, and so were recorded. */
const recorded = async (count) => { while (closed < count) await new Promise((resolve) => setTimeout(resolve, 5)); };
const serve = (handler) => new Promise((resolve) => { const server = createServer((q, s) => watch(q, s, () => { s.on('close', () => { closed += 1; }); handler(q, s); })); server.listen({ port: 0, exclusive: true }, () => resolve([server, server.address().port])); });
`;

test('importing it starts nothing', async () => {
  const { out } = await run(`
    const look = () => [process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP|TLS|Worker/.test(name)).length, ...['beforeExit', 'SIGTERM', 'exit', 'uncaughtException'].map((name) => process.listenerCount(name))].join();
    const before = look();
    for (const entry of ['', '/express', '/fastify', '/fetch', '/koa', '/hono', '/nestjs', '/register']) await import('api-analytics-client' + entry);
    const { expressAnalytics } = await import('api-analytics-client');
    expressAnalytics();
    console.log(before === look() ? 'nothing' : before + ' ' + look());
  `);
  assert.equal(out, 'nothing\n');
});

test('a flush after an outage also posts what came meanwhile', async () => {
  failures = 1;
  const { out } = await run(`${APP}
    const [, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/before');
    await recorded(1);
    console.log(await flush());
    await ask(port, '/meanwhile');
    await recorded(2);
    console.log(await flush());
    process.exit();
  `);
  assert.equal(out, 'false\ntrue\n');
  assert.deepEqual(hits().map(({ path }) => path), ['/before', '/meanwhile']);
});

test('a process that is done ends, and what it recorded arrives', async () => {
  const { code, took, out } = await run(`${APP}
    const [server, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/last');
    server.close();
  `);
  assert.deepEqual([code, out], [0, '']);
  assert.ok(took < 4_500, `${took}`); // a timer of its own would hold it for five seconds
  assert.deepEqual(hits().map(({ path, response_size }) => [path, response_size]), [['/last', 1]]);
});

test('a script that reads its answers in process.exit order can await flush', async () => {
  const { out } = await run(`${APP}
    const [, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/a');
    await recorded(1);
    console.log(await flush(), await flush(0));
    process.exit(3);
  `);
  assert.equal(out, 'true true\n');
  assert.equal(hits().length, 1);
});

test('SIGTERM ends the process as it would without the client', async () => {
  const { signal } = await run(`${APP}
    const [, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/a');
    await recorded(1);
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => {}, 5000);
  `);
  assert.equal(signal, 'SIGTERM');
});

test('a server that is not there neither ends nor holds the process, and prints nothing', async () => {
  const { code, out, took } = await run(`${APP}
    const [server, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/a');
    await new Promise((resolve) => setTimeout(resolve, 900));
    server.close();
  `, { API_ANALYTICS_SERVER_URL: 'http://127.0.0.1:9' });
  assert.deepEqual([code, out], [0, '']);
  assert.ok(took < 4_500, `${took}`);
});

test('all is said with NODE_DEBUG, and no key', async () => {
  const { out } = await run(`${APP}
    const [server, port] = await serve((q, s) => s.end('x'));
    await ask(port, '/a');
    server.close();
  `, { API_ANALYTICS_SERVER_URL: 'http://127.0.0.1:9', API_ANALYTICS_KEY: 'the-secret-key', NODE_DEBUG: 'api-analytics' });
  assert.match(out, /ECONNREFUSED/);
  assert.ok(!out.includes('the-secret-key'));
});

test('kept-alive connections do not gather listeners', async () => {
  const { out } = await run(`${APP}
    import { Agent } from 'node:http';
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const counts = new Set();
    const [server, port] = await serve((q, s) => { counts.add([q.socket.listenerCount('close'), s.listenerCount('close'), server.listenerCount('close')].join()); s.end('x'); });
    for (let i = 0; i < 30; i += 1) await ask(port, '/', { agent });
    agent.destroy();
    server.close();
    console.log(counts.size);
  `);
  assert.ok(Number(out) <= 2, out); // the first request of a connection may differ
  assert.equal(hits().length, 30);
});

test('requests and responses are not kept alive by waiting hits, nor is an AsyncLocalStorage', async () => {
  const { out } = await run(`${APP}
    import { AsyncLocalStorage } from 'node:async_hooks';
    const storage = new AsyncLocalStorage();
    let gone = 0;
    const registry = new FinalizationRegistry(() => { gone += 1; });
    const [, port] = await serve((q, s) => storage.run({ big: true }, () => { registry.register(q); registry.register(s); registry.register(storage.getStore()); watch(q, s, () => s.end('x')); }));
    for (let i = 0; i < 20; i += 1) await ask(port);
    for (let i = 0; i < 100 && gone < 57; i += 1) { await new Promise((resolve) => setTimeout(resolve, 20)); gc(); }
    console.log(gone >= 57 ? 'gone' : gone); // the last request may be on the stack
    process.exit();
  `, { words: ['--input-type=module', '--expose-gc'] });
  assert.equal(out, 'gone\n');
});

test('added twice, as ESM and as CommonJS, and by register: each request once, with the settings of the app', async () => {
  const { out } = await run(`${APP}
    import { createRequire } from 'node:module';
    const other = createRequire(import.meta.url)('api-analytics-client').expressAnalytics('k', { getUserID: () => 'nobody' });
    const named = expressAnalytics('k', { getUserID: () => 'alice' });
    const another = expressAnalytics('second-key');
    const server = createServer((q, s) => named(q, s, () => other(q, s, () => another(q, s, () => s.end('x')))));
    await new Promise((resolve) => server.listen(0, resolve));
    await ask(server.address().port, '/once');
    server.close();
  `, { words: ['--import', 'api-analytics-client/register', '--input-type=module'] });
  assert.equal(out, '');
  const found = posts.map(({ headers, body }) => [headers['x-auth-token'], body.framework, body.requests.map(({ user_id }) => user_id)]);
  assert.deepEqual(found.sort(), [['k', 'Express', ['alice']], ['second-key', 'Express', [undefined]]]);
});

test('at privacy level 2 no address is read or sent', async () => {
  await run(`${APP}
    const quiet = expressAnalytics('k', { privacyLevel: 2, getIPAddress: () => '203.0.113.9' });
    const server = createServer((q, s) => quiet(Object.defineProperty(q, 'ip', { get() { console.log('read'); return '203.0.113.9'; } }), s, () => s.end('x')));
    await new Promise((resolve) => server.listen(0, resolve));
    await ask(server.address().port);
    server.close();
  `).then(({ out }) => assert.equal(out, ''));
  assert.equal(posts[0].body.privacy_level, 2);
  assert.equal(hits()[0].ip_address, undefined);
});

test('anything that is odd about a request or response costs nobody an answer', async () => {
  const { code, out } = await run(`${APP}
    const odd = expressAnalytics('k', { getPath: () => { throw new Error('no'); } });
    odd({}, {}, () => {});
    odd({ headers: null, socket: null }, { once() { throw new Error('no'); } }, () => console.log('next was called'));
    const server = createServer((q, s) => odd(q, s, () => s.end('x')));
    await new Promise((resolve) => server.listen(0, resolve));
    await ask(server.address().port, '/secret/path', { headers: { 'User-Agent': 'x'.repeat(10000), Host: '[' } });
    server.close();
  `);
  assert.deepEqual([code, out], [0, 'next was called\n']);
  const [hit] = hits();
  assert.deepEqual([hit.path, hit.user_agent.length], ['/', 1024]); // a path that should have been masked is not shown
});

test('in a cluster each process posts for itself', async () => {
  const file = join(here, 'cluster-app.mjs');
  writeFileSync(file, `${APP}
    import cluster from 'node:cluster';
    if (cluster.isPrimary) { cluster.fork(); cluster.fork(); }
    else {
      const [, port] = await serve((q, s) => s.end('x'));
      await ask(port, '/worker/' + cluster.worker.id);
      await recorded(1);
      await flush();
      process.exit();
    }
  `);
  const { code, out } = await run(`process.argv[1] = '${file}'; await import('${file}');`);
  assert.deepEqual([code, out], [0, '']);
  assert.equal(posts.length, 2);
  assert.equal(hits().length, 2);
});
