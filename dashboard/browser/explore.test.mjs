// Exploring: words typed into the filter, hidden series, a logarithmic axis, the documentation.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, headline, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

let server;
let browser;
let project;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  project = await createProject(server.url, 'explored');
  const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const hit = (i, more) => ({ path: `/v1/users/${i}`, route: '/v1/users/{id}', method: 'GET', status: 200, response_time: 4, ip_address: '85.214.132.117', created_at: ago(i), ...more });
  await post(server.url, project.key, [
    ...Array.from({ length: 20 }, (_, i) => hit(i + 2)),
    ...Array.from({ length: 6 }, (_, i) => hit(i + 2, { path: '/v1/orders', route: '/v1/orders', method: 'POST', status: 503, response_time: 4_000, ip_address: '8.8.8.8', user_id: 'acme-42' })),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function visit(options = {}) {
  const page = await enter(browser, server.url, options);
  await signIn(page, server.url, project.key);
  await page.locator('.stat').first().waitFor();
  return page;
}
const requests = (page, count) => page.waitForFunction((wanted) => document.querySelector('.stat b')?.textContent === wanted, String(count));

test('words in the filter become the conditions that they mean, and a line says so', async () => {
  const page = await visit();
  const box = page.getByRole('combobox', { name: 'Add a filter' });
  const said = page.locator('.filter [role=status]');
  for (const [words, q, says, count] of [
    ['5xx', 'status:5xx', 'status is 5xx', 6],
    ['503', 'status:503', 'status is 503', 6],
    ['POST', 'method:POST', 'method is POST', 6],
    ['Germany', 'country:DE', 'country is Germany', 20],
    ['-Germany', '-country:DE', 'country is not Germany', 6],
    ['/v1/users', 'path:/v1/users*', 'path begins with /v1/users', 20],
    ['acme-42', 'consumer:u:acme-42', 'consumer is acme-42', 6],
    ['POST united states', 'method:POST country:US', 'method is POST and country is United States', 6],
    ['orders', 'path:*orders*', 'path contains “orders”', 6],
  ]) {
    await box.fill(words);
    await box.press('Enter');
    await page.waitForFunction((wanted) => new URL(location.href).searchParams.get('q') === wanted, q);
    await soon(async () => assert.match((await said.textContent()).trim(), new RegExp(`^“${words}” is read as: ${says}\\.`)));
    await requests(page, count);
    await page.getByRole('button', { name: 'Remove all filters' }).click();
    await requests(page, 26);
    await soon(async () => assert.equal((await said.textContent()).trim(), ''));
  }

  // Another interpretation.
  await box.fill('/v1/users');
  await box.press('Enter');
  await requests(page, 20);
  await axe(page);
  await page.getByRole('button', { name: 'Search paths instead' }).click();
  await page.waitForFunction(() => new URL(location.href).searchParams.get('q') === 'path:*/v1/users*');
  await requests(page, 20);
  await page.getByRole('button', { name: 'Remove all filters' }).click();
  await requests(page, 26);

  // Completion: countries by name, values with their counts.
  const options = page.getByRole('option');
  await box.fill('country:germ');
  await options.filter({ hasText: 'DE · Germany' }).filter({ hasText: '20' }).click();
  await requests(page, 20);
  await page.getByRole('button', { name: 'Remove all filters' }).click();
  await requests(page, 26);
  await box.fill('acm');
  await options.filter({ hasText: 'consumer:u:acme-42' }).filter({ hasText: '6' }).waitFor();
  await axe(page);
  await box.press('Escape');
  await page.leave();
});

test('the place of an error in the filter is underlined, also where it is edited as text', async () => {
  const page = await visit({ expected: ['400'], viewport: { width: 390, height: 844 } });
  const box = page.getByRole('combobox', { name: 'Add a filter' });
  await box.fill('country:US status:5xx,9xx');
  await box.press('Enter');
  await page.locator('.chip .wrong', { hasText: /^9xx$/ }).waitFor();
  await soon(async () => assert.ok(!(await page.locator('#filter-error').textContent()).includes('at character')));
  await page.getByRole('button', { name: 'Edit the filter as text' }).click();
  await soon(async () => assert.equal(await page.locator('.below .wrong').textContent(), '9xx'));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.getByRole('textbox', { name: 'Filter as text' }).fill('country:US');
  await page.keyboard.press('Enter');
  await requests(page, 6);
  await page.leave();
});

test('series are switched by their names, and latency has a logarithmic axis; the address keeps both', async () => {
  const page = await visit({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const activity = page.locator('.card.activity');
  const chart = activity.locator('.chart');
  await chart.waitFor();
  await activity.getByRole('button', { name: '2xx', exact: true }).tap();
  await page.waitForURL(/tab\.activity_off=2xx/);
  await soon(async () => assert.ok(!(await chart.getAttribute('aria-label')).includes('2xx at most')));
  await soon(async () => assert.ok((await chart.getAttribute('aria-label')).includes('5xx at most')));
  // The box stays inside the screen wherever the pointer is.
  await chart.evaluate((node) => node.scrollIntoView({ block: 'center' }));
  const { x, y, width } = await chart.locator('.u-over').boundingBox();
  for (const share of [0.2, 0.5, 0.75, 0.98]) {
    await page.mouse.move(x + width * share, y + 60);
    await chart.getByRole('status').waitFor();
    await page.waitForFunction(() => { const r = document.querySelector('.activity .box')?.getBoundingClientRect(); return r && r.width > 0 && r.left >= 0 && r.right <= innerWidth; });
  }
  const latency = page.locator('.card.latency');
  await latency.scrollIntoViewIfNeeded();
  await latency.getByRole('button', { name: 'p99', exact: true }).focus();
  await page.keyboard.press('Space');
  await page.waitForURL(/tab\.latency_off=p99/);
  await latency.getByRole('button', { name: 'Log', exact: true }).tap();
  await page.waitForURL(/tab\.latency_axis=log/);
  await axe(page);
  await page.evaluate(() => scrollTo(0, 0));
  await page.reload();
  await latency.locator('.chart').waitFor();
  await soon(async () => assert.equal(await latency.getByRole('button', { name: 'p99', exact: true }).getAttribute('aria-pressed'), 'false'));
  await soon(async () => assert.equal(await latency.getByRole('button', { name: 'Log', exact: true }).getAttribute('aria-pressed'), 'true'));
  await soon(async () => assert.equal(await activity.getByRole('button', { name: '2xx', exact: true }).getAttribute('aria-pressed'), 'false'));
  await soon(async () => assert.equal(await headline(page, 'Requests').textContent(), '26'));
  await page.leave();
});

test('Ctrl+K goes to a page, a setting and the documentation', async () => {
  const page = await visit();
  const box = page.getByRole('combobox', { name: 'Page, view, endpoint, consumer or setting' });
  const goTo = async (words, first) => {
    await page.keyboard.press('Control+k');
    await box.fill(words);
    await page.getByRole('option', { name: first, selected: true }).waitFor();
    return box;
  };
  await page.keyboard.press('Control+k');
  await page.getByRole('option', { name: 'Keys' }).waitFor();
  await axe(page);
  // Opened in the very moment in which it closes, it stays.
  for (let i = 0; i < 20; i++) {
    await Promise.all([page.keyboard.press('Escape'), page.keyboard.press('Control+k')]);
    await page.getByRole('option', { name: 'Keys' }).waitFor();
  }
  await page.keyboard.press('Escape');
  await box.waitFor({ state: 'detached' });
  await (await goTo('keys', /^Keys/)).press('Enter');
  await page.waitForURL(/\/settings\?project=\d+#keys$/);
  await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
  await (await goTo('ingest', /^Ingest health/)).press('Enter');
  await page.getByRole('heading', { name: 'Sources' }).waitFor();
  // On a phone each source is a block, and nothing scrolls sideways.
  await page.setViewportSize({ width: 390, height: 844 });
  await soon(async () => assert.ok(await page.locator('[aria-label="Table of sources"]').evaluate((node) => node.scrollWidth <= node.clientWidth)));
  await axe(page);
  await (await goTo('theme dark', /^Theme: dark/)).press('Enter');
  await soon(async () => assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark'));
  await goTo('retention', /^Search the documentation/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/docs\/search\?q=retention/);
  await page.leave();
});

test('the documentation stands in the frame of the page, is searched, and its commands are copied', async () => {
  const page = await enter(browser, server.url, { permissions: ['clipboard-read', 'clipboard-write'], colorScheme: 'dark' });
  await page.goto(`${server.url}/docs`);
  await axe(page);
  await page.getByRole('combobox', { name: 'Theme' }).selectOption('light');
  await soon(async () => assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light'));
  const first = page.locator('.code').first();
  await first.getByRole('button', { name: 'Copy' }).click();
  await first.getByRole('button', { name: 'Copied' }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^export KEY=\$\(curl -sS http:\/\/127\.0\.0\.1:\d+\/api\/generate[^]*"\$KEY"$/);
  await page.keyboard.press('/');
  await page.keyboard.type('restore');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/docs\/search\?q=restore/);
  await page.getByRole('heading', { name: /results for “restore”/ }).waitFor();
  await axe(page);
  // The documentation shares the dashboard's theme.
  await page.getByRole('link', { name: 'API Analytics, start page' }).click();
  await page.getByRole('button', { name: 'Generate API key' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  await page.goBack();
  await page.locator('.found a').first().click();
  await page.waitForURL(/\/docs\/backup/);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ['backup', 'api', 'settings']) {
    await page.goto(`${server.url}/docs/${name}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is not wider than a phone`);
    await axe(page);
  }
  await page.leave();
});
