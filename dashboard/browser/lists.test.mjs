// Lists of a project with 20,000 endpoints and 20,000 consumers: every row is found, both ends of every order are right, the last row can
// be scrolled to, and files are complete.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

const MANY = 20_000;
const FOXES = 65;
let server;
let browser;
let project;
const number = (n) => String(n).padStart(5, '0');
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  project = await createProject(server.url, 'Many things');
  // Each endpoint once by its own consumer; the first ten more often. The slowest is the last, and not among the busiest.
  const hits = Array.from({ length: MANY }, (_, n) => ({
    path: `/v1/${n % 300 === 7 && n < 300 * FOXES ? 'Red-Fox' : 'thing'}-${number(n)}`, route: `/v1/${n % 300 === 7 && n < 300 * FOXES ? 'Red-Fox' : 'thing'}-${number(n)}`,
    method: 'GET', status: n % 10 === 0 ? 500 : 200, response_time: n === 0 ? 1 : n === MANY - 1 ? 60_000 : 10 + (n % 1_000), user_id: `user-${number(n)}`, hostname: `h${n % 400}.example.com`,
  }));
  for (let n = 0; n < 10; n++) for (let m = 0; m <= n; m++) hits.push({ ...hits[n] });
  for (let from = 0; from < hits.length; from += 5_000) await post(server.url, project.key, hits.slice(from, from + 5_000));
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Scrolls to the last row of a card, once the list has its full height, and waits until the row has arrived. */
async function scrollToEnd(page, card) {
  await page.locator(`.${card} tr.gap`).first().waitFor({ state: 'attached' });
  await page.locator(`.${card} .scroll`).evaluate((element) => { element.scrollTop = element.scrollHeight; });
  await page.locator(`.${card} tr[aria-rowindex="${MANY + 1}"] button`).first().waitFor();
}

const foxes = Array.from({ length: MANY }, (_, n) => n).filter((n) => n % 300 === 7 && n < 300 * FOXES);
const first = (page, card, text) => page.waitForFunction(([card, text]) => document.querySelector(`.${card} tbody button span:last-of-type`)?.textContent === text, [card, text]);

test('endpoints: a search finds all, both ends of an order are right, and the last row is a scroll away', async () => {
  assert.equal(foxes.length, FOXES);
  const page = await enter(browser, server.url);
  const asked = [];
  page.on('request', (request) => { if (request.url().includes('/api/v1/lists/')) asked.push(new URL(request.url())); });
  await signIn(page, server.url, project.key);
  const card = page.locator('.endpoints');
  await first(page, 'endpoints', '/v1/thing-00009');
  await soon(async () => assert.equal(await card.locator('tbody tr').count(), 10));
  assert.deepEqual(asked, [], 'the first rows come with the page');

  await card.getByRole('button', { name: 'Search endpoints' }).click();
  await card.getByRole('searchbox').fill('red-fox get');
  await card.getByText(`${FOXES} of 20,000 match`).waitFor();
  await first(page, 'endpoints', '/v1/Red-Fox-00007');
  await soon(async () => assert.equal(await card.locator('table').getAttribute('aria-rowcount'), String(FOXES + 1)));
  await axe(page);

  // A file of the found rows.
  const menu = card.getByRole('button', { name: 'Endpoints: more' });
  await menu.click();
  const [found] = await Promise.all([page.waitForEvent('download'), card.getByRole('link', { name: 'All that match as CSV' }).click()]);
  assert.match(found.suggestedFilename(), /^Many-things-endpoints-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
  assert.equal(readFileSync(await found.path(), 'utf8').trim().split('\r\n').length, FOXES + 1);

  await card.getByRole('searchbox').fill('no such thing');
  await card.getByText('No endpoint matches \u201cno such thing\u201d.').waitFor();
  await card.getByRole('searchbox').fill('');
  await page.waitForURL((url) => !url.searchParams.has('tab.endpoints_find'));

  const p95 = card.getByRole('button', { name: /^p95/ });
  await p95.click();
  await first(page, 'endpoints', '/v1/thing-19999');
  await p95.click();
  await first(page, 'endpoints', '/v1/thing-00000');
  await page.waitForURL(/sort=p95_ms\.asc/);

  await card.getByRole('button', { name: 'Show all 20,000' }).click();
  await card.getByText('20,000 rows').waitFor();
  await scrollToEnd(page, 'endpoints');
  await card.getByRole('button', { name: /thing-19999/ }).waitFor();
  await soon(async () => assert.equal(await card.locator('tr', { hasText: 'thing-19999' }).getAttribute('aria-rowindex'), '20001'));
  await soon(async () => assert.ok((await card.locator('tbody tr').count()) < 60, 'what is not in sight is not drawn'));
  await page.reload();
  await first(page, 'endpoints', '/v1/thing-00000');
  await card.getByText('20,000 rows').waitFor();
  for (const url of asked) assert.equal(url.searchParams.get('limit'), '100', url.href);

  await menu.click();
  const [all] = await Promise.all([page.waitForEvent('download'), card.getByRole('link', { name: 'All rows as NDJSON' }).click()]);
  const lines = readFileSync(await all.path(), 'utf8').trim().split('\n');
  assert.equal(lines.length, MANY);
  assert.equal(JSON.parse(lines[0]).route, '/v1/thing-00000');
  await page.leave();
});

test('consumers and breakdowns have every row too', async () => {
  const page = await enter(browser, server.url);
  await signIn(page, server.url, project.key);
  const card = page.locator('.consumers');
  await first(page, 'consumers', 'user-00009');
  await card.getByRole('button', { name: 'Search consumers' }).click();
  await card.getByRole('searchbox').fill('USER-1234');
  await card.getByText('10 of 20,000 match').waitFor();
  await first(page, 'consumers', 'user-12340');
  await card.getByRole('searchbox').fill('');
  await card.getByRole('button', { name: /^p95/ }).click();
  await first(page, 'consumers', 'user-19999');
  await card.getByRole('button', { name: 'Show all 20,000' }).click();
  await card.getByText('20,000 rows').waitFor();
  await scrollToEnd(page, 'consumers');
  await card.getByRole('button', { name: /user-00000/ }).waitFor();
  // A click filters by a row far down, and back returns to the list as it was.
  await card.getByRole('button', { name: /user-00000/ }).click();
  await page.waitForURL(/q=consumer/);
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '2');
  await page.goBack();
  await card.getByText('20,000 rows').waitFor();

  await page.waitForFunction(() => document.querySelectorAll('.statuses .row').length === 2);
  await page.leave();
});

