// Paths that must not be dead ends: parts that fail to load, wrong addresses, keys and edits that a click could lose, outdated links.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

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

const hit = (more = {}) => ({ path: '/v1/products/7', route: '/v1/products/{id}', method: 'GET', status: 200, response_time: 12.5, ...more });
const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString();

/** The page of someone signed in to a new project with these hits. */
async function visit(name, hits = [hit()], options = {}) {
  const project = await createProject(server.url, name);
  await post(server.url, project.key, hits);
  const page = await enter(browser, server.url, options);
  await signIn(page, server.url, project.key);
  await page.locator('.stat').first().waitFor();
  return { page, id: project.project_id, key: project.key };
}

test('a part that fails to load keeps the head, leads back and comes by itself', async () => {
  const { page } = await visit('chunks', [hit()], { expected: ['ERR_FAILED', 'Failed to load resource'] });
  await page.route('**/assets/Monitoring-*.js', (route) => route.abort());
  const nav = page.getByRole('navigation', { name: 'Pages of the project' });
  await nav.getByRole('link', { name: 'Monitors' }).click();
  await page.getByText('This part of the page could not be loaded.').waitFor();
  await axe(page);
  await nav.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('.stat').first().waitFor();
  await page.goBack();
  await page.getByText('This part of the page could not be loaded.').waitFor();
  await page.unroute('**/assets/Monitoring-*.js');
  await page.getByText('No monitors yet').waitFor();
  await page.leave();
});

test('a card whose part fails to load says so and comes by itself, the others stand', async () => {
  const { page } = await visit('cards', [hit()], { expected: ['ERR_FAILED', 'Failed to load resource'] });
  await page.route('**/assets/cards-*.js', (route) => route.abort());
  await page.reload();
  await page.locator('.card.activity', { hasText: 'could not be loaded' }).waitFor();
  await page.locator('.endpoints .path').first().waitFor();
  await page.unroute('**/assets/cards-*.js');
  await page.locator('.activity .chart').waitFor();
  await page.leave();
});

test('an address at which there is nothing shows the page of that, and a trailing slash is no other address', async () => {
  const page = await enter(browser, server.url, { expected: ['404'] });
  for (const path of ['/nothing', '/settings/x', '/share', '/docs/nothing']) {
    const answer = await page.goto(server.url + path);
    assert.equal(answer.status(), 404, path);
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
  }
  await page.getByRole('link', { name: 'Start page', exact: true }).click();
  await page.getByRole('button', { name: 'Generate API key' }).waitFor();
  await page.goto(`${server.url}/signin/?next=/settings`);
  assert.equal(page.url(), `${server.url}/signin?next=/settings`);
  await page.leave();
});

test('without a session /delete and /monitoring say in words to sign in, and signing in leads back', async () => {
  const { key } = await createProject(server.url, 'guarded');
  for (const [path, there] of [['/delete', 'Delete the project'], ['/monitoring', 'No monitors yet']]) {
    const page = await enter(browser, server.url, { expected: ['401'] });
    await page.goto(server.url + path);
    await page.getByRole('heading', { name: 'Sign in to see this' }).waitFor();
    assert.ok(!(await page.locator('main').textContent()).includes('X-AUTH-TOKEN'), path);
    await axe(page);
    await page.getByRole('link', { name: 'Sign in with a key' }).click();
    await page.getByLabel("The project's key").fill(key);
    await page.keyboard.press('Enter');
    await page.getByText(there).first().waitFor();
    assert.ok(page.url().startsWith(server.url + path), page.url());
    await page.leave();
  }
});

test('a new key is not lost by a click, and the start page leads to its project', async () => {
  const page = await enter(browser, server.url);
  await page.goto(server.url);
  await soon(async () => assert.equal(await page.getByLabel('Project name').inputValue(), '127.0.0.1'));
  await page.getByLabel('Project name').fill('shop');
  await page.getByRole('button', { name: 'Generate API key' }).click();
  const key = await page.getByLabel('Your key').textContent();
  const open = page.getByRole('banner').getByRole('link', { name: 'Open dashboard' });
  await open.click();
  const asks = page.getByRole('dialog', { name: 'You have not copied your key' });
  await axe(page);
  await asks.getByRole('button', { name: 'Stay here' }).click();
  await soon(async () => assert.equal(await page.getByLabel('Your key').textContent(), key));
  await page.getByLabel('I have copied the key').check();
  await open.click();
  await page.getByText('Nothing has come in yet').waitFor();
  await page.getByRole('button', { name: /^Project: shop/ }).waitFor();

  // Another one, from the list of projects: closing once warns.
  await page.goto(`${server.url}/projects`);
  await page.getByRole('button', { name: 'New project' }).click();
  const dialog = page.getByRole('dialog');
  await soon(async () => assert.equal(await dialog.getByLabel('Name').inputValue(), '127.0.0.1'));
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await dialog.getByLabel('Key of the new project').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.getByText('You have not copied the key.').waitFor();
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByText('Nothing has come in yet').waitFor();
  await page.goto(server.url);
  await page.waitForFunction(() => document.querySelector('.cta input')?.value === '127.0.0.1 2');
  await page.leave();
});

