// Incidents and channels through the page, over the real server: a target stops and its outage is shown beside the real traffic, sent to a
// receiver, acknowledged and closed; channels are added, tested, changed and deleted; rules are turned on, created, paused and deleted;
// each state as a picture in `artefacts/page`.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerWith, HOSTILE, shop } from './shop-monitors.mjs';
import { axe, createProject, enter, freePort, keepPicture, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
/** A check runs every 20 seconds, and the page refreshes every 10. */
const SOON = { timeout: 120_000 };
let server;
let browser;
before(async () => {
  // The targets and receivers are on this machine.
  server = await startServer('--allow-networks', '127.0.0.0/8');
  browser = await startBrowser();
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Responds with `answer`, and keeps the requests. */
async function listen(answer, port) {
  const calls = [];
  const target = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      const { status, text } = answer();
      response.writeHead(status).end(text);
    });
  });
  const at = port ?? (await freePort());
  await new Promise((done) => target.listen(at, '127.0.0.1', done));
  // A failing test leaves it open.
  target.unref();
  return {
    port: at, calls,
    stop: () => new Promise((done) => {
      target.close(done);
      target.closeAllConnections();
    }),
  };
}

async function call(key, method, path, body) {
  const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers: { 'x-auth-token': key, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function open(name, options = {}) {
  const project = await createProject(server.url, name);
  const page = await enter(browser, server.url, options);
  await signIn(page, server.url, project.key);
  const go = (path, more = '') => page.goto(`${server.url}/${path}?project=${project.project_id}${more}`);
  return { page, project, go };
}

test('an outage: seen beside the real traffic, told, acknowledged, and over', async () => {
  const { page, project, go } = await open('outage');
  const dialog = page.locator('dialog');
  let said = { status: 500, text: 'no room' };
  const receiver = await listen(() => said);

  // A channel whose secret is shown once, and whose service refuses a notice and then accepts one.
  await go('alerts', '&tab=channels');
  await page.getByText('No channels yet').waitFor();
  await axe(page);
  await page.getByRole('button', { name: 'Add the first channel' }).click();
  await dialog.getByLabel('Webhook', { exact: true }).check();
  await dialog.getByLabel('Address', { exact: true }).fill(`http://127.0.0.1:${receiver.port}/hook/secret-path`);
  await dialog.getByLabel('Name').fill('Hook');
  await axe(page);
  await dialog.getByRole('button', { name: 'Add channel' }).click();
  const secret = await dialog.getByLabel('Signing secret', { exact: true }).textContent();
  assert.match(secret, /^whsec_/);
  await axe(page);
  await dialog.getByRole('button', { name: 'Send a test' }).click();
  await dialog.getByText('Not delivered.').waitFor();
  await dialog.getByText('no room', { exact: true }).waitFor();
  said = { status: 200, text: 'thanks' };
  await dialog.getByRole('button', { name: 'Send again' }).click();
  await dialog.getByText('took the test notice with status 200').waitFor();
  await dialog.getByText('thanks', { exact: true }).waitFor();
  await axe(page);
  assert.ok(receiver.calls.at(-1).headers['webhook-signature'].startsWith('v1,'));
  await page.keyboard.press('Escape');
  await page.getByText('Active', { exact: true }).waitFor();
  assert.ok(!(await page.content()).includes('secret-path') && !(await page.content()).includes(secret));

  const target = await listen(() => ({ status: 200, text: 'ok' }));
  const monitor = await call(project.key, 'POST', 'monitors', { kind: 'http', url: `http://127.0.0.1:${target.port}/health`, name: 'Orders', interval_s: 20, down_after: 1, up_after: 1 });
  await go('monitoring');
  const row = page.locator('main li', { has: page.getByRole('link', { name: 'Orders', exact: true }) });
  await row.getByText('Up', { exact: true }).waitFor(SOON);
  await page.getByText('No incident so far.').waitFor();
  await target.stop();
  const card = page.getByRole('region', { name: /^Orders is down since/ });
  await card.waitFor(SOON);
  await card.getByText(/connection refused · \d+ checks? failed · told: Hook/).waitFor(SOON);
  await axe(page);

  // The affected are counted while it lasts.
  const at = new Date().toISOString();
  await post(server.url, project.key, ['alice', 'alice', 'bob'].map((user) => ({ path: '/buy', route: '/buy', method: 'POST', status: 503, hostname: '127.0.0.1', user_id: user, created_at: at })));
  await card.getByText('Hit so far: 3 requests, 2 consumers.').waitFor({ timeout: 180_000 });
  await card.getByText('POST /buy').waitFor();
  await card.locator('.chart canvas').waitFor();
  await soon(async () => assert.match(await card.locator('.chart').getAttribute('aria-label'), /5xx at most 3/));

  await card.getByRole('button', { name: 'Acknowledge Orders' }).click();
  await card.getByText(/^Acknowledged \d\d:\d\d/).waitFor();
  const [{ id, acknowledged_at: acknowledged }] = (await call(project.key, 'GET', 'incidents')).incidents;
  assert.equal(id, `${monitor.id}-1`);
  assert.ok(acknowledged);
  await card.getByRole('button', { name: 'Undo the acknowledgement' }).click();
  await card.getByRole('button', { name: 'Acknowledge Orders' }).click();
  await card.getByText(/^Acknowledged/).waitFor();

  // Its own page.
  await card.getByRole('link', { name: /^Orders is down/ }).click();
  await page.waitForURL(/alerts\?project=\d+&incident=\d+-1/);
  await page.getByText('Open, ').waitFor();
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await soon(async () => assert.deepEqual(await timeline.locator('b').allTextContents(), ['Last check that passed', 'First check that failed', 'Confirmed as down', 'Acknowledged']));
  await timeline.getByText('delivered', { exact: true }).waitFor();
  await page.getByRole('region', { name: 'Who is affected' }).getByText('alice').waitFor();
  await page.getByLabel('Note for your team').fill('The disk was full.');
  await page.getByRole('button', { name: 'Save note' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
  // Published from its page.
  const publish = page.getByRole('region', { name: 'Status page' });
  await publish.getByLabel('Title for visitors').fill('Orders cannot be placed');
  await publish.getByLabel('Update (optional)').fill('We are on it.');
  await publish.getByRole('button', { name: 'Publish' }).click();
  await publish.getByText('Published.', { exact: true }).waitFor();
  await publish.getByText('On the page', { exact: true }).waitFor();
  await timeline.getByText('We are on it.').waitFor();
  assert.equal((await call(project.key, 'GET', `incidents/${id}`)).incident.public_title, 'Orders cannot be placed');
  await axe(page);

  // Marked on the dashboard's charts, with a link to it.
  await go('dashboard', '&period=24h');
  const mark = page.locator('.activity').getByRole('link', { name: /^Orders has been down for/ });
  await mark.waitFor();
  await axe(page);
  await mark.click();
  await page.waitForURL(/incident=\d+-1/);

  const again = await listen(() => ({ status: 200, text: 'ok' }), target.port);
  await page.getByText(/^Resolved after \d+/).first().waitFor(SOON);
  await timeline.getByText('First check that passed again').waitFor();
  await go('monitoring');
  await row.getByText('Up', { exact: true }).waitFor(SOON);
  await soon(async () => assert.equal(await page.getByRole('region', { name: /^Orders is down since/ }).count(), 0));
  const incidents = page.getByRole('region', { name: 'Incidents' });
  await incidents.getByText('5xx in real traffic: 3 requests, 2 consumers.').waitFor();
  await incidents.getByText('The disk was full.').waitFor();
  // Today's bar mentions it, also by keyboard.
  await row.getByRole('application').focus();
  await page.keyboard.press('ArrowLeft');
  const told = row.getByText(/Down \d+ (s|min).*, up/);
  // If midnight has just passed, it is yesterday's.
  await told.waitFor({ timeout: 30_000 }).catch(() => page.keyboard.press('ArrowLeft'));
  await told.waitFor();

  // Every delivery with its tries.
  await go('alerts', '&tab=channels');
  await page.getByRole('link', { name: 'Hook' }).click();
  await page.locator('summary', { hasText: 'Orders incident over' }).waitFor(SOON);
  await page.locator('summary', { hasText: 'Orders incident opened' }).click();
  await page.locator('details[open] tbody tr').getByText('200').waitFor();
  await page.locator('details[open] tbody tr').getByText('Delivered.').waitFor();
  await axe(page);
  const sent = receiver.calls.map(({ body }) => JSON.parse(body).data);
  assert.deepEqual(sent.filter(({ stage }) => stage !== 'test').map(({ stage, subject }) => [stage, subject]), [['opening', 'Orders'], ['resolved', 'Orders']]);
  await page.getByRole('link', { name: 'Open the incident' }).click();
  await page.waitForURL(/incident=\d+-1/);
  await page.leave();
  await again.stop();
  await receiver.stop();
});

test('a rule is turned on by its name, made of one\'s own, changed, paused and deleted', async () => {
  const { page, go, project } = await open('shop-api', { expected: ['400'] });
  const rules = async () => (await call(project.key, 'GET', 'rules')).rules;
  const dialog = page.locator('dialog');
  await go('alerts', '&tab=rules');
  await page.getByRole('button', { name: 'Turn on: requests have stopped' }).click();
  await page.getByRole('list', { name: 'Rules', exact: true }).getByText('requests have stopped').waitFor();
  await page.getByLabel('Goal').fill('99.5');
  await page.getByRole('button', { name: 'Turn on: the error budget burns too fast' }).click();
  await page.getByText('(goal: 99.5 %)').waitFor();
  assert.deepEqual((await rules()).map(({ settings }) => [settings.ready_made, settings.goal_percent]), [['traffic_stopped', undefined], ['burn_rate', 99.5]]);

  await page.getByRole('button', { name: 'Add rule' }).click();
  await dialog.getByLabel('Metric').selectOption('p95_ms');
  await dialog.getByLabel('Threshold').fill('800');
  await dialog.getByLabel('Window').fill('0');
  await dialog.getByRole('button', { name: 'Add rule' }).click();
  await dialog.getByRole('alert').getByText('from 1 to 1440').waitFor();
  await soon(async () => assert.equal(await dialog.getByLabel('Window').evaluate((input) => input === document.activeElement), true));
  await axe(page);
  await page.screenshot({ path: `${folder}rule-wrong.png`, fullPage: true });
  await dialog.getByLabel('Window').fill('10');
  await dialog.getByLabel('Filter').fill('path:/v1/*');
  await dialog.getByLabel('One alert').selectOption('endpoint');
  await dialog.getByLabel('Name').fill(HOSTILE.slice(0, 60));
  await dialog.getByRole('button', { name: 'Add rule' }).click();
  await page.getByText('95th percentile of response times at least 800 ms over 10 min, for each endpoint, of path:/v1/*').waitFor();
  await page.getByRole('button', { name: `Actions for ${HOSTILE.slice(0, 60)}`.trim() }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await soon(async () => assert.equal(await dialog.getByLabel('Threshold').inputValue(), '800'));
  await dialog.getByLabel('Fires', { exact: true }).selectOption('at most');
  await dialog.getByLabel('Threshold').fill('20');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('at most 20 ms over 10 min').waitFor();
  const own = (await rules())[2];
  assert.deepEqual([own.settings.at_least, own.settings.at_most, own.settings.group_by, own.settings.least_requests], [undefined, 20, 'endpoint', 20]);

  await page.getByRole('button', { name: 'Actions for requests have stopped' }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused').waitFor();
  assert.equal((await rules())[0].settings.paused, true);
  await axe(page);
  await page.screenshot({ path: `${folder}rules.png`, fullPage: true });
  await page.getByRole('button', { name: 'Actions for requests have stopped' }).click();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await dialog.getByRole('button', { name: 'Delete rule' }).click();
  await page.getByRole('button', { name: 'Turn on: requests have stopped' }).waitFor();
  assert.equal((await rules()).length, 2);
  await page.leave();
});

test('a channel is changed without its secret, paused and deleted; what the server says stands at the field', async () => {
  const { page, project, go } = await open('notices', { expected: ['400'] });
  const dialog = page.locator('dialog');
  await go('alerts', '&tab=channels');
  await page.getByRole('button', { name: 'Add the first channel' }).click();
  await dialog.getByLabel('Webhook address').fill('https://example.com/not-slack');
  await dialog.getByRole('button', { name: 'Add channel' }).click();
  await dialog.getByText('Webhook address must be an address that begins with https://hooks.slack.com/').waitFor();
  await soon(async () => assert.ok(await dialog.getByLabel('Webhook address').evaluate((input) => input === document.activeElement && input.getAttribute('aria-invalid') === 'true')));
  await axe(page);
  await dialog.getByLabel('ntfy', { exact: true }).check();
  await dialog.getByLabel('Topic').fill('shop');
  await dialog.getByText('More options').click();
  await dialog.getByLabel(/^Access token/).fill('tk_secret-token');
  // Our tests send nothing to others.
  await page.route('**/channels/*/test*', (route) => route.fulfill({ json: { delivered: false, status: null, answer: null, reason: 'no answer', took_ms: 12 } }));
  await dialog.getByRole('button', { name: 'Add channel' }).click();
  await dialog.getByText('Not delivered.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('ntfy, shop at ntfy.sh').waitFor();

  const changes = [];
  page.on('request', (request) => { if (request.method() === 'PATCH') changes.push(request.postDataJSON()); });
  await page.getByRole('button', { name: 'Actions for ntfy' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  assert.ok(!(await page.content()).includes('tk_secret-token'));
  await dialog.getByLabel('Topic').fill('shop-2');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('ntfy, shop-2 at ntfy.sh').waitFor();
  assert.deepEqual(changes, [{ config: { topic: 'shop-2' } }]);
  const quiet = async () => (await call(project.key, 'GET', 'channels')).channels[0].quiet_hours;
  await page.getByRole('button', { name: 'Actions for ntfy' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel(/^Quiet hours/).check();
  await dialog.getByLabel('From').fill('07:00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('longer than 16 hours').waitFor();
  await dialog.getByLabel('From').fill('21:30');
  await dialog.getByLabel('Time zone').fill('Europe/Berlin');
  await axe(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('quiet 21:30 to 07:00').waitFor();
  assert.deepEqual(await quiet(), { from: '21:30', to: '07:00', time_zone: 'Europe/Berlin' });
  await page.getByRole('button', { name: 'Actions for ntfy' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel(/^Quiet hours/).uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('quiet 21:30').waitFor({ state: 'detached' });
  assert.equal(await quiet(), null);
  await page.getByRole('button', { name: 'Actions for ntfy' }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused', { exact: true }).waitFor();
  assert.equal((await call(project.key, 'GET', 'channels')).channels[0].enabled, false);

  // The dashboard id opens the same pages, read-only.
  const guest = await enter(browser, server.url);
  await guest.goto(`${server.url}/monitoring/${project.dashboard_id}`);
  await guest.getByRole('navigation', { name: 'Pages of the project' }).getByRole('link', { name: 'Alerts' }).click();
  await guest.getByText('No monitors yet').waitFor();
  await guest.getByRole('link', { name: 'Channels', exact: true }).click();
  await guest.getByText('so channels are read-only').waitFor();
  await guest.getByText('ntfy, shop-2 at ntfy.sh').waitFor();
  await soon(async () => assert.equal(await guest.getByRole('main').getByRole('button').count(), 0));
  await axe(guest);
  await guest.leave();

  await page.getByRole('button', { name: 'Actions for ntfy' }).click();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await dialog.getByText('its deliveries are deleted').waitFor();
  await axe(page);
  await dialog.getByRole('button', { name: 'Delete ntfy' }).click();
  await page.getByText('No channels yet').waitFor();
  assert.deepEqual((await call(project.key, 'GET', 'channels')).channels, []);
  await page.leave();
});

// ---- pictures

for (const [screen, options] of [
  ['wide-light', { viewport: { width: 1440, height: 1000 }, colorScheme: 'light' }],
  ['wide-dark', { viewport: { width: 1440, height: 1000 }, colorScheme: 'dark' }],
  ['phone-light', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
  ['phone-dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
]) {
  test(`pictures of alerts on ${screen}`, async () => {
    const { page, go } = await open('shop-api', { ...options, expected: ['404', '503', 'ERR_FAILED'] });
    const keep = (name) => keepPicture(page, `${folder}${name}-${screen}.png`);
    await go('alerts');
    await page.getByText('No monitors yet').waitFor();
    await keep('incidents-empty');
    await go('alerts', '&tab=channels');
    await page.getByText('No channels yet').waitFor();
    await keep('channels-empty');
    await go('alerts', '&tab=rules');
    await page.getByText('No rule watches your requests').waitFor();
    await keep('rules-empty');
    await go('alerts', '&incident=1-1');
    await page.getByText('There is no such incident').waitFor();
    await keep('incident-gone');

    await answerWith(shop(), page);
    await go('alerts');
    await page.getByText('Search: down').waitFor();
    await soon(async () => assert.ok((await page.locator('main').textContent()).includes(HOSTILE)));
    await keep('incidents');
    for (const [name, id] of [['incident-open', '1-4'], ['incident', '3-1'], ['incident-unconfirmed', '6-9'], ['incident-certificate', '4-2']]) {
      await go('alerts', `&incident=${id}`);
      await page.getByRole('region', { name: 'Timeline' }).waitFor();
      if (id !== '4-2') await page.locator('.chart canvas').waitFor();
      await keep(name);
    }
    await go('alerts', '&tab=channels');
    await page.getByText('Switched off').waitFor();
    await keep('channels');
    await page.getByRole('button', { name: 'Add channel' }).click();
    await page.locator('dialog').getByLabel('Telegram').check();
    await page.locator('dialog').getByText('More options').click();
    await keep('channel-add');
    await go('alerts', '&tab=channels&channel=1');
    await page.locator('summary').first().click();
    await page.locator('details[open] tbody').waitFor();
    await keep('channel');

    for (const [name, path, more, text] of [['incidents', 'incidents', '', 'Incidents are loading'], ['channels', 'channels', '&tab=channels', 'Channels are loading'], ['rules', 'rules', '&tab=rules', 'Rules are loading']]) {
      await page.unrouteAll();
      await page.route(`**/api/v1/${path}**`, () => {});
      await go('alerts', more);
      await page.getByLabel(text).waitFor();
      await keep(`${name}-loading`);
      await page.unrouteAll();
      await page.route(`**/api/v1/${path}**`, (route) => route.fulfill({ status: 503, json: { status: 503, code: 'busy', message: 'Too much is asked for at the moment' } }));
      await go('alerts', more);
      await page.getByText('Too much is asked for at the moment.').waitFor();
      await keep(`${name}-error`);
      await page.unrouteAll();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Too much is asked for at the moment.').waitFor({ state: 'detached' });
    }
    await page.leave();
  });
}