test('a list that cannot be had says so, keeps what is there and tries again', async () => {
  const page = await enter(browser, server.url, { expected: ['ERR_FAILED', 'Failed to load resource'] });
  await signIn(page, server.url, project.key);
  const card = page.locator('.endpoints');
  await first(page, 'endpoints', '/v1/thing-00009');
  await page.route('**/api/v1/lists/**', (route) => route.abort());
  await card.getByRole('button', { name: 'Show all 20,000' }).click();
  await card.getByRole('alert').getByText('The server cannot be reached.').waitFor();
  await soon(async () => assert.equal(await card.locator('tbody button').count(), 10));
  await axe(page);
  await page.unroute('**/api/v1/lists/**');
  await card.getByRole('button', { name: 'Try again' }).click();
  await card.locator('tr[aria-rowindex="2"]').waitFor();
  await page.leave();
});

test('on a phone every row has a second line with the values that have no column there', async () => {
  const page = await enter(browser, server.url, { viewport: { width: 390, height: 844 }, hasTouch: true });
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h&open=endpoints&tab.consumers=users`);
  const endpoints = page.locator('.card.endpoints tbody tr');
  const consumers = page.locator('.card.consumers tbody tr');
  const second = (rows) => rows.locator('.second');
  await endpoints.nth(9).waitFor();
  await soon(async () => assert.match(await second(endpoints).first().textContent(), /^(just now|\d+ (s|min) ago) · p50 \d+ ms · p99 \d+ ms$/));
  await soon(async () => assert.match(await second(consumers).first().textContent(), /^(just now|\d+ (s|min) ago)$/));
  // It is below the row's first line and overlaps nothing.
  const overlaps = await endpoints.first().evaluate((row) => {
    const line = row.querySelector('.second').getBoundingClientRect();
    return [...row.querySelectorAll('.path, td:not(.what) > *')].filter((one) => one.getBoundingClientRect().bottom > line.top + 1).length;
  });
  assert.equal(overlaps, 0);
  await page.locator('.card.endpoints').getByText('20,000 rows').waitFor();
  await scrollToEnd(page, 'endpoints');
  const last = page.locator(`.card.endpoints tbody tr[aria-rowindex="${MANY + 1}"]`);
  await soon(async () => assert.ok(await second(last).isVisible()));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await axe(page);
  await page.setViewportSize({ width: 1440, height: 900 });
  await soon(async () => assert.equal(await second(endpoints).first().isVisible(), false));
  await page.leave();
});
