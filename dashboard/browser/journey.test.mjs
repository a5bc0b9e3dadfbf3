// The way of somebody who finds this server: a key, the first hits, a look at them, a link for others, and away with it all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, headline, post, signIn, startApp, startBrowser, startServer } from './stage.mjs';

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
  // Not led on before the key is stored.
  assert.match(page.url(), /\/$/);
  await page.getByLabel('I have stored the key').check();
  await page.waitForURL(/\/dashboard\?project=/);

  await page.locator('.stat').first().waitFor();
  assert.equal(await headline(page, 'Requests').textContent(), '10');
  assert.equal(await headline(page, 'Server errors').textContent(), '4');
  assert.equal(await headline(page, 'Success rate').textContent(), '60.0');
  await axe(page);

  // A click on a country: the other panels and the address follow, and a reload shows the same.
  await page.locator('.countries .row', { hasText: 'United Kingdom' }).click();
  await page.waitForURL(/q=country:GB/);
  const british = async () => {
    await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '6');
    assert.equal(await headline(page, 'Server errors').textContent(), '0');
    assert.deepEqual(await page.locator('.endpoints .path').allTextContents(), ['/v1/products/{id}']);
  };
  await british();
  await page.reload();
  await british();
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '10');
  // Its complement.
  await page.locator('.countries .row', { hasText: 'United Kingdom' }).click({ modifiers: ['Alt'] });
  await page.waitForURL(/q=-country:GB/);
  await page.waitForFunction(() => document.querySelector('.stat b')?.textContent === '4');

  // A share link: no key, no addresses, no settings, and its filter stays.
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = await page.getByLabel('Share link').textContent();
  const guest = await enter(browser, server.url);
  await guest.goto(server.url + new URL(link).pathname);
  await guest.locator('.stat').first().waitFor();
  assert.equal(await headline(guest, 'Requests').textContent(), '4');
  assert.equal(await guest.locator('.chip.locked').textContent(), '-country:GB');
  await guest.getByText('This link does not show who called').waitFor();
  const seen = await guest.locator('body').textContent();
  for (const secret of [AMERICAN, BRITISH, 'alice', key]) assert.ok(!seen.includes(secret), secret);
  assert.equal(await guest.getByRole('link', { name: 'Settings' }).count(), 0);
  assert.equal(await guest.getByRole('button', { name: 'Share' }).count(), 0);
  await guest.leave();

  // The owner does see who called: the search above finds what is there.
  await page.keyboard.press('Escape');
  assert.ok((await page.locator('.consumers').textContent()).includes('alice'));

  const project = new URL(page.url()).searchParams.get('project');
  await page.goto(`${server.url}/settings?project=${project}`);
  await page.getByLabel('Name', { exact: true }).fill('short-lived');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  await axe(page);
  const button = page.getByRole('button', { name: 'Delete short-lived and all its requests' });
  assert.ok(await button.isDisabled());
  await page.locator('#delete input').fill('short-lived');
  await button.click();
  await page.getByText('short-lived is deleted.').waitFor({ timeout: 60_000 });
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
  await post(server.url, key, [hit()]);
  await page.locator('.stat').first().waitFor();
  assert.equal(await headline(page, 'Requests').textContent(), '1');
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
  assert.ok((await page.locator('.endpoints').textContent()).includes('<img src=x'));
  assert.ok((await page.locator('.consumers').textContent()).includes(nasty));
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
  assert.equal(await headline(page, 'Requests').textContent(), '2');
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
