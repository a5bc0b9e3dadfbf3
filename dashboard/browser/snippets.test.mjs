// Runs the start page's snippets: each becomes an app, one request is made, and it must arrive. The Node client is installed from the server
// as the page says, the Python client is that of this tree; run.sh installs the frameworks. `journey.test.mjs` and `docs/` cover FastAPI's.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enter, freePort, startBrowser, startServer } from './stage.mjs';

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

async function snippet(label) {
  await page.getByRole('group', { name: 'Framework' }).getByRole('button', { name: label }).click();
  const pre = page.getByLabel(`${label} code`);
  assert.ok((await pre.textContent()).includes(key));
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
async function callAndFind(app, url, framework) {
  for (let tries = 0; ; tries++) {
    const up = await fetch(url).then((answer) => answer.status === 200, () => false);
    if (up) break;
    assert.ok(tries < 300 && app.exitCode === null, `the app did not start: ${app.said}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${server.url}/api/v1/hits`, { headers: { 'x-auth-token': key } });
    const found = (await answer.json()).hits.find((hit) => hit.framework === framework);
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

/** Runs the snippet's `npm install` as it stands, and puts the frameworks beside what it installed. */
async function installNode() {
  const frameworks = process.env.NODE_FRAMEWORKS;
  assert.ok(frameworks, 'NODE_FRAMEWORKS names the node_modules of contract/apps/node');
  const modules = join(folder, 'node_modules');
  if (existsSync(modules)) return;
  await page.getByRole('group', { name: 'Framework' }).getByRole('button', { name: 'Express' }).click();
  const line = await page.getByLabel('Code for your app').locator('.line code').textContent();
  const words = line.replace(/^\$\s*/u, '').split(' ');
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

test('curl', async () => {
  const file = join(folder, 'curl.sh');
  writeFileSync(file, await snippet('curl'));
  const app = run('bash', [file]);
  const hit = await callAndFind(app, `${server.url}/api/health`, 'curl');
  assert.deepEqual([hit.path, hit.host, hit.duration_ms], ['/hello', 'example.com', 12.5]);
});
