// A server of our own and a browser, the base of every test here. Console errors, requests to other hosts and layout shifts are recorded,
// and `leave` fails on them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** Pixels. */
const LONG_PAGE = 8_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Starts the binary of API_ANALYTICS_BIN on a free port with its own data folder, without the demo, whose requests take seconds to make,
 * and with `more` arguments, in which `{url}` stands for its address; API_ANALYTICS_URL names a running one instead. */
export async function startServer(...more) {
  if (process.env.API_ANALYTICS_URL) return { url: process.env.API_ANALYTICS_URL, stop: async () => {} };
  const binary = process.env.API_ANALYTICS_BIN;
  assert.ok(binary, 'API_ANALYTICS_BIN names the server to test');
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'api-analytics-browser-'));
  const url = `http://127.0.0.1:${port}`;
  const settings = more.map((setting) => setting.replace('{url}', url));
  const server = spawn(binary, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, ...settings], {
    stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, API_ANALYTICS_DEMO: 'off' },
  });
  for (let tries = 0; ; tries++) {
    const up = await fetch(`${url}/api/health`).then((answer) => answer.ok, () => false);
    if (up) break;
    if (tries === 4_500 || server.exitCode !== null) {
      // While it runs, the test's process does not end.
      server.kill('SIGKILL');
      assert.fail('the server did not start');
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  return {
    url,
    data,
    async stop() {
      const gone = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A FastAPI app that sends its requests with the Python client. */
export async function startApp(serverUrl, key) {
  const python = process.env.PYTHON_OF_APP;
  assert.ok(python, 'PYTHON_OF_APP names an interpreter with FastAPI and uvicorn');
  const port = await freePort();
  const folder = new URL('.', import.meta.url).pathname;
  const app = spawn(python, [join(folder, 'app.py')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, KEY: key, SERVER_URL: serverUrl, PORT: String(port), PYTHONPATH: join(folder, '../../sdk/python/src') },
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    // Not one of its routes: nothing is counted before the client is ready.
    const up = await fetch(`${url}/openapi.json`).then((answer) => answer.ok, () => false);
    if (up) break;
    assert.ok(tries < 900 && app.exitCode === null, 'the app did not start');
    await new Promise((done) => setTimeout(done, 100));
  }
  return {
    url,
    async stop() {
      const gone = new Promise((done) => app.once('exit', done));
      app.kill('SIGTERM');
      await gone;
    },
  };
}

/** Each test file, a process of its own, begins elsewhere below the system's own choices: while a server has not begun to listen, or is
 * stopped for a while, nobody else gets its port. */
let nextPort = 20_000 + (process.pid % 300) * 40;

/** A free port, another one each time. */
export async function freePort() {
  for (;;) {
    const port = nextPort++;
    const isFree = await new Promise((done) => {
      const probe = createServer().once('error', () => done(false)).listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (isFree) return port;
  }
}

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });

/** A page of a fresh browser profile. `expected`: console errors that are part of the test, as parts of their text. */
export async function enter(browser, url, options = {}) {
  const { expected = [], ...rest } = options;
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'Europe/London', viewport: { width: 1440, height: 1000 }, ...rest });
  // Nothing takes so long, but on a busy machine.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.some((text) => message.text().includes(text))) wrong.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) wrong.push(`another host: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    if (dialog.type() !== 'beforeunload') wrong.push(`dialog: ${dialog.message()}`);
    void dialog.accept();
  });
  page.loading = new Set();
  // A stream stays open.
  page.on('request', (request) => { if (request.headers()['accept'] !== 'text/event-stream') page.loading.add(request); });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => page.loading.delete(request));
  await page.addInitScript(() => {
    window.shifted = 0;
    window.shifts = [];
    // The browser passes over what moves within half a second of an input. On a busy machine the answer to it comes later.
    let inputAt = -Infinity;
    let answeredAt = -Infinity;
    for (const kind of ['pointerdown', 'keydown', 'input']) addEventListener(kind, () => { inputAt = performance.now(); }, true);
    const ask = window.fetch;
    window.fetch = async (...call) => {
      const isOfInput = performance.now() - inputAt < 1_000;
      try {
        return await ask.apply(window, call);
      } finally {
        if (isOfInput) answeredAt = performance.now();
      }
    };
    const name = (node) => node && `${node.nodeName.toLowerCase()}.${node.parentElement?.className ?? ''} ${node.className ?? ''}`;
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, startTime, value, sources } of list.getEntries()) {
        if (hadRecentInput || (startTime > answeredAt && startTime < answeredAt + 1_000)) continue;
        window.shifted += value;
        window.shifts.push({ value, what: sources.map(({ node, previousRect, currentRect }) => `${name(node)} from ${previousRect.y} to ${currentRect.y}`) });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  page.leave = async () => {
    const { shifted, shifts } = await page.evaluate(() => ({ shifted: window.shifted, shifts: window.shifts }));
    await context.close();
    assert.deepEqual(wrong, []);
    assert.ok(shifted < 0.1, `the page moved by ${shifted}: ${JSON.stringify(shifts)}`);
  };
  return page;
}

