// Runs the start page's snippets: each becomes an app, one request is made, and it must arrive. The Node and Go clients are installed from the
// server as the page says, the Python client is that of this tree; run.sh installs the frameworks. `journey.test.mjs` and `docs/` cover FastAPI's.
// `contract/conformance` runs those of Rust.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enter, freePort, soon, startBrowser, startServer } from './stage.mjs';

let server;
let browser;
let page;
let key;
const folder = mkdtempSync(join(tmpdir(), 'api-analytics-snippets-'));
const apps = [];
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  page = await enter(browser, server.url);
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Generate API key' }).click();
  key = await page.getByLabel('Your key').textContent();
});
after(async () => {
  for (const app of apps) app.kill('SIGKILL');
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** By the search, which finds it whatever language is chosen. */
async function choose(label) {
  const search = page.getByLabel('Find a framework');
  await search.fill(label);
  await page.getByRole('group', { name: 'Framework' }).getByRole('button', { name: label, exact: true }).click();
  await soon(async () => assert.equal(await search.inputValue(), ''));
}

async function snippet(label) {
  await choose(label);
  const pre = page.getByLabel(`${label} code`);
  await soon(async () => assert.ok((await pre.textContent()).includes(key)));
  return pre.textContent();
}

function run(program, words, options) {
  const app = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...options });
  app.said = '';
  app.stderr.on('data', (text) => (app.said += text));
  apps.push(app);
  return app;
}