test('a link to a request opens it however old it is', async () => {
  const rows = Array.from({ length: 150 }, (_, i) => hit({ path: `/new/${i}` }));
  const { page, id } = await visit('old links', [hit({ path: '/old', status: 418, created_at: daysAgo(20) }), ...rows], { expected: ['404'] });
  await page.goto(`${server.url}/explorer?project=${id}&period=30d&q=path:/old`);
  await page.locator('tbody button.what').click();
  await page.waitForURL(/tab\.hit=/);
  const link = new URL(page.url());
  link.searchParams.delete('period');
  link.searchParams.delete('q');
  await page.goto(link.href);
  const detail = page.getByRole('region', { name: 'The chosen request' });
  await detail.getByText('I\'m a teapot').waitFor();
  await detail.getByRole('button', { name: 'Close' }).click();
  await page.waitForURL((url) => !url.search.includes('tab.hit'));
  link.searchParams.set('tab.hit', '1');
  await page.goto(link.href);
  await page.getByText('no longer stored').waitFor();
  await page.leave();
});

test('what is wrong with an address is named, with what mends it', async () => {
  const { page, id } = await visit('wrong', [hit()], { expected: ['400'] });
  const wrong = async (parameters, named, remedy) => {
    await page.goto(`${server.url}/dashboard?project=${id}&${parameters}`);
    await page.getByRole('alert').filter({ hasText: named }).waitFor();
    await soon(async () => assert.equal(await page.getByRole('link', { name: 'Clear filter' }).count(), remedy === 'Clear filter' ? 1 : 0));
    await page.getByRole('link', { name: remedy }).click();
    await page.locator('.stat').first().waitFor();
  };
  await wrong('tz=Mars/Olympus', '`tz`', 'Use my time zone');
  await wrong('sort=colour', '`sort`', 'Sort by requests');
  await wrong('from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z', '`to`', 'Show the last 7 days');
  await wrong('q=colour:red', 'colour', 'Clear filter');
  await page.leave();
});

test('dates that were typed stay when the zone is changed', async () => {
  const { page } = await visit('zones');
  await page.getByRole('button', { name: /^Dates:/ }).click();
  const from = page.getByLabel('From', { exact: true });
  const to = page.getByLabel('To', { exact: true });
  const before = await from.inputValue();
  const zone = page.getByRole('combobox', { name: 'Time zone' });
  const choose = async (name) => {
    await zone.fill(name);
    await zone.press('Tab');
    await page.waitForURL((url) => url.searchParams.get('tz') === name);
  };
  await choose('Asia/Kathmandu');
  await soon(async () => assert.notEqual(await from.inputValue(), before));
  await from.fill('2026-11-01T10:30');
  await to.fill('2026-11-02T11:30');
  await choose('America/New_York');
  await soon(async () => assert.equal(await from.inputValue(), '2026-11-01T10:30'));
  await soon(async () => assert.equal(await to.inputValue(), '2026-11-02T11:30'));
  await page.leave();
});