/** Waits until nothing is on its way or moves, but a quarter of a second at most: a picture of a page that loads for ever is wanted too. */
export async function calm(page) {
  const end = Date.now() + 250;
  const resting = () => !document.querySelector('.dimmed') && !document.getAnimations().some((one) => one.playState === 'running' && one.effect.getTiming().iterations !== Infinity);
  do {
    // An answer that has just arrived is drawn in the next frame, and observers see that in the one after it.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));
  } while ((page.loading.size > 0 || !(await page.evaluate(resting))) && Date.now() < end);
}

/** Repeats an assertion about what the page shows until it holds, for half a minute: an answer that has arrived is drawn a moment later,
 * and not always together with another one. */
export async function soon(assertion) {
  for (const end = Date.now() + 30_000; ;) {
    try {
      return await assertion();
    } catch (problem) {
      if (Date.now() > end) throw problem;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A picture at `path`, for people, of a page that must fit the screen's width and have no serious finding of axe. Of a page as long as the
 * API's documentation it shows the beginning, as taking all of it takes many seconds. */
export async function keepPicture(page, path) {
  await calm(page);
  const { wanted, width, height } = await page.evaluate(() => ({ wanted: document.documentElement.scrollWidth, width: innerWidth, height: document.documentElement.scrollHeight }));
  await page.screenshot({ path, fullPage: true, ...(height > LONG_PAGE && { clip: { x: 0, y: 0, width, height: LONG_PAGE } }) });
  assert.ok(wanted <= width, `${path} is wider than the screen`);
  await axe(page);
}

/** Serious findings of axe or worse. It runs outside of the page's policy, like the developer tools. */
export async function axe(page) {
  // Numbers of the previous query stay dimmed until the new ones arrive, and nobody reads them.
  await page.waitForFunction(() => !document.querySelector('.dimmed') && !document.getAnimations().some((one) => one instanceof CSSTransition), null, { timeout: 30_000 }).catch(() => {});
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axeSource });
  // Of rules that pass, only how many there are is looked at; those that need style sheets or media loaded again find nothing serious.
  const run = `axe.run(document, { resultTypes: ['violations'], preload: false }).then((found) => JSON.stringify({
    passes: found.passes.length,
    serious: found.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' ')),
  }))`;
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true });
  const { passes, serious } = JSON.parse(result.value);
  assert.ok(passes > 5, 'axe looked at something');
  assert.deepEqual(serious, []);
}

export async function post(url, key, requests) {
  const answer = await fetch(`${url}/api/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': key },
    body: JSON.stringify({ framework: 'FastAPI', requests }),
  });
  const { accepted } = await answer.json();
  assert.equal(accepted, requests.length);
  await settle(url);
}

/** Waits until every accepted request can be read, some milliseconds after it was accepted. */
async function settle(url) {
  for (let tries = 0; ; tries++) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (/^api_analytics_inbox_records 0$/m.test(metrics)) return;
    assert.ok(tries < 3_000, 'accepted requests cannot be read');
    await new Promise((done) => setTimeout(done, 20));
  }
}

export async function createProject(url, name) {
  const answer = await fetch(`${url}/api/v1/projects`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }),
  });
  assert.equal(answer.status, 201);
  return answer.json();
}

export async function signIn(page, url, key) {
  await page.goto(`${url}/signin`);
  await page.getByLabel("The project's key").fill(key);
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await page.waitForURL(/\/dashboard\?project=/);
}

/** The number under a headline. */
export const headline = (page, title) => page.locator('.stat', { hasText: title }).locator('b');