/** Makes one request to the app, and returns the resulting hit. */
async function callAndFind(app, url, framework, path) {
  for (let tries = 0; ; tries++) {
    const up = await fetch(url).then((answer) => answer.status === 200, () => false);
    if (up) break;
    assert.ok(tries < 900 && app.exitCode === null, `the app did not start: ${app.said}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${server.url}/api/v1/hits`, { headers: { 'x-auth-token': key } });
    const found = (await answer.json()).hits.find((hit) => hit.framework === framework && (path === undefined || hit.path === path));
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  return assert.fail(`nothing came from ${framework}: ${app.said}`);
}

/** With the Python client of this tree. */
const PYTHONPATH = new URL('../../sdk/python/src', import.meta.url).pathname;

function python() {
  const found = process.env.PYTHON_OF_APP;
  assert.ok(found, 'PYTHON_OF_APP names an interpreter with the Python client and its frameworks');
  return found;
}

test('Flask', async () => {
  const port = await freePort();
  const file = join(folder, 'flask_app.py');
  writeFileSync(file, `${await snippet('Flask')}\n\n@app.get("/flask")\ndef answer():\n    return "yes"\n\napp.run(port=${port})\n`);
  const hit = await callAndFind(run(python(), [file], { env: { ...process.env, PYTHONPATH } }), `http://127.0.0.1:${port}/flask`, 'Flask');
  assert.deepEqual([hit.path, hit.method, hit.status], ['/flask', 'GET', 200]);
});

test('Django, on a machine whose clock is not in the zone of its settings', async () => {
  const port = await freePort();
  // The relevant part of what `startproject` writes.
  const made = 'SECRET_KEY = "x"\nALLOWED_HOSTS = ["*"]\nROOT_URLCONF = "urls"\nUSE_TZ = True\nTIME_ZONE = "UTC"\nMIDDLEWARE = ["django.middleware.common.CommonMiddleware"]\n';
  writeFileSync(join(folder, 'settings.py'), `${made}\n${await snippet('Django')}\n`);
  writeFileSync(join(folder, 'urls.py'), `from django.http import HttpResponse\nfrom django.urls import path\nurlpatterns = [path("django", lambda request: HttpResponse("yes"))]\n`);
  const env = { ...process.env, TZ: 'Asia/Tokyo', DJANGO_SETTINGS_MODULE: 'settings', PYTHONPATH: `${folder}:${PYTHONPATH}` };
  const app = run(python(), ['-m', 'django', 'runserver', String(port), '--noreload'], { env });
  const hit = await callAndFind(app, `http://127.0.0.1:${port}/django`, 'Django');
  assert.deepEqual([hit.path, hit.method, hit.status], ['/django', 'GET', 200]);
});

/** How an app goes on after its snippet, to answer `/NAME`, and the framework that its hits name. */
const PYTHON_APPS = {
  Quart: [(port) => `@app.get("/Quart")\nasync def answer():\n    return "yes"\n\napp.run(port=${port})\n`],
  Litestar: [
    (port) => `import litestar, uvicorn\n\n@litestar.get("/Litestar")\nasync def answer() -> str:\n    return "yes"\n\napi.register(answer)\nuvicorn.run(app, port=${port})\n`,
    'ASGI',
  ],
  Falcon: [
    (port) => `class Answer:\n    def on_get(self, request, answer):\n        answer.text = "yes"\n\napi.add_route("/Falcon", Answer())\nfrom wsgiref.simple_server import make_server\nmake_server("127.0.0.1", ${port}, app).serve_forever()\n`,
  ],
  aiohttp: [(port) => `async def answer(request):\n    return web.Response(text="yes")\n\napp.router.add_get("/aiohttp", answer)\nweb.run_app(app, host="127.0.0.1", port=${port}, print=None)\n`],
  Tornado: [
    (port) => `import asyncio, tornado.web\n\nclass Answer(tornado.web.RequestHandler):\n    def get(self):\n        self.write("yes")\n\napp.add_handlers(".*", [("/Tornado", Answer)])\n\nasync def main():\n    app.listen(${port}, "127.0.0.1")\n    await asyncio.Event().wait()\n\nasyncio.run(main())\n`,
  ],
};

for (const [label, [rest, framework = label]] of Object.entries(PYTHON_APPS)) {
  test(label, async () => {
    const port = await freePort();
    const file = join(folder, `${label}_app.py`);
    writeFileSync(file, `${await snippet(label)}\n\n${rest(port)}`);
    const hit = await callAndFind(run(python(), [file], { env: { ...process.env, PYTHONPATH } }), `http://127.0.0.1:${port}/${label}`, framework);
    assert.deepEqual([hit.path, hit.method, hit.status], [`/${label}`, 'GET', 200]);
  });
}

/** The line in the shell, of the chosen snippet. */
const installLine = async () => (await page.getByLabel('Code for your app').locator('.line code').textContent()).replace(/^\$\s*/u, '');

/** Runs the snippet's `npm install` as it stands, and puts the frameworks beside what it installed. */
async function installNode() {
  const frameworks = process.env.NODE_FRAMEWORKS;
  assert.ok(frameworks, 'NODE_FRAMEWORKS names the node_modules of contract/apps/node');
  const modules = join(folder, 'node_modules');
  if (existsSync(modules)) return;
  await choose('Express');
  const words = (await installLine()).split(' ');
  assert.deepEqual([words[0], words[1], words[2].startsWith(server.url)], ['npm', 'install', true]);
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  execFileSync(words[0], [...words.slice(1), '--no-audit', '--no-fund', '--cache', join(folder, 'npm')], { cwd: folder, stdio: 'pipe' });
  for (const name of readdirSync(frameworks)) if (!name.startsWith('.')) symlinkSync(join(frameworks, name), join(modules, name));
}

/** How an app goes on after its snippet, to answer `/NAME`. */
const NODE_APPS = {
  Express: (port) => `app.get('/Express', (_, answer) => answer.send('yes'));\napp.listen(${port}, '127.0.0.1');`,
  Fastify: (port) => `app.get('/Fastify', async () => 'yes');\nawait app.listen({ port: ${port}, host: '127.0.0.1' });`,
  Koa: (port) => `app.use((context) => { context.body = 'yes'; });\napp.listen(${port}, '127.0.0.1');`,
  Hono: (port) => `app.get('/Hono', (context) => context.text('yes'));\n(await import('@hono/node-server')).serve({ fetch: app.fetch, port: ${port}, hostname: '127.0.0.1' });`,
  NestJS: (port) => `await app.listen(${port}, '127.0.0.1');`,
};

for (const [label, rest] of Object.entries(NODE_APPS)) {
  test(label, async () => {
    await installNode();
    const port = await freePort();
    writeFileSync(
      join(folder, 'app.module.js'),
      "import 'reflect-metadata';\nimport { Controller, Get, Module } from '@nestjs/common';\nclass Hello { answer() { return 'yes'; } }\nController()(Hello);\nGet('NestJS')(Hello.prototype, 'answer', Object.getOwnPropertyDescriptor(Hello.prototype, 'answer'));\nexport class AppModule {}\nModule({ controllers: [Hello] })(AppModule);\n",
    );
    const file = join(folder, `${label}.mjs`);
    writeFileSync(file, `${await snippet(label)}\n${rest(port)}\n`);
    const hit = await callAndFind(run(process.execPath, [file]), `http://127.0.0.1:${port}/${label}`, label);
    assert.deepEqual([hit.path, hit.method, hit.status], [`/${label}`, 'GET', 200]);
  });
}

test('Node.js without a change of its code', async () => {
  await installNode();
  const port = await freePort();
  writeFileSync(join(folder, 'app.js'), `import { createServer } from 'node:http';\ncreateServer((_, answer) => answer.end('yes')).listen(${port}, '127.0.0.1');\n`);
  const file = join(folder, 'node.sh');
  writeFileSync(file, (await snippet('Node.js')).replace('node --import', 'exec node --import'));
  const hit = await callAndFind(run('bash', [file]), `http://127.0.0.1:${port}/node`, 'Node.js');
  assert.deepEqual([hit.path, hit.method, hit.status], ['/node', 'GET', 200]);
});

/** Where a Go app's routes go, and its route that answers `/go`. */
const HERE = '// your routes';
const GO_APPS = {
  'net/http': 'mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("yes")) })',
  Gin: 'router.GET("/:name", func(c *gin.Context) { c.String(200, "yes") })',
  chi: 'router.Get("/{name}", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("yes")) })',
  'Echo 5': 'app.GET("/:name", func(c *echo.Context) error { return c.String(200, "yes") })',
  'Echo 4': 'app.GET("/:name", func(c echo.Context) error { return c.String(200, "yes") })',
  'Fiber 3': 'app.Get("/:name", func(c fiber.Ctx) error { return c.SendString("yes") })',
  'Fiber 2': 'app.Get("/:name", func(c *fiber.Ctx) error { return c.SendString("yes") })',
};

test('net/http, Gin, chi, Echo, Fiber', async () => {
  const modules = join(folder, 'go');
  mkdirSync(modules);
  const cache = join(process.env.API_ANALYTICS_CACHE ?? join(homedir(), '.cache/api-analytics'), 'go');
  const env = { ...process.env, GOCACHE: join(cache, 'build'), GOMODCACHE: join(cache, 'mod'), GOTOOLCHAIN: 'local' };
  const go = (line) => execFileSync('bash', ['-ec', line], { cwd: modules, env, stdio: 'pipe' });
  // An earlier run's server handed out other bytes as the same version.
  go('for f in "$GOMODCACHE"/{,cache/download/}api-analytics.local; do if [ -e "$f" ]; then chmod -R u+w "$f"; rm -rf "$f"; fi; done; go mod init apps');
  const started = [];
  for (const [number, [label, route]] of Object.entries(GO_APPS).entries()) {
    const port = await freePort();
    const code = await snippet(label);
    assert.ok(code.includes(HERE) && code.includes('localhost:8000'), code);
    go(await installLine());
    mkdirSync(join(modules, `app${number}`));
    writeFileSync(join(modules, `app${number}`, 'main.go'), `${code}\n`.replace(HERE, route).replace('localhost:8000', `127.0.0.1:${port}`));
    started.push({ label, port, file: join(modules, `bin/app${number}`), path: `/go-${number}` });
  }
  // Formatted as Go's tools would, with tabs and all.
  assert.equal(String(go('gofmt -l .')), '');
  go('go build -o bin/ ./...');
  for (const { label, port, file, path } of started) {
    const framework = label === 'chi' ? 'Chi' : label.replace(/ \d$/u, '');
    const hit = await callAndFind(run(file, []), `http://127.0.0.1:${port}${path}`, framework, path);
    assert.deepEqual([hit.path, hit.route, hit.method, hit.status], [path, '/{name}', 'GET', 200], label);
  }
});

test('a search that finds nothing says what any program can do', async () => {
  const search = page.getByLabel('Find a framework');
  await search.fill('laravel');
  await page.getByText('No client for “laravel”').waitFor();
  await page.getByRole('button', { name: 'by HTTP' }).click();
  await page.getByLabel('curl code').waitFor();
  await search.fill('fiber');
  await search.press('Enter');
  await page.getByLabel('Fiber 3 code').waitFor();
  await soon(async () => assert.equal(await page.getByRole('group', { name: 'Language' }).getByRole('button', { name: 'Go', exact: true }).getAttribute('aria-pressed'), 'true'));
  await search.fill('x');
  await search.press('Escape');
  await page.getByRole('group', { name: 'Language' }).getByRole('button', { name: 'Node', exact: true }).click();
  await page.getByLabel('Express code').waitFor();
});

test('curl', async () => {
  const file = join(folder, 'curl.sh');
  writeFileSync(file, await snippet('curl'));
  const app = run('bash', [file]);
  const hit = await callAndFind(app, `${server.url}/api/health`, 'curl');
  assert.deepEqual([hit.path, hit.host, hit.duration_ms], ['/hello', 'example.com', 12.5]);
});
