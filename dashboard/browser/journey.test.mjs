// A newcomer's journey: a key, the first hits, the dashboard, a link for others, and deleting it all.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, headline, post, signIn, soon, startApp, startBrowser, startServer } from './stage.mjs';

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const AMERICAN = '8.8.8.8';
const BRITISH = '81.2.69.142';
const hit = (more = {}) => ({ path: '/v1/products/7', route: '/v1/products/{id}', method: 'GET', status: 200, response_time: 12.5, ip_address: BRITISH, ...more });

test('from a new key to the dashboard, by a click on a country, over a share link, to deletion', async () => {
  const page = await enter(browser, server.url);
  await page.goto(server.url);
  await axe(page);
  await page.getByRole('button', { name: 'Generate API key' }).click();
  const key = await page.getByLabel('Your key').textContent();
  await page.locator('pre', { hasText: key }).waitFor();

  await post(server.url, key, [
    ...Array.from({ length: 6 }, () => hit()),
    ...Array.from({ length: 4 }, () => hit({ ip_address: AMERICAN, path: '/v1/search', route: '/v1/search', status: 503, user_id: 'alice' })),
  ]);
  await page.getByText('The first request is here.').first().waitFor();
  // The page does not move on before the key is stored.
  assert.match(page.url(), /\/$/);
  await page.getByLabel('I have copied the key').check();
  await page.waitForURL(/\/dashboard\?project=/);

  await page.locator('.stat').first().waitFor();
  await soon(async () => assert.equal(await headline(page, 'Requests').textContent(), '10'));
  await soon(async () => assert.equal(await headline(page, 'Server errors').textContent(), '4'));
  await soon(async () => assert.equal(await headline(page, 'Success rate').textContent(), '60.0'));
  await axe(page);

  // A click on a country: the other panels and the address follow, and a reload shows the same.
  await page.locator('.countries .row', { hasText: 'United Kingdom' }).click();
  await page.waitForURL(/q=country:GB/);
  const british = async () => {
    await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '6');
    await soon(async () => assert.equal(await headline(page, 'Server errors').textContent(), '0'));
    await soon(async () => assert.deepEqual(await page.locator('.endpoints .path').allTextContents(), ['/v1/products/{id}']));
  };
  await british();
  await page.reload();
  await british();
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '10');
  // Excludes it.
  await page.locator('.countries .row', { hasText: 'United Kingdom' }).click({ modifiers: ['Alt'] });
  await page.waitForURL(/q=-country:GB/);
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '4');

  // A share link: no key, no addresses, no settings, and its filter stays.
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByRole('button', { name: 'Create link' }).click();
  const link = await page.getByLabel('Share link').textContent();
  const guest = await enter(browser, server.url);
  await guest.goto(server.url + new URL(link).pathname);
  await guest.locator('.stat').first().waitFor();
  await soon(async () => assert.equal(await headline(guest, 'Requests').textContent(), '4'));
  await soon(async () => assert.equal(await guest.locator('.chip.locked').textContent(), '-country:GB'));
  await guest.getByText('This link does not show who called').waitFor();
  const seen = await guest.locator('body').textContent();
  for (const secret of [AMERICAN, BRITISH, 'alice', key]) assert.ok(!seen.includes(secret), secret);
  await soon(async () => assert.equal(await guest.getByRole('link', { name: 'Settings' }).count(), 0));
  await soon(async () => assert.equal(await guest.getByRole('button', { name: 'Share' }).count(), 0));
  await guest.leave();

  // The owner does see consumers: the search above can find them.
  await page.keyboard.press('Escape');
  await page.locator('.consumers', { hasText: 'alice' }).waitFor();

  const project = new URL(page.url()).searchParams.get('project');
  await page.goto(`${server.url}/settings?project=${project}`);
  await page.getByLabel('Name', { exact: true }).fill('short-lived');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  await axe(page);
  const button = page.getByRole('button', { name: 'Delete short-lived and all its requests' });
  await soon(async () => assert.ok(await button.isDisabled()));
  await page.locator('#delete input').fill('short-lived');
  await page.getByText('10 requests are deleted, for good.').waitFor();
  await button.click();
  await page.getByText('short-lived is deleted.').waitFor();
  await page.leave();
  const answer = await fetch(`${server.url}/api/v1/project`, { headers: { 'x-auth-token': key } });
  assert.equal(answer.status, 401);
});

