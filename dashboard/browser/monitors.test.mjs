// Monitors through the page: one is added for a real target and is up, the target stops and it is down, it is paused and deleted; the
// server's messages about a field, heartbeats, read-only viewers, and each state as a picture in `artefacts/page`.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerWith, HOSTILE, shop } from './shop-monitors.mjs';
import { axe, createProject, enter, freePort, keepPicture, signIn, soon, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
let server;
let browser;
before(async () => {
  // The targets are on this machine.
  server = await startServer('--allow-networks', '127.0.0.0/8');
  browser = await startBrowser();
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function startTarget() {
  const port = await freePort();
  const target = createServer((_, response) => response.writeHead(200).end('{"status":"ok"}'));
  await new Promise((done) => target.listen(port, '127.0.0.1', done));
  return {
    port,
    stop: () =>
      new Promise((done) => {
        target.close(done);
        target.closeAllConnections();
      }),
  };
}

async function call(key, method, path, body) {
  const answer = await fetch(`${server.url}/api/v1/${path}`, {
    method, headers: { 'x-auth-token': key, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function openMonitors(name, options = {}) {
  const project = await createProject(server.url, name);
  const page = await enter(browser, server.url, options);
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/monitoring?project=${project.project_id}`);
  return { page, project };
}

const row = (page, name) => page.getByRole('list', { name: 'Monitors' }).locator('li', { hasText: name });

test('a monitor is added, seen up, seen down when its target stops, paused and deleted', async () => {
  const target = await startTarget();
  const { page, project } = await openMonitors('watched');
  await page.getByText('No monitors yet').waitFor();
  await axe(page);

  await page.getByRole('button', { name: 'Add the first monitor' }).click();
  const dialog = page.locator('dialog');
  await dialog.getByLabel('Address', { exact: true }).fill(`http://127.0.0.1:${target.port}/health`);
  await dialog.getByLabel('Name', { exact: true }).fill('Orders');
  await dialog.getByLabel('Check every', { exact: true }).fill('20');
  await dialog.getByLabel('Check every: unit').selectOption('seconds');
  await dialog.getByText('Timing and confirmation').click();
  await dialog.getByLabel('Failures until down').fill('1');
  await axe(page);
  await dialog.getByRole('button', { name: 'Add monitor' }).click();
  // The result of a check is shown at once.
  await dialog.getByText('The check passed with status 200.').waitFor();
  await soon(async () => assert.ok((await dialog.locator('dt').allTextContents()).includes('First byte')));
  await axe(page);
  await dialog.getByRole('button', { name: 'Done' }).click();

  // Up after the first check in its slot, with its times.
  const orders = row(page, 'Orders');
  await orders.getByText('Up', { exact: true }).waitFor({ timeout: 120_000 });
  await orders.getByRole('application', { name: /^Orders, day by day/ }).waitFor();
  await page.getByRole('heading', { name: 'Orders · response time' }).waitFor();
  await page.getByText('1 up').waitFor();
  await axe(page);

  await target.stop();
  await orders.getByText('Down', { exact: true }).waitFor({ timeout: 120_000 });
  await orders.getByText(/^for \d+ (s|min) · connection refused$/).waitFor();
  await page.getByText('1 down').waitFor();
  // An outage that begins meanwhile appears at the top, and the list makes room for it once; nothing else may move.
  await page.getByRole('region', { name: /^Orders is down since/ }).waitFor();
  await page.waitForTimeout(500);
  const moved = await page.evaluate(() => window.shifted);
  assert.ok(moved < 0.15, `an outage moved the page by ${moved}`);
  await page.evaluate(() => (window.shifted = 0));

  await orders.getByRole('button', { name: 'Actions for Orders' }).click();
  await page.getByRole('button', { name: 'Check now' }).click();
  await dialog.getByText('Connection refused.', { exact: true }).waitFor();
  await dialog.getByText('nothing listens on this port').waitFor();
  await axe(page);
  await page.keyboard.press('Escape');

  // The checks of a range are loaded once; newer ones come with the monitor itself.
  const asked = [];
  page.on('request', (request) => { if (request.url().includes('/checks?')) asked.push(request.url()); });
  // Its own page: the failed check is in the table, and the range is in the address.
  await orders.getByRole('link', { name: 'Orders' }).click();
  await page.waitForURL(/monitor=\d+/);
  const table = page.locator('table').first();
  await table.getByText('Failed', { exact: true }).first().waitFor();
  await table.getByText('The connection was refused.').first().waitFor();
  await table.getByText('Passed', { exact: true }).first().waitFor();
  await page.locator('.grid .chart').waitFor();
  await soon(async () => assert.match(await page.locator('.grid .chart').getAttribute('aria-label'), /[1-9]\d* checks? failed\./));
  await axe(page);
  await page.getByRole('link', { name: '3 h', exact: true }).click();
  await page.waitForURL(/range=3h/);
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.getByRole('region', { name: 'Numbers per bucket' }).waitFor();
  await page.getByRole('button', { name: 'Failed', exact: true }).click();
  await page.waitForFunction(() => ![...document.querySelectorAll('td .pill')].some((pill) => pill.textContent === 'Passed'));

  const before = await page.locator('tbody tr').count();
  await page.waitForFunction((count) => document.querySelectorAll('tbody tr').length > count, before, { timeout: 120_000 });
  assert.equal(asked.length, 2, asked.join(' '));
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused', { exact: true }).waitFor();
  assert.equal((await call(project.key, 'GET', 'monitors')).monitors[0].settings.paused, true);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();

  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('Payments');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Payments' }).waitFor();

  await page.getByRole('button', { name: 'Delete Payments' }).click();
  await dialog.getByText('Its checks and incidents are deleted for good').waitFor();
  await axe(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await call(project.key, 'GET', 'monitors')).monitors.length, 1);
  await page.getByRole('button', { name: 'Delete Payments' }).click();
  await dialog.getByRole('button', { name: 'Delete Payments' }).click();
  await page.getByText('No monitors yet').waitFor();
  assert.deepEqual((await call(project.key, 'GET', 'monitors')).monitors, []);
  await page.leave();
});

test('what the server says against a field stands at the field, also where it was folded away', async () => {
  const { page } = await openMonitors('fields', { expected: ['400'] });
  await page.getByRole('button', { name: 'Add the first monitor' }).click();
  const dialog = page.locator('dialog');
  const add = dialog.getByRole('button', { name: 'Add monitor' });
  await add.click();
  await dialog.getByText('Address is missing.').waitFor();
  const address = dialog.getByLabel('Address', { exact: true });
  await soon(async () => assert.equal(await address.getAttribute('aria-invalid'), 'true'));
  await soon(async () => assert.ok(await address.evaluate((input) => input === document.activeElement && document.getElementById(input.getAttribute('aria-describedby')).textContent === 'Address is missing.')));
  await address.fill('http://10.0.0.1/');
  await add.click();
  await dialog.getByText('Address is a private address').waitFor();
  await address.fill('http://127.0.0.1/');
  await dialog.getByText('What counts as success').click();
  await dialog.getByLabel('Expected statuses').fill('2yy');
  await dialog.getByText('What counts as success').click();
  await soon(async () => assert.ok(!(await dialog.getByLabel('Expected statuses').isVisible())));
  await add.click();
  await dialog.getByText('Expected statuses has "2yy"').waitFor();
  await soon(async () => assert.ok(await dialog.getByLabel('Expected statuses').isVisible()));
  await axe(page);
  await page.leave();
});

test('every option of the form reaches the server, and comes back when it is edited', async () => {
  const { page, project } = await openMonitors('options');
  await page.getByRole('button', { name: 'Add the first monitor' }).click();
  const dialog = page.locator('dialog');
  await dialog.getByLabel('Address', { exact: true }).fill('http://127.0.0.1:9/x');
  for (const part of ['Request', 'What counts as success', 'Timing and confirmation', 'Connection']) await dialog.getByText(part, { exact: true }).click();
  await dialog.getByLabel('Method').selectOption('POST');
  await dialog.getByRole('button', { name: 'Add a header' }).click();
  await dialog.getByLabel('Name of header 1').fill('authorization');
  await dialog.getByLabel('Value of header 1').fill('Bearer secret-token');
  await dialog.getByLabel('Body', { exact: true }).fill('{"a":1}');
  await dialog.getByLabel('Expected statuses').fill('200, 3xx');
  await dialog.getByLabel('Body contains').fill('ok');
  await dialog.getByLabel('Body does not contain').fill('error');
  await dialog.getByLabel('JSON path').fill('$.status');
  await dialog.getByLabel('Comparison').selectOption('contains');
  await dialog.getByLabel('Expected value').fill('ok');
  await dialog.getByLabel('Failures until down').fill('4');
  await dialog.getByLabel('Successes until up').fill('5');
  await dialog.getByLabel('Timeout', { exact: true }).fill('2.5');
  await dialog.getByLabel('Degraded above', { exact: true }).fill('800');
  await dialog.getByLabel('Addresses').selectOption('ipv4');
  await dialog.getByLabel('Follow redirects').uncheck();
  await dialog.getByLabel('Verify the certificate').uncheck();
  await dialog.getByRole('button', { name: 'Add monitor' }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  const { monitors: [{ settings }] } = await call(project.key, 'GET', 'monitors');
  assert.deepEqual(settings, {
    kind: 'http', name: '127.0.0.1', paused: false, interval_s: 60, timeout_ms: 2500, down_after: 4, up_after: 5, degraded_above_ms: 800, address_family: 'ipv4',
    url: 'http://127.0.0.1:9/x', method: 'POST', headers: { authorization: null }, body: '{"a":1}', expected_statuses: ['200', '3xx'], body_contains: 'ok', body_excludes: 'error',
    json: { path: '$.status', operator: 'contains', value: 'ok' }, follow_redirects: false, verify_certificate: false,
  });

  const changes = [];
  page.on('request', (request) => { if (request.method() === 'PATCH') changes.push(request.postDataJSON()); });
  await page.getByRole('button', { name: 'Actions for 127.0.0.1' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  for (const part of ['Request', 'Connection']) await dialog.getByText(part, { exact: true }).click();
  // Its value is not shown, and stays.
  await soon(async () => assert.equal(await dialog.getByLabel('Value of header 1').inputValue(), ''));
  assert.ok(!(await page.content()).includes('secret-token'));
  await dialog.getByLabel('Verify the certificate').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(changes, [{ verify_certificate: true }]);
  await page.leave();
});

test('a heartbeat shows its address and a call by it, and is managed with the dashboard id too', async () => {
  const { page, project } = await openMonitors('jobs');
  await page.getByRole('button', { name: 'Add the first monitor' }).click();
  const dialog = page.locator('dialog');
  await dialog.getByLabel('Heartbeat').check();
  await dialog.getByLabel('Name', { exact: true }).fill('Nightly export');
  await dialog.getByLabel('by a cron expression').check();
  await dialog.getByLabel('Cron expression', { exact: true }).fill('30 2 * * *');
  await axe(page);
  await dialog.getByRole('button', { name: 'Add monitor' }).click();
  const address = await dialog.getByLabel('Heartbeat address').textContent();
  assert.match(address, /\/api\/heartbeat\/[0-9a-f]{32,}$/);
  await soon(async () => assert.equal(await dialog.getByLabel('Line for the job').textContent(), `your-job && curl -fsS -m 10 --retry 3 ${address}`));
  await axe(page);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const job = row(page, 'Nightly export');
  await job.getByText('never called').waitFor();
  assert.equal((await fetch(address)).status, 200);
  await job.getByText('last call', { exact: true }).waitFor();

  await job.getByRole('link', { name: 'Nightly export' }).click();
  const hidden = page.getByLabel('Heartbeat address');
  assert.ok(!(await hidden.textContent()).includes(address.slice(-12)));
  await page.getByRole('button', { name: 'Show' }).click();
  await soon(async () => assert.equal(await hidden.textContent(), address));
  await axe(page);
  await page.leave();

  // The dashboard id opens the same page, by the original's address, and manages monitors.
  const guest = await enter(browser, server.url);
  await guest.goto(`${server.url}/monitoring/${project.dashboard_id}`);
  await row(guest, 'Nightly export').waitFor();
  assert.match(guest.url(), /\/monitoring\?project=\d+$/);
  await row(guest, 'Nightly export').getByRole('link').click();
  await guest.getByText('The job', { exact: true }).waitFor();
  await guest.getByRole('button', { name: 'Show' }).click();
  await soon(async () => assert.equal(await guest.getByLabel('Heartbeat address').textContent(), address));
  await guest.getByRole('button', { name: 'Pause' }).click();
  await guest.getByRole('button', { name: 'Resume' }).waitFor();
  await axe(guest);
  await guest.leave();
});

test('by keyboard alone: a monitor is opened, its menu too, and the focus comes back', async () => {
  const { page, project } = await openMonitors('keys');
  await call(project.key, 'POST', 'monitors', { kind: 'tcp', target: '127.0.0.1:9', name: 'Port' });
  const port = row(page, 'Port');
  await port.waitFor();
  await port.getByRole('link').focus();
  // The days are between them.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.textContent.includes('Check now'));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog');
  await dialog.getByRole('heading', { name: 'Edit Port' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await port.getByRole('link').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Port' }).waitFor();
  await soon(async () => assert.equal(await page.evaluate(() => document.activeElement.id), 'main'));
  await page.leave();
});

// ---- pictures

for (const [screen, options] of [
  ['wide-light', { viewport: { width: 1440, height: 1000 }, colorScheme: 'light' }],
  ['wide-dark', { viewport: { width: 1440, height: 1000 }, colorScheme: 'dark' }],
  ['phone-light', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
  ['phone-dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
]) {
  test(`pictures of monitors on ${screen}`, async () => {
    const { page, project } = await openMonitors('shop-api', { ...options, expected: ['503', 'ERR_FAILED'] });
    const keep = (name) => keepPicture(page, `${folder}${name}-${screen}.png`);
    const monitors = (more = '') => page.goto(`${server.url}/monitoring?project=${project.project_id}${more}`);
    await page.getByText('No monitors yet').waitFor();
    await keep('monitors-empty');
    await page.getByRole('button', { name: 'Add the first monitor' }).click();
    await page.locator('dialog').getByText('Timing and confirmation').click();
    await keep('monitors-add');
    await page.locator('dialog').getByLabel('Heartbeat').check();
    await keep('monitors-add-heartbeat');
    await page.keyboard.press('Escape');

    await answerWith(shop(), page);
    await monitors();
    await page.locator('main li .bars').nth(6).waitFor();
    await page.getByRole('region', { name: /^Orders is down since/ }).locator('.chart canvas').waitFor();
    await keep('monitors');
    await soon(async () => assert.ok((await row(page, HOSTILE).textContent()).includes(HOSTILE)));
    await row(page, 'Catalogue').getByRole('button').click();
    await page.getByRole('button', { name: 'Check now' }).waitFor();
    await keep('monitors-menu');
    for (const [name, id] of [['monitor', 1], ['monitor-unconfirmed', 4], ['monitor-long-name', 6], ['monitor-heartbeat', 7]]) {
      await monitors(`&monitor=${id}`);
      await page.locator('.stats b', { hasText: '99.93' }).waitFor();
      if (id !== 7) await page.locator('.grid .chart').first().waitFor();
      await keep(name);
    }
    await monitors('&monitor=1');
    const chart = page.getByRole('region', { name: 'Response time' }).locator('.chart');
    await chart.locator('canvas').waitFor();
    await chart.focus();
    // The last bucket may have begun this minute.
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await chart.getByText(/Down \d+ min, \d+ of \d+ checks failed/).waitFor();
    await keep('monitor-hover');
    await page.getByRole('link', { name: '12 months' }).click();
    await page.getByRole('region', { name: 'Response time' }).getByText('Days are in UTC').waitFor();
    await keep('monitor-year');
    await page.getByRole('button', { name: /^Delete/ }).click();
    await keep('monitor-delete');
    await monitors('&tab=maintenance');
    await page.getByRole('heading', { name: 'Planned' }).waitFor();
    await keep('maintenance');
    await page.getByRole('button', { name: 'Plan maintenance' }).click();
    await page.locator('dialog').getByRole('radio', { name: /^Weekly/ }).check();
    await page.locator('dialog').getByRole('region', { name: 'When it takes place' }).locator('li').nth(2).waitFor();
    await keep('maintenance-add');

    await page.unroute('**/api/v1/monitors**');
    await page.route('**/api/v1/monitors**', () => {});
    await monitors();
    await page.getByLabel('Monitors are loading').waitFor();
    await keep('monitors-loading');
    await page.unroute('**/api/v1/monitors**');
    await page.route('**/api/v1/monitors**', (route) => route.fulfill({ status: 503, json: { status: 503, code: 'busy', message: 'Too much is asked for at the moment' } }));
    await monitors();
    await page.getByText('Too much is asked for at the moment.').waitFor();
    await keep('monitors-error');
    await page.unroute('**/api/v1/monitors**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No monitors yet').waitFor();
    await page.leave();
  });
}
