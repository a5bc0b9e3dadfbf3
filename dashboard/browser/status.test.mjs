// The public status page: created in the editor, seen by a visitor without a key, and an outage from its first bar to its end; each state
// as a picture in `artefacts/page`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { axe, createProject, enter, freePort, signIn, soon, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
const DAY_MS = 86_400_000;
const targets = [];
let server;
let browser;
before(async () => {
  server = await startServer('--allow-networks', '127.0.0.0/8');
  browser = await startBrowser();
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  for (const target of targets) {
    target.close();
    target.closeAllConnections();
  }
});

async function startTarget() {
  const port = await freePort();
  let status = 200;
  const target = createServer((_, response) => response.writeHead(status).end('ok'));
  await new Promise((done) => target.listen(port, '127.0.0.1', done));
  targets.push(target);
  return { url: `http://127.0.0.1:${port}/health`, answer: (given) => (status = given) };
}

async function call(key, method, path, body) {
  const answer = await fetch(`${server.url}/api/v1/${path}`, {
    method, headers: { 'x-auth-token': key, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

/** Days of an older server, written into its file. `of`: hours down and degraded of a day, counted from today. */
function fillDays(monitor, days, of) {
  const today = Math.floor(Date.now() / DAY_MS);
  const rows = Array.from({ length: days }, (_, i) => {
    const { down = 0, degraded = 0 } = of[i + 1] ?? {};
    const [down_ms, degraded_ms] = [down * 3_600_000, degraded * 3_600_000];
    return [monitor, today - i - 1, DAY_MS - down_ms - degraded_ms, degraded_ms, down_ms, 0];
  });
  const script = 'import json, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=30)\ndb.executemany("INSERT OR REPLACE INTO days (monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms) VALUES (?, ?, ?, ?, ?, ?)", json.loads(sys.argv[2]))\ndb.commit()\n';
  const done = spawnSync('python3', ['-c', script, `${server.data}/monitors.sqlite`, JSON.stringify(rows)], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

async function until(what, holds) {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 400, `${what} does not come to be`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

const fits = async (page, name) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);

test('a status page is made in the editor, and tells visitors of an outage what its owner publishes', async () => {
  const services = { Orders: await startTarget(), Catalogue: await startTarget(), Search: await startTarget(), Checkout: await startTarget() };
  const project = await createProject(server.url, 'Shop');
  const ids = {};
  for (const [name, target] of Object.entries(services)) {
    const monitor = { kind: 'http', url: target.url, name: `internal ${name}`, interval_s: 20, down_after: 1, up_after: 1 };
    ids[name] = (await call(project.key, 'POST', 'monitors', monitor)).id;
  }
  const page = await enter(browser, server.url);
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/monitoring?project=${project.project_id}`);
  await page.getByRole('link', { name: 'Status page' }).click();
  await page.waitForURL(/\/status-page\?project=/);
  await page.getByText('Nobody can see the page yet.').waitFor();
  await axe(page);

  await page.getByLabel('Heading of group 1').fill('API');
  for (const name of Object.keys(services)) {
    await page.getByLabel('Add a monitor to group 1').selectOption({ label: `internal ${name}` });
    await page.getByLabel(`Name of internal ${name} for visitors`).fill(name);
  }
  // Orders goes down one place and up again.
  await page.getByRole('button', { name: 'Move Orders down' }).click();
  await soon(async () => assert.equal(await page.locator('fieldset li input').first().inputValue(), 'Catalogue'));
  await page.getByRole('button', { name: 'Move Orders up' }).click();
  await page.getByLabel('Title', { exact: true }).fill('Shop status');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: 'Show the page to anyone' }).click();
  await page.getByText('Anyone with the address can see the page.').waitFor();
  await axe(page);
  await fits(page, 'the editor');
  await page.screenshot({ path: `${folder}status-editor.png`, fullPage: true });
  const address = await page.getByRole('link', { name: 'Open the page' }).getAttribute('href');
  assert.match(address, /\/status\/shop-[a-z2-9]{8}$/);
  const { slug } = await call(project.key, 'GET', 'status-page');

  fillDays(ids.Orders, 89, { 37: { down: 14 } });
  fillDays(ids.Catalogue, 89, { 12: { degraded: 0.2 } });
  fillDays(ids.Search, 89, { 4: { degraded: 2.6 } });
  fillDays(ids.Checkout, 40, {});
  await until('four services that are up', async () => (await (await fetch(`${address}/json`)).json()).state === 'operational');

  const visitor = await enter(browser, server.url, { viewport: { width: 900, height: 1120 } });
  await visitor.goto(address);
  await visitor.getByText('All services are operational').waitFor();
  // 14 hours of 89 days and a part of today.
  await visitor.getByText(/99\.3[3-5]\s% over 90 days/).waitFor();
  await soon(async () => assert.equal(await visitor.getByRole('img', { name: /Last 90 days/ }).count(), 4));
  // Its script shows times in the visitor's zone.
  await visitor.getByText('Europe/London').waitFor();
  await axe(visitor);
  await fits(visitor, 'the status page');
  await visitor.screenshot({ path: `${folder}status-operational.png`, fullPage: true });

  // An outage, and its owner's texts about it.
  services.Orders.answer(503);
  await until('an incident', async () => (await call(project.key, 'GET', 'incidents?state=open')).incidents.length === 1);
  await page.reload();
  await page.getByText('not published').click();
  await page.getByLabel('Title for visitors').fill('Orders cannot be placed');
  await page.getByLabel('Update (optional)').fill('Requests to create orders fail.');
  await axe(page);
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Published.').waitFor();
  await page.getByLabel('Update (optional)').fill('A database failover is in progress.\nReading orders works again.');
  await page.getByLabel('Stage of the update').selectOption('identified');
  await page.getByRole('button', { name: 'Save and tell visitors' }).click();
  await page.getByText('Visitors see it now.').waitFor();
  await call(project.key, 'POST', 'maintenance', {
    title: 'Database upgrade', text: 'Orders may fail for a minute.', monitors: [ids.Orders], published: true,
    schedule: { kind: 'once', from: new Date(Date.now() + 3 * DAY_MS).toISOString(), to: new Date(Date.now() + 3 * DAY_MS + 3_600_000).toISOString() },
  });

  await visitor.reload();
  await visitor.getByText('Some services are disrupted').waitFor();
  const now = visitor.locator('section', { has: visitor.getByRole('heading', { name: 'Now', exact: true }) });
  await now.getByText('Orders cannot be placed').waitFor();
  await soon(async () => assert.deepEqual(await now.locator('li b').allTextContents(), ['Identified', 'Investigating']));
  await visitor.getByText('Concerns Orders').waitFor();
  await axe(visitor);
  await visitor.screenshot({ path: `${folder}status-outage.png`, fullPage: true });
  for (const [name, options] of [['dark', { colorScheme: 'dark', viewport: { width: 900, height: 1120 } }], ['phone', { viewport: { width: 390, height: 844 } }], ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }]]) {
    const other = await enter(browser, server.url, options);
    await other.goto(address);
    await other.getByText('Orders cannot be placed').waitFor();
    await axe(other);
    await fits(other, name);
    await other.screenshot({ path: `${folder}status-outage-${name}.png`, fullPage: true });
    await other.leave();
  }
  // Without the script it has the same content.
  const plain = await enter(browser, server.url, { javaScriptEnabled: false, viewport: { width: 900, height: 1120 } });
  await plain.goto(address);
  await plain.getByText('Times are in UTC').waitFor();
  await plain.getByText('Orders cannot be placed').waitFor();
  await plain.context().close();

  // The feed and the badges are valid, for other sites too.
  const parsed = await visitor.evaluate(async (slug) => {
    const read = async (path, type) => new DOMParser().parseFromString(await (await fetch(path)).text(), type);
    const feed = await read(`/status/${slug}/rss`, 'application/xml');
    const badge = await read(`/status/${slug}/badge/orders.svg`, 'image/svg+xml');
    return {
      broken: [feed, badge].map((one) => one.querySelector('parsererror')?.textContent ?? ''),
      titles: [...feed.querySelectorAll('item > title')].map((title) => title.textContent),
      dates: [...feed.querySelectorAll('pubDate')].map((date) => Number.isNaN(Date.parse(date.textContent))),
      badge: badge.documentElement.getAttribute('aria-label'),
    };
  }, slug);
  assert.deepEqual(parsed, {
    broken: ['', ''],
    titles: ['Maintenance: Database upgrade', 'Identified: Orders cannot be placed', 'Investigating: Orders cannot be placed'],
    dates: [false, false],
    badge: 'Orders: down',
  });
  const told = await visitor.content();
  for (const hidden of ['internal', '127.0.0.1', '/health']) assert.ok(!told.replaceAll(server.url, '').includes(hidden), hidden);
  // Of a number only the text: a link, a time in milliseconds or a place in a picture may have these digits.
  const answered = /(?<![\d.])503(?![\d.])/;
  assert.match(JSON.stringify(await call(project.key, 'GET', 'incidents')), answered, 'its owner sees it');
  await soon(async () => assert.doesNotMatch(await visitor.locator('body').innerText(), answered));

  // It ends with the checks, and a visitor's open page updates by itself.
  services.Orders.answer(200);
  await until('its end', async () => (await (await fetch(`${address}/json`)).json()).incidents.length === 0);
  await visitor.getByText('All services are operational').waitFor({ timeout: 180_000 });
  await visitor.getByText('2 earlier updates').click();
  await visitor.getByText('A database failover is in progress.').waitFor();
  await axe(visitor);
  await visitor.screenshot({ path: `${folder}status-earlier.png`, fullPage: true });

  await page.reload();
  await page.getByRole('button', { name: 'Hide the page' }).click();
  await page.getByText('Nobody can see the page yet.').waitFor();
  assert.equal((await fetch(address)).status, 404);
  await visitor.leave();
  await page.leave();
  const gone = await enter(browser, server.url, { expected: ['404'] });
  await gone.goto(address);
  await gone.getByText('There is no status page at this address').waitFor();
  await axe(gone);
  await gone.leave();
});

test('what the server says against a field is said, also on a phone, and who may only look sees the page and changes nothing', async () => {
  const project = await createProject(server.url, 'Empty');
  const page = await enter(browser, server.url, { viewport: { width: 390, height: 844 }, expected: ['400'] });
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/status-page?project=${project.project_id}`);
  await page.getByText('There is no monitor to show yet.').waitFor();
  // Without a mail server the switch explains what is missing, and is disabled.
  await page.getByText('has set `smtp_server` and `public_url`').waitFor();
  await soon(async () => assert.ok(await page.getByLabel('Visitors can subscribe by e-mail').isDisabled()));
  await page.getByLabel('Last part of the address').fill('not a slug');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('`slug` may hold the letters a to z').waitFor();
  await axe(page);
  await fits(page, 'the editor on a phone');
  await page.screenshot({ path: `${folder}status-editor-phone.png`, fullPage: true });
  await page.leave();

  const guest = await enter(browser, server.url);
  await guest.goto(`${server.url}/monitoring/${project.dashboard_id}`);
  await guest.waitForURL(/\/monitoring\?project=/);
  await guest.goto(`${server.url}/status-page?project=${project.project_id}`);
  await guest.getByText('read-only').waitFor();
  await soon(async () => assert.equal(await guest.getByRole('button', { name: /Save|Show the page|Publish/ }).count(), 0));
  await axe(guest);
  await guest.leave();
});