test('an empty project waits, and turns into the dashboard by itself', async () => {
  const { key } = await createProject(server.url, 'empty');
  const page = await enter(browser, server.url);
  await signIn(page, server.url, key);
  await page.getByText('Nothing has come in yet').waitFor();
  await axe(page);
  // A refresh between acceptance and visibility: the project knows of the request, but the numbers don't include it yet.
  let posted;
  let between = 0;
  await page.route('**/api/v1/dashboard?*', async (route) => {
    if (posted) return route.continue();
    const early = await route.fetch();
    posted ??= post(server.url, key, [hit()]);
    await posted;
    between++;
    await route.fulfill({ response: early });
  });
  await page.route('**/api/v1/project?*', async (route) => {
    while (!posted) await new Promise((done) => setTimeout(done, 20));
    await posted;
    await route.continue();
  });
  await page.evaluate(() => {
    window.counts = [];
    const note = () => {
      const count = document.querySelector('.stat b')?.textContent.trim();
      if (count && count !== window.counts.at(-1)) window.counts.push(count);
    };
    new MutationObserver(note).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  await page.locator('.stat').first().waitFor();
  await page.waitForFunction(() => window.counts.includes('1'));
  assert.equal(between, 1);
  assert.deepEqual(await page.evaluate(() => window.counts), ['1'], 'never 0');
  await page.leave();
});

test('requests of an app with the Python client show up while one looks', async () => {
  const { key } = await createProject(server.url, 'an app');
  const page = await enter(browser, server.url);
  await signIn(page, server.url, key);
  await page.getByText('Nothing has come in yet').waitFor();
  const app = await startApp(server.url, key);
  try {
    for (const user of ['ann', 'ben', 'cem']) {
      assert.equal((await fetch(`${app.url}/v1/users/${user}`)).status, 200);
    }
    assert.equal((await fetch(`${app.url}/v1/nothing`)).status, 404);
    await page.locator('.stat').first().waitFor();
    const users = page.locator('.endpoints tr', { hasText: '/v1/users/{user}' });
    await users.waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.endpoints tr')].some((row) => row.textContent.includes('/v1/users/') && [...row.cells].some((cell) => cell.textContent.trim() === '3')));
    await users.locator('button').first().click();
    await page.waitForURL(/q=/);
    await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '3');
  } finally {
    await app.stop();
  }
  await page.leave();
});

test('hostile text in every field stays text', async () => {
  const nasty = '<img src=x onerror=alert(1)>"\'&{@html}';
  const { key } = await createProject(server.url, nasty);
  await post(server.url, key, [
    hit({ path: `/${nasty}`, route: `/${nasty}`, user_id: nasty, user_agent: nasty, hostname: nasty, referrer: nasty, method: 'GET' }),
    hit({ hostname: 'other.example' }),
  ]);
  const page = await enter(browser, server.url, { viewport: { width: 390, height: 844 } });
  await signIn(page, server.url, key);
  await page.locator('.stat').first().waitFor();
  await page.locator('.endpoints', { hasText: '<img src=x' }).waitFor();
  await page.locator('.consumers', { hasText: nasty }).waitFor();
  await page.locator('.consumers button', { hasText: 'onerror' }).click();
  await page.waitForURL(/q=consumer:/);
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '1');
  assert.equal(await page.locator('main img, header img').count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than a phone');
  await page.leave();
});

test('a filter that cannot be read is said beside it, and the numbers stay', async () => {
  const { key } = await createProject(server.url, 'wrong filter');
  await post(server.url, key, [hit(), hit()]);
  const page = await enter(browser, server.url, { expected: ['400'] });
  await signIn(page, server.url, key);
  await page.locator('.stat').first().waitFor();
  const box = page.getByRole('combobox', { name: 'Add a filter' });
  await box.fill('status:9xx');
  await box.press('Enter');
  await page.locator('#filter-error', { hasText: '9xx' }).waitFor();
  await soon(async () => assert.equal(await headline(page, 'Requests').textContent(), '2'));
  await page.getByRole('button', { name: 'Remove status:9xx' }).click();
  await page.locator('#filter-error').waitFor({ state: 'detached' });
  await page.leave();
});

test('a range is dragged, the back button returns, and the keyboard reaches the chart', async () => {
  const { key } = await createProject(server.url, 'zoom');
  const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
  await post(server.url, key, [hit({ created_at: ago(100) }), hit({ created_at: ago(80) }), hit({ created_at: ago(2) })]);
  const page = await enter(browser, server.url, { colorScheme: 'dark' });
  await signIn(page, server.url, key);
  const chart = page.locator('.activity .chart');
  await chart.waitFor();
  await axe(page);
  const { x, y, width } = await chart.boundingBox();
  await page.mouse.move(x + width * 0.9, y + 80);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.97, y + 90, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=.*&to=/);
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '1');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '3');
  await chart.focus();
  await page.keyboard.press('End');
  await chart.getByRole('status').waitFor();
  await page.leave();
});

