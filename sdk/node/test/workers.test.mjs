// The part for Cloudflare Workers, in Node: who posts, when, and what an outage leaves. `contract/conformance` runs it under workerd.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

const file = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/api-analytics-client/dist/esm/workers.js');
let fresh = 0;
/** As in a new isolate. */
const isolate = () => import(`${pathToFileURL(file).href}?${fresh++}`);

let posts = [];
let answers = [];
let bindings;
const said = [];
const real = console.error;
const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = JSON.parse(gunzipSync(Buffer.concat(parts)));
  posts.push({ at: Date.now(), key: request.headers['x-auth-token'], body });
  const [status, headers = {}] = answers.shift() ?? [200];
  response.writeHead(status, headers).end(JSON.stringify(status === 200 ? { accepted: body.requests.length, rejected: [] } : {}));
});
before(async () => {
  console.error = (text) => said.push(text);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => {
  console.error = real;
  server.close();
  server.closeAllConnections();
});
let keys = 0;
beforeEach(() => {
  posts = [];
  answers = [];
  said.length = 0;
  // Isolates of these tests share modules that Node keeps, so each test has a key of its own.
  bindings = { API_ANALYTICS_KEY: `key-${keys++}`, API_ANALYTICS_SERVER_URL: `http://127.0.0.1:${server.address().port}`, DATABASE: {} };
});

/** One request: its answer, and a promise that settles when the runtime would end it. */
async function ask(handler, { path = '/', headers } = {}) {
  const kept = [];
  const response = await handler.fetch(new Request(`https://api.example${path}`, { headers }), bindings, { waitUntil: (promise) => kept.push(promise) });
  return { response, text: await response.text(), end: Promise.all(kept) };
}
const hello = { fetch: () => new Response('hello') };

test('one request posts what others left, a second later; the address is the edge\'s', async () => {
  const { watch } = await isolate();
  const handler = watch({ ...hello, scheduled: () => 'as before' });
  const asked = [];
  const began = Date.now();
  for (let number = 0; number < 3; number += 1) {
    asked.push(await ask(handler, { path: `/${number}`, headers: { 'cf-connecting-ip': '192.0.2.1', 'x-forwarded-for': '203.0.113.9' } }));
  }
  await Promise.all(asked.slice(1).map(({ end }) => end));
  assert.equal(posts.length, 0, 'these do not wait for the first');
  await asked[0].end;
  assert.ok(Date.now() - began > 800);
  assert.deepEqual(posts.map(({ body }) => body.requests.map(({ path }) => path)), [['/0', '/1', '/2']]);
  assert.equal(posts[0].key, bindings.API_ANALYTICS_KEY);
  assert.equal(posts[0].body.framework, 'Cloudflare Workers');
  assert.deepEqual([posts[0].body.requests[0].ip_address, posts[0].body.requests[0].response_size], ['192.0.2.1', 5]);
  assert.equal(handler.scheduled(), 'as before');
  assert.deepEqual(said, []);
});

test('within a request an outage is tried through, under one batch_id; hits that come meanwhile follow', async () => {
  const { watch } = await isolate();
  const handler = watch(hello);
  answers = [[503], [503]];
  const first = await ask(handler, { path: '/first' });
  while (posts.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const second = await ask(handler, { path: '/second' });
  await Promise.all([first.end, second.end]);
  assert.deepEqual(posts.map(({ body }) => body.requests.map(({ path }) => path)), [['/first'], ['/first'], ['/first'], ['/second']]);
  assert.equal(new Set(posts.map(({ body }) => body.batch_id)).size, 2);
});

test('what a request could not post, a later one does, not before the time that the server asked for', async (t) => {
  const { watch } = await isolate();
  const handler = watch(hello);
  answers = [[429, { 'Retry-After': '600' }]];
  await (await ask(handler, { path: '/first' })).end;
  await (await ask(handler, { path: '/second' })).end;
  assert.equal(posts.length, 1);
  const now = Date.now;
  t.after(() => (Date.now = now));
  Date.now = () => now() + 601_000;
  await (await ask(handler, { path: '/third' })).end;
  assert.deepEqual(posts.slice(1).map(({ body }) => body.requests.map(({ path }) => path)), [['/first'], ['/second', '/third']]);
  assert.equal(posts[1].body.batch_id, posts[0].body.batch_id);
});

test('a request that was ended from outside is believed to post for half a minute only', async (t) => {
  const { watch } = await isolate();
  const handler = watch(hello);
  const timeout = setTimeout;
  globalThis.setTimeout = (call, milliseconds, ...more) => (milliseconds > 500 ? undefined : timeout(call, milliseconds, ...more));
  await ask(handler, { path: '/ended' }); // its sleep never ends
  globalThis.setTimeout = timeout;
  await (await ask(handler, { path: '/early' })).end;
  assert.equal(posts.length, 0);
  const now = Date.now;
  t.after(() => (Date.now = now));
  Date.now = () => now() + 31_000;
  await (await ask(handler, { path: '/late' })).end;
  assert.deepEqual(posts.map(({ body }) => body.requests.map(({ path }) => path)), [['/ended', '/early', '/late']]);
});

test('an unknown key and no key are said once; then nothing is kept', async () => {
  const { watch } = await isolate();
  const handler = watch(hello);
  answers = [[401]];
  await (await ask(handler)).end;
  await (await ask(handler)).end;
  assert.equal(posts.length, 1);
  assert.equal(said.length, 1);
  bindings = {};
  const without = watch(hello);
  for (let count = 0; count < 2; count += 1) assert.equal((await ask(without)).text, 'hello');
  assert.match(said[1], /no key given/);
  assert.equal(said.length, 2);
});

test('what a handler throws goes on, and is a 500; a stream passes part by part', async () => {
  const { watch, flush } = await isolate();
  const handler = watch({
    fetch(request) {
      if (request.url.endsWith('/fails')) throw new Error('fails');
      return new Response(ReadableStream.from((async function* () {
        for (const part of ['one', 'two', 'three']) {
          yield new TextEncoder().encode(part);
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
      })()));
    },
  });
  await assert.rejects(() => ask(handler, { path: '/fails' }), /fails/);
  assert.equal((await ask(handler, { path: '/stream' })).text, 'onetwothree');
  assert.equal(await flush(), true);
  assert.deepEqual(posts[0].body.requests.map(({ status, response_size }) => [status, response_size]), [[500, undefined], [200, 11]]);
  assert.ok(posts[0].body.requests[1].response_time > 80);
});
