// A click goes deeper: from a row to the page of one endpoint or one consumer, from there to a request, and back to the filter.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, headline, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

/** Names that mean something to HTML, to an address or to the filter. Each has its own page, with only its own requests. */
const HOSTILE = ['<img src=x onerror=alert(1)>', '/say "hi", twice', '/files/*', '/files/a', "/it's&q=status:5xx#\\x"];
let server;
let browser;
let project;
let call;
before(async () => {
  server = await startServer('--demo', 'on');
  browser = await startBrowser();
  project = await createProject(server.url, 'Shop');
  const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const hit = (hours, more) => ({ path: '/v1/orders', route: '/v1/orders', method: 'POST', status: 201, response_time: 20, ip_address: '8.8.8.8', user_id: 'acme-42', user_agent: 'curl/8.5.0', hostname: 'api.example.com', created_at: ago(hours), ...more });
  await post(server.url, project.key, [
    ...Array.from({ length: 30 }, (_, i) => hit(2 + i)),
    ...Array.from({ length: 12 }, (_, i) => hit(3 + i / 10, { status: 503, response_time: 900 })),
    ...Array.from({ length: 8 }, (_, i) => hit(4 + i, { user_id: 'globex', ip_address: '81.2.69.142' })),
    // Requests of the week before, then none for days.
    ...Array.from({ length: 60 }, (_, i) => hit(24 * 8 + i)),
    ...Array.from({ length: 40 }, (_, i) => hit(24 * 3 + i / 2, { user_id: 'nightly-sync', path: '/v2/export', route: '/v2/export', method: 'GET' })),
    ...Array.from({ length: 7 }, (_, i) => hit(5 + i, { method: 'GET', path: `/v1/orders/${i}`, route: '/v1/orders/{id}', user_id: undefined })),
    ...HOSTILE.flatMap((name, n) => Array.from({ length: n + 2 }, (_, i) => hit(6 + i, { method: 'GET', path: `/h${n}`, route: name, user_id: name, status: 404 }))),
  ]);
  call = async (method, path, body) => {
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers: { 'x-auth-token': project.key, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  };
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function visit(options) {
  const page = await enter(browser, server.url, options);
  await signIn(page, server.url, project.key);
  await page.locator('.stat').first().waitFor();
  return page;
}
const requests = (page, count) => page.waitForFunction((wanted) => document.querySelector('.stat b')?.textContent === wanted, String(count));
const at = (page, path, parameters) => page.waitForURL((url) => url.pathname === path && Object.entries(parameters).every(([name, value]) => url.searchParams.get(name) === value));
const narrow = async (page) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the screen');

test('from a row to its endpoint, a failure, its consumer, the filter, and all the way back', async () => {
  const page = await visit();
  await page.getByRole('button', { name: '7 days' }).waitFor();
  await page.goto(`${page.url()}&tz=UTC`);
  const row = page.locator('.endpoints tr', { hasText: 'POST' });
  const open = row.getByRole('link', { name: 'Open POST /v1/orders', exact: true });
  // A click on the row still filters; the link to its page is the next stop of the keyboard, and visible there.
  await row.getByRole('button').focus();
  await page.keyboard.press('Tab');
  await soon(async () => assert.ok(await open.evaluate((link) => link === document.activeElement && getComputedStyle(link).opacity === '1')));
  await page.keyboard.press('Enter');
  await at(page, '/endpoint', { project: String(project.project_id), method: 'POST', route: '/v1/orders', tz: 'UTC' });
  await page.getByRole('heading', { name: 'POST /v1/orders', level: 1 }).waitFor();
  await requests(page, 50);
  await soon(async () => assert.equal(await page.title(), 'POST /v1/orders · Shop · API Analytics'));
  await soon(async () => assert.equal(await headline(page, 'Server errors').textContent(), '12'));
  await page.getByText(/^First seen .*20\d\d$/).waitFor();
  await page.getByText('110 requests stored').waitFor();
  await soon(async () => assert.equal(await page.locator('.card.endpoints').count(), 0, 'an endpoint has no list of endpoints'));
  await page.locator('.consumers .who', { hasText: 'globex' }).waitFor();
  // The counts of a week before, while they are compared.
  const before = page.locator('.activity').getByRole('button', { name: 'Period before' });
  await before.waitFor();
  await page.getByRole('button', { name: 'vs. previous' }).click();
  await before.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'vs. previous' }).click();
  await before.waitFor();
  // It works like the dashboard: a click filters further.
  const changed = page.locator('.card.changes .row', { hasText: '503 Service Unavailable' });
  await soon(async () => assert.match(await changed.textContent(), /new\s*→\s*24\.0.%/));
  await changed.click();
  await at(page, '/endpoint', { q: 'status:503' });
  await requests(page, 12);
  await page.goBack();
  await requests(page, 50);

  const failures = page.locator('.card.failures');
  await soon(async () => assert.equal(await failures.locator('button.what').count(), 10));
  await axe(page);
  await failures.locator('button.what').first().click();
  const dialog = page.getByRole('dialog', { name: 'POST /v1/orders' });
  await dialog.getByText('Service Unavailable').waitFor();
  await soon(async () => assert.equal(await dialog.getByRole('link', { name: 'Open the endpoint' }).count(), 0, 'it is open'));
  await page.waitForURL(/tab\.hit=\d+/);
  await axe(page);
  await dialog.getByRole('link', { name: 'Open the consumer' }).click();
  await at(page, '/consumer', { consumer: 'u:acme-42', tz: 'UTC' });
  await page.getByRole('heading', { name: 'acme-42', level: 1 }).waitFor();
  await requests(page, 42);
  await soon(async () => assert.equal(await page.locator('.stat', { hasText: 'Consumers' }).count(), 0, 'one consumer is one'));
  await soon(async () => assert.deepEqual(await page.locator('.endpoints .path').allTextContents(), ['/v1/orders']));
  await axe(page);

  await page.getByRole('link', { name: 'Filter dashboard' }).click();
  await at(page, '/dashboard', { q: 'consumer:u:acme-42', tz: 'UTC' });
  await requests(page, 42);
  await page.goBack();
  await page.getByRole('heading', { name: 'acme-42', level: 1 }).waitFor();
  await page.goBack();
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await requests(page, 50);
  await page.goForward();
  await page.getByRole('heading', { name: 'acme-42', level: 1 }).waitFor();
  await requests(page, 42);
  await page.getByRole('link', { name: 'Requests', exact: true }).last().click();
  await at(page, '/explorer', { q: 'consumer:u:acme-42' });
  await page.getByText('42 requests').waitFor();
  await page.goBack();
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link').click();
  await at(page, '/dashboard', { tz: 'UTC', q: null });
  await page.leave();
});

test('one that has stopped calling is said to be quiet, on a phone too; words find it, and its owner erases it', async () => {
  const page = await visit({ viewport: { width: 390, height: 844 }, hasTouch: true, colorScheme: 'dark' });
  const row = page.locator('.consumers tr', { hasText: 'nightly-sync' });
  const link = row.getByRole('link', { name: 'Open nightly-sync' });
  await link.evaluate((node) => node.scrollIntoView({ block: 'center' }));
  // There is no hover on a phone.
  await soon(async () => assert.equal(await link.evaluate((node) => getComputedStyle(node).opacity), '1'));
  await link.tap();
  await at(page, '/consumer', { consumer: 'u:nightly-sync' });
  // Wait for the new page first: the dashboard has a card of that name too.
  await requests(page, 40);
  await page.locator('.card.versions').scrollIntoViewIfNeeded();
  await page.getByText('Last called: v2 3 d ago').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await page.getByText(/^Quiet for 3 days\. In the .*: a request every \d+ minutes\.$/).waitFor();
  await requests(page, 40);
  await narrow(page);
  await axe(page);
  await page.goto(`${server.url}/endpoint?project=${project.project_id}&method=GET&route=${encodeURIComponent('/v1/orders/{id}')}&period=24h`);
  await requests(page, 7);
  await page.locator('.card.failures').getByText('Nothing failed in this period.').waitFor();
  await narrow(page);

  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox', { name: 'Page, view, endpoint, consumer or setting' });
  await box.fill('orders/');
  await page.getByRole('option', { name: 'GET /v1/orders/{id} Endpoint' }).waitFor();
  await box.fill('nightly');
  await page.getByRole('option', { name: 'nightly-sync Consumer', selected: true }).waitFor();
  await axe(page);
  await box.press('Enter');
  await at(page, '/consumer', { consumer: 'u:nightly-sync', period: '24h' });
  await page.getByText('No request of this consumer in this period.').waitFor();
  await page.getByRole('link', { name: 'Show all time' }).click();
  await requests(page, 40);

  await page.getByRole('button', { name: 'Data of this consumer' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download everything as NDJSON' }).click()]);
  assert.equal(readFileSync(await file.path(), 'utf8').trim().split('\n').length, 40);
  await page.getByRole('button', { name: 'Data of this consumer' }).click();
  await page.getByRole('button', { name: 'Erase everything' }).click();
  const dialog = page.getByRole('dialog', { name: 'Erase everything about nightly-sync' });
  await dialog.getByText('40 requests are erased, for good.').waitFor();
  const erase = dialog.getByRole('button', { name: 'Erase user nightly-sync' });
  await soon(async () => assert.ok(await erase.isDisabled()));
  await axe(page);
  await dialog.getByRole('textbox').fill('erase');
  await erase.click();
  await dialog.getByText('40 requests of user nightly-sync').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.getByText('No request of this consumer is stored.').waitFor();
  await page.leave();
});

test('hostile names find just themselves and stay text', async () => {
  const page = await visit();
  for (const [n, name] of HOSTILE.entries()) {
    for (const address of [`endpoint?method=GET&route=${encodeURIComponent(name)}`, `consumer?consumer=${encodeURIComponent(`u:${name}`)}`]) {
      await page.goto(`${server.url}/${address}&project=${project.project_id}`);
      await requests(page, n + 2);
      await soon(async () => assert.ok((await page.locator('h1').textContent()).includes(name), name));
      assert.equal(await page.locator('main img').count(), 0);
    }
    // The same filter as from a row.
    await page.getByRole('link', { name: 'Filter dashboard' }).click();
    await page.waitForURL(/\/dashboard/);
    await requests(page, n + 2);
    await page.getByRole('link', { name: `Open GET ${name}`, exact: true }).click({ force: true });
    await page.waitForURL(/\/endpoint/);
    assert.equal(new URL(page.url()).searchParams.get('route'), name);
    await requests(page, n + 2);
  }
  await page.leave();
});

test('a link that hides who called has endpoints, and no consumers', async () => {
  const hides = await call('POST', 'share-links', { q: '-status:503' });
  const shows = await call('POST', 'share-links', { consumers: true, addresses: true, hits: true });
  const of = (link, rest) => `${server.url}${new URL(link.url).pathname}?${rest}`;
  const consumer = 'view=consumer&consumer=u:globex';

  const friend = await enter(browser, server.url);
  await friend.goto(of(shows, consumer));
  await requests(friend, 8);
  await soon(async () => assert.equal(await friend.getByRole('button', { name: 'Data of this consumer' }).count(), 0, 'a guest erases nothing'));
  await friend.getByRole('link', { name: 'Open POST /v1/orders' }).click({ force: true });
  await requests(friend, 50);
  await friend.locator('.failures button.what').first().waitFor();
  await friend.leave();

  const guest = await enter(browser, server.url, { expected: ['status of 403'] });
  const answers = [];
  guest.on('response', async (answer) => { if (answer.url().includes('/api/')) answers.push(await answer.text().catch(() => '')); });
  await guest.goto(of(hides, ''));
  await guest.getByRole('link', { name: 'Open POST /v1/orders' }).waitFor({ state: 'attached' });
  await guest.evaluate(() => scrollTo(0, 300));
  await guest.getByRole('link', { name: 'Open POST /v1/orders' }).click({ force: true });
  await at(guest, new URL(hides.url).pathname, { view: 'endpoint', route: '/v1/orders' });
  await soon(async () => assert.equal(await guest.evaluate(() => scrollY), 0, 'another page begins at its top'));
  // The link's locked filter holds here too.
  await requests(guest, 38);
  await soon(async () => assert.equal(await guest.locator('.card.failures').count(), 0));
  await guest.getByText('This link does not show who called').waitFor();
  await axe(guest);
  await guest.goto(of(hides, consumer));
  await guest.locator('.notice').getByText('This link does not show who called.').waitFor();
  await soon(async () => assert.equal(await guest.locator('.stat').count(), 0));
  await soon(async () => assert.equal(await guest.getByRole('link', { name: 'Filter dashboard' }).count(), 0, 'such a filter is refused too'));
  await axe(guest);
  for (const secret of ['acme-42', '8.8.8.8', '81.2.69.142']) assert.ok(!answers.join().includes(secret), secret);
  assert.ok(answers.join().includes('/v1/orders'), 'the answers were read');
  await guest.leave();

  // The demo's requests are generated when the server starts.
  while (!(await (await fetch(`${server.url}/api/v1/dashboard?project=demo&panels=requests`)).json()).panels?.requests.value) await new Promise((done) => setTimeout(done, 100));
  const visitor = await enter(browser, server.url);
  await visitor.goto(`${server.url}/dashboard/demo`);
  await visitor.locator('.endpoints').getByRole('link', { name: /^Open / }).first().click({ force: true });
  await visitor.waitForURL(/\/endpoint\/demo\?/);
  await visitor.locator('.failures tbody tr').first().waitFor();
  await visitor.getByText(/^First seen/).waitFor();
  await visitor.leave();
});