test('settings ask before edits are lost, and count what a change erases', async () => {
  const { page } = await visit('careful', [hit({ ip_address: '8.8.8.8' }), hit({ ip_address: '8.8.8.8' }), hit({ created_at: daysAgo(40) })]);
  const nav = page.getByRole('navigation', { name: 'Pages of the project' });
  await nav.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Name', { exact: true }).fill('renamed');
  const asks = page.getByRole('dialog', { name: 'Your changes are not saved' });
  await nav.getByRole('link', { name: 'Alerts' }).click();
  await asks.getByRole('button', { name: 'Stay here' }).click();
  await page.goBack();
  await asks.getByRole('button', { name: 'Stay here' }).click();
  await soon(async () => assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'renamed'));
  await page.getByRole('button', { name: 'Undo' }).click();
  // Forward works as before, even after staying.
  await nav.getByRole('link', { name: 'Alerts' }).click();
  await page.waitForURL(/\/alerts/);
  await page.goBack();
  await page.getByLabel('Name', { exact: true }).fill('renamed');
  const length = await page.evaluate(() => history.length);
  for (const step of ['back', 'forward']) {
    await page.evaluate((way) => history[way](), step);
    await asks.getByRole('button', { name: 'Stay here' }).click();
    await page.waitForURL(/\/settings/);
    await soon(async () => assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'renamed'));
  }
  await page.evaluate(() => history.forward());
  await asks.getByRole('button', { name: 'Leave without saving' }).click();
  await page.waitForURL(/\/alerts/);
  assert.equal(await page.evaluate(() => history.length), length);
  await page.goBack();
  await page.waitForURL(/\/settings/);

  await page.getByLabel(/Addresses are dropped/).check();
  const nextErasure = page.getByText('Older requests are erased once a day');
  await soon(async () => assert.equal(await nextErasure.count(), 0, 'requests are kept for ever'));
  await page.getByLabel('Keep requests for (days)').fill('30');
  await nextErasure.waitFor();
  await page.getByText('2 requests lose their addresses').waitFor();
  await page.getByText('1 request older than 30 days is erased').waitFor();
  await axe(page);
  const save = page.getByRole('button', { name: 'Save and erase' });
  await soon(async () => assert.ok(await save.isDisabled()));
  await page.getByLabel('Type erase to confirm').fill('erase');
  await save.click();
  await page.getByText('Saved.').waitFor();

  await page.getByLabel('Kind of consumer').selectOption('User id');
  await page.getByLabel('User id').last().fill('nobody');
  await page.getByRole('button', { name: 'Erase …' }).click();
  await page.getByText('0 requests are erased').waitFor();
  await soon(async () => assert.ok(await page.getByRole('button', { name: 'Erase user nobody' }).isDisabled()));

  await page.getByLabel('Name', { exact: true }).fill('renamed');
  await nav.getByRole('link', { name: 'Alerts' }).click();
  await asks.getByRole('button', { name: 'Leave without saving' }).click();
  await page.waitForURL(/\/alerts/);
  await page.leave();
});

test('a dead share link says so, also to those who look through it', async () => {
  const { page, key } = await visit('shared', [hit()]);
  const headers = { 'content-type': 'application/json', 'x-auth-token': key };
  const answer = await fetch(`${server.url}/api/v1/share-links`, { method: 'POST', headers, body: JSON.stringify({ name: 'x', hits: true }) });
  const { id, url } = await answer.json();
  const guest = await enter(browser, server.url, { expected: ['401', '404'] });
  await guest.goto(server.url + new URL(url).pathname);
  await guest.locator('.stat').first().waitFor();
  assert.equal((await fetch(`${server.url}/api/v1/share-links/${id}`, { method: 'DELETE', headers })).status, 204);
  await guest.getByText('This link no longer works').waitFor();
  await guest.goto(`${server.url}/share/never-was?view=requests`);
  await guest.getByText('It was revoked or has expired.').waitFor();
  await guest.leave();
  await page.leave();
});

test('nothing moves while Activity loads, nor when a key is generated', async () => {
  const { page } = await visit('steady');
  const top = (locator) => locator.evaluate((node) => node.getBoundingClientRect().top);
  let release;
  const held = new Promise((done) => (release = done));
  await page.route('**/assets/cards-*.js', (route) => held.then(() => route.continue()));
  await page.reload();
  const endpoints = page.locator('.card.endpoints');
  await endpoints.locator('.path').first().waitFor();
  const waiting = await top(endpoints);
  release();
  await page.locator('.activity .chart').waitFor();
  assert.equal(await top(endpoints), waiting);

  await page.goto(server.url);
  const title = page.getByRole('heading', { level: 1 });
  await page.getByLabel('Project name').waitFor();
  const before = await top(title);
  await page.getByRole('button', { name: 'Generate API key' }).click();
  await page.getByLabel('Your key').waitFor();
  assert.equal(await top(title), before);
  await page.getByLabel('I have copied the key').check();
  await page.leave();
});