test('individual requests: those that match, all that is known of one, older ones, a download', async () => {
  const { key } = await createProject(server.url, 'single');
  const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  await post(server.url, key, Array.from({ length: 120 }, (_, i) => hit({ path: `/v1/products/${i}`, created_at: ago(i), status: i % 10 === 3 ? 500 : 200, user_id: i === 3 ? 'alice' : null })));
  const page = await enter(browser, server.url);
  await signIn(page, server.url, key);
  await page.locator('.stat').first().waitFor();
  await page.getByRole('link', { name: 'Requests' }).click();
  await page.waitForURL(/\/explorer\?project=/);
  const rows = page.locator('tbody button.what');
  await rows.first().waitFor();
  await soon(async () => assert.equal(await rows.count(), 100));
  await soon(async () => assert.match(await rows.first().textContent(), /\/v1\/products\/0$/));
  await page.getByRole('button', { name: 'Show older ones' }).click();
  await page.getByText('No older requests.').waitFor();
  await soon(async () => assert.equal(await rows.count(), 120));

  // The details of a request; a click on its status filters, and reload and back keep the view.
  await rows.nth(3).click();
  const detail = page.getByRole('region', { name: 'The chosen request' });
  await soon(async () => assert.match(await detail.textContent(), /alice/));
  await axe(page);
  await detail.getByRole('button', { name: '500' }).click();
  await page.waitForURL(/q=status:500/);
  const failed = async (count) => page.waitForFunction((wanted) => document.querySelectorAll('tbody button.what').length === wanted, count);
  await failed(12);
  await soon(async () => assert.equal(await page.locator('#when').textContent(), '12 requests'));
  await page.reload();
  await failed(12);
  await soon(async () => assert.match(await detail.textContent(), /alice/));
  await page.goBack();
  await failed(100);

  // The file has all matching requests, not only the rows shown.
  await page.getByRole('button', { name: 'Download all' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  assert.equal(download.suggestedFilename(), 'hits.csv');
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
  assert.equal(lines.length, 121);
  assert.match(lines[0], /^hit_id,time,method/);

  // A request that arrives meanwhile.
  await post(server.url, key, [hit({ path: '/v1/just-now' })]);
  await page.locator('tbody button.what', { hasText: '/v1/just-now' }).waitFor();
  await page.leave();
});

test('a share link shows individual requests where its owner ticked them, and no consumers', async () => {
  const { key } = await createProject(server.url, 'shared requests');
  await post(server.url, key, [hit({ user_id: 'alice' }), hit({ status: 500 })]);
  const make = async (more) => {
    const answer = await fetch(`${server.url}/api/v1/share-links`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-auth-token': key }, body: JSON.stringify({ name: 'x', ...more }),
    });
    assert.equal(answer.status, 201);
    return new URL((await answer.json()).url).pathname;
  };
  const guest = await enter(browser, server.url);
  await guest.goto(server.url + (await make({ hits: true })));
  await guest.locator('.stat').first().waitFor();
  await guest.getByRole('link', { name: 'Requests' }).click();
  await guest.waitForURL(/view=requests/);
  const rows = guest.locator('tbody button.what');
  await rows.first().waitFor();
  await soon(async () => assert.equal(await rows.count(), 2));
  await rows.last().click();
  const seen = await guest.locator('body').textContent();
  for (const secret of [BRITISH, 'alice', key]) assert.ok(!seen.includes(secret), secret);
  await guest.getByRole('button', { name: 'Download all' }).click();
  const [download] = await Promise.all([guest.waitForEvent('download'), guest.getByRole('button', { name: 'NDJSON' }).click()]);
  assert.equal(readFileSync(await download.path(), 'utf8').trim().split('\n').length, 2);
  await guest.leave();

  const other = await enter(browser, server.url);
  await other.goto(server.url + (await make({})));
  await other.locator('.stat').first().waitFor();
  await soon(async () => assert.equal(await other.getByRole('link', { name: 'Requests' }).count(), 0));
  await other.leave();
});

test('opened lists, searches and orders are in the address: reload and back keep them', async () => {
  const { key } = await createProject(server.url, 'lists');
  await post(server.url, key, Array.from({ length: 60 }, (_, i) => hit({ path: `/r${i % 15}`, route: `/r${i % 15}`, response_time: 10 + (i % 15) })));
  const page = await enter(browser, server.url);
  await signIn(page, server.url, key);
  const paths = page.locator('.endpoints .path');
  const count = (wanted) => page.waitForFunction((n) => document.querySelectorAll('.endpoints .path').length === n, wanted);
  await count(10);
  await page.getByRole('button', { name: 'Show all 15' }).click();
  await count(15);
  await page.locator('.endpoints').getByRole('button', { name: /^p95/ }).click();
  await page.waitForFunction(() => document.querySelector('.endpoints .path')?.textContent === '/r14');
  await page.locator('.endpoints').getByRole('button', { name: /^p95/ }).click();
  await page.waitForFunction(() => document.querySelector('.endpoints .path')?.textContent === '/r0');
  await page.waitForURL(/sort=p95_ms\.asc/);
  assert.match(page.url(), /open=endpoints/);
  await page.getByRole('button', { name: 'Search endpoints' }).click();
  await page.getByRole('searchbox', { name: 'Search endpoints' }).fill('r1');
  await count(6);
  await page.waitForURL(/endpoints_find=r1/);
  await page.reload();
  await count(6);
  await soon(async () => assert.deepEqual(await paths.allTextContents(), ['/r1', '/r10', '/r11', '/r12', '/r13', '/r14']));
  await paths.nth(1).click();
  await page.waitForURL(/q=/);
  await count(1);
  await page.goBack();
  await count(6);
  await page.leave();
});

test('a first look: the period fits what there is, and a line says how the page is used until it is read', async () => {
  const { key } = await createProject(server.url, 'new');
  await post(server.url, key, [hit(), hit()]);
  const page = await enter(browser, server.url);
  await signIn(page, server.url, key);
  await page.waitForURL(/period=24h/);
  await soon(async () => assert.equal(await headline(page, 'Requests').textContent(), '2'));
  const week = page.getByRole('button', { name: '7 days', exact: true });
  await week.click();
  await page.waitForURL((url) => !url.searchParams.has('period'));
  const hint = page.getByText('Select any value to filter by it');
  await page.getByRole('button', { name: 'Got it' }).click();
  await hint.waitFor({ state: 'detached' });
  // A chosen period stays, even after returning from another page.
  await page.getByRole('link', { name: 'Requests', exact: true }).first().click();
  await page.waitForURL(/explorer|view=requests/);
  await page.goBack();
  await page.locator('.stat').first().waitFor();
  assert.ok(!new URL(page.url()).searchParams.has('period'));
  await page.reload();
  await page.locator('.stat').first().waitFor();
  await soon(async () => assert.equal(await hint.count(), 0));
  await page.leave();
});

test('the numbers are asked for once, before the page is loaded', async () => {
  const { key } = await createProject(server.url, 'once');
  // Two days: with requests older than a day the page begins with a week, requested before it knows anything of the project.
  await post(server.url, key, [hit(), hit({ created_at: new Date(Date.now() - 40 * 3_600_000).toISOString() })]);
  const page = await enter(browser, server.url);
  // Once the page follows new requests it asks again, which on a slow machine is before its chart is drawn.
  await page.route('**/api/v1/tail**', () => {});
  await signIn(page, server.url, key);
  await page.locator('.activity .chart').waitFor();
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  for (const where of ['', '&q=status:200&open=countries&period=24h']) {
    asked.length = 0;
    await page.goto(page.url().replace(/&.*/, '') + where);
    await page.locator('.stat').first().waitFor();
    await page.locator('.activity .chart').waitFor();
    // Calls that the page before made as it was left are not counted.
    asked.splice(0, asked.indexOf('/dashboard'));
    const calls = asked.filter((path) => path === '/api/v1/dashboard');
    assert.equal(calls.length, 1);
    assert.equal(asked.filter((path) => path === '/api/v1/lists/countries').length, where ? 1 : 0);
    assert.equal(asked.filter((path) => path === '/api/v1/project').length, 1);
    assert.ok(asked.indexOf('/api/v1/dashboard') < asked.findIndex((path) => path.includes('/assets/cards-')), asked.join(' '));
  }
  await page.leave();
});
