// A bad deploy: its line on the charts, the comparison before and after, and the same in the changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

const MINUTE = 60_000;
let server;
let browser;
let project;
const deployedAt = Date.now() - 12 * 60 * MINUTE;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  project = await createProject(server.url, 'deployed');
  const requests = [];
  // Two days, as changes compare a day with the one before. Since the deploy orders fail and the search is slow.
  for (let at = Date.now() - 47 * 60 * MINUTE; at < Date.now() - MINUTE; at += 10 * MINUTE) {
    const isLater = at >= deployedAt;
    const n = requests.length;
    const hit = (route, more) => ({ path: route, route, method: 'GET', status: 200, response_time: 20, user_id: 'shop', created_at: new Date(at).toISOString(), ...more });
    requests.push(
      hit('/v2/orders', { status: isLater && n % 3 === 0 ? 503 : 200 }),
      hit('/v2/search', { response_time: isLater ? 900 : 60 }),
      hit('/v2/fine', {}),
      hit('/v2/fine', { user_id: 'warehouse' }),
    );
  }
  await post(server.url, project.key, requests);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const deploy = async (body) => {
  const answer = await fetch(`${server.url}/api/v1/deploys`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-auth-token': project.key }, body: JSON.stringify(body) });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
};

test('a deploy is marked, compared and deleted, and what changed leads to it', async () => {
  const page = await enter(browser, server.url, { expected: ['404 (Not Found)'] });
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h`);
  const changes = page.getByRole('region', { name: 'What changed' });
  await Promise.race([changes.waitFor(), page.getByRole('button', { name: 'What changed' }).click()].map((one) => one.catch(() => {})));
  await changes.waitFor();
  const rows = changes.getByRole('listitem');
  await soon(async () => assert.match(await rows.nth(0).textContent(), /Failing.*GET \/v2\/orders fails more: \d+\.\d % of \d+ requests, 0 % before/s));
  await soon(async () => assert.match(await rows.nth(1).textContent(), /Slower.*GET \/v2\/search is slower: p95 9\d\d ms, [56]\d(\.\d)? ms before/s));
  await soon(async () => assert.equal(await rows.count(), 2));
  const activity = page.locator('.card.activity');
  const chart = activity.getByRole('application');
  await chart.waitFor();
  await soon(async () => assert.equal(await activity.locator('.mark').count(), 0, 'nothing was deployed yet'));

  // A new deploy appears on the open page with its next refresh, within a minute: only requests are pushed.
  const id = await deploy({ version: 'v2.4.1', at: new Date(deployedAt).toISOString(), text: 'Orders ask the new <b>tax</b> service' });
  const label = activity.getByRole('button', { name: /^v2\.4\.1 was deployed .*: Orders ask the new <b>tax<\/b> service\.$/ });
  await label.waitFor({ timeout: 150_000 });
  await soon(async () => assert.equal(await page.locator('.card.latency .mark').count(), 1));
  const [mark, plot] = [await activity.locator('.mark').boundingBox(), await chart.boundingBox()];
  const share = (mark.x - plot.x - 46) / (plot.width - 46 - 56);
  assert.ok(share > 0.44 && share < 0.56, `half a day of one: ${share}`);
  // Its bucket's box describes it to keyboard users.
  await chart.focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 12 && !(await chart.locator('.box').textContent()).includes('v2.4.1'); i++) await page.keyboard.press(i < 4 ? 'PageDown' : 'ArrowRight');
  await soon(async () => assert.match(await chart.locator('.box').textContent(), /v2\.4\.1 was deployed/));

  await label.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Deploy v2.4.1' });
  await dialog.getByRole('table').waitFor();
  await page.waitForURL((url) => url.searchParams.get('tab.deploy') === String(id));
  await dialog.getByText('1 endpoint fails more, 1 is slower, 1 is as before.').waitFor();
  const line = (n) => dialog.getByRole('row').nth(n + 1);
  await soon(async () => assert.match(await line(1).textContent(), /GET \/v2\/orders.*0 %\s*→\s*\d+\.\d %.*Fails more/s));
  await soon(async () => assert.match(await line(2).textContent(), /GET \/v2\/search.*ms\s*→\s*9\d\d ms.*Slower/s));
  await soon(async () => assert.match(await line(3).textContent(), /GET \/v2\/fine.*As before/s));
  await axe(page);
  // An endpoint links to the dashboard with both sides of the deploy.
  await line(1).getByRole('link').click();
  await dialog.waitFor({ state: 'detached' });
  await page.waitForURL((url) => url.searchParams.has('from'));
  const shown = new URL(page.url()).searchParams;
  assert.equal(shown.get('q'), 'route:/v2/orders method:GET');
  assert.ok(Math.abs(Date.parse(shown.get('from')) - (deployedAt - 12 * 60 * MINUTE)) < 2 * MINUTE && shown.get('tab.deploy') === null);
  await page.goBack();
  await dialog.getByRole('table').waitFor();

  // Marks that are too close share a label, which lists them.
  const next = await deploy({ version: 'v2.4.2', at: new Date(deployedAt + 5 * MINUTE).toISOString() });
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h`);
  const several = activity.getByRole('button', { name: /^2 deploys: / });
  await several.waitFor();
  await several.click();
  const list = page.getByRole('dialog', { name: 'Deploys' });
  await soon(async () => assert.deepEqual(await list.locator('li b').allTextContents(), ['v2.4.2', 'v2.4.1']));
  await list.getByRole('button', { name: /v2\.4\.2/ }).click();
  const newer = page.getByRole('dialog', { name: 'Deploy v2.4.2' });
  await newer.getByRole('table').waitFor();
  await newer.getByRole('button', { name: 'Delete' }).click();
  await newer.getByRole('button', { name: 'Delete v2.4.2' }).click();
  await newer.waitFor({ state: 'detached' });
  await label.waitFor();
  const gone = await fetch(`${server.url}/api/v1/deploys/${next}/effect`, { headers: { 'x-auth-token': project.key } });
  assert.equal(gone.status, 404);
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h&tab.deploy=${next}`);
  await page.getByText('This deploy is not known here').waitFor();
  await page.keyboard.press('Escape');

  // Requests with a new release add a deploy; a release that was posted is not added again.
  for (const release of ['v2.5.0', 'v2.4.1']) {
    const body = JSON.stringify({ release, requests: [{ path: '/v2/fine', method: 'GET', status: 200, response_time: 20, user_id: 'shop', created_at: new Date(Date.now() - 60 * MINUTE).toISOString() }] });
    const answer = await fetch(`${server.url}/api/requests`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-auth-token': project.key }, body });
    assert.equal((await answer.json()).accepted, 1);
  }
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h&tab.deploy=all`);
  await list.getByRole('button', { name: /v2\.5\.0.*Seen in requests/s }).waitFor();
  await soon(async () => assert.equal(await list.locator('li').count(), 2));
  await soon(async () => assert.equal(await list.getByText('Seen in requests').count(), 1));
  await page.keyboard.press('Escape');

  // A row of the changes filters by its subject, and a second click undoes it.
  await Promise.race([changes.waitFor(), page.getByRole('button', { name: 'What changed' }).click()].map((one) => one.catch(() => {})));
  await axe(page);
  await changes.getByRole('button', { name: /v2\/orders/ }).click();
  await page.waitForFunction(() => new URL(location.href).searchParams.get('q') === 'route:/v2/orders method:GET');
  await page.waitForFunction(() => document.querySelectorAll('.changes li').length === 1);
  await changes.getByRole('button', { name: /v2\/orders/, pressed: true }).click();
  await page.waitForFunction(() => document.querySelectorAll('.changes li').length === 2);
  // Without a comparison there are no changes.
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h&compare=off`);
  await chart.waitFor();
  await label.waitFor();
  await soon(async () => assert.equal(await page.getByText('What changed').count(), 0));
  await page.leave();
});
