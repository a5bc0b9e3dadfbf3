// Saved views: a page with its state, saved by name and found beside the filter and by Ctrl+K.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

let server;
let browser;
let project;

before(async () => {
  server = await startServer('--demo', 'on');
  browser = await startBrowser();
  project = await createProject(server.url, 'viewed');
  const hit = (route, status) => ({ path: route, route, method: 'GET', status, response_time: 20, user_id: 'shop', created_at: new Date(Date.now() - 60_000).toISOString() });
  await post(server.url, project.key, [hit('/pay', 503), hit('/pay', 200), hit('/orders', 200)]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const at = (page) => new URL(page.url()).searchParams;
/** Opens the menu after new numbers have loaded: before, the bar may still move under the pointer. */
const open = async (page, button) => {
  await button.waitFor();
  await page.waitForFunction(() => document.querySelector('.stat b, tbody tr') && !document.querySelector('.dimmed, [aria-busy=true]'));
  await button.click();
};
const save = async (view) => {
  const answer = await fetch(`${server.url}/api/v1/views`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-auth-token': project.key }, body: JSON.stringify(view) });
  assert.equal(answer.status, 201, await answer.text());
};

test('a view is saved, changed, overwritten, renamed, found and deleted', async () => {
  const page = await enter(browser, server.url);
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=24h&q=status:5xx&compare=off&tab.endpoints=5xx`);
  const none = page.getByRole('button', { name: 'Views', exact: true });
  await open(page, none);
  await page.getByText('No saved views').waitFor();
  await axe(page);
  await page.getByRole('button', { name: 'Save view …' }).click();
  const name = page.getByRole('textbox', { name: 'Name' });
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent.includes('Name'));
  await name.fill('Failing <b>now</b>');
  await page.keyboard.press('Enter');
  const named = (text) => page.getByRole('button', { name: `View: ${text}. Choose or save another`, exact: true });
  await named('Failing <b>now</b>').waitFor();
  await soon(async () => assert.equal(at(page).get('tab.view'), '1'));

  // A changed view is marked as changed, and a click restores it.
  await page.getByRole('button', { name: '7 days' }).click();
  await open(page, named('Failing <b>now</b>, changed'));
  const views = page.getByRole('list', { name: 'Saved views' });
  await views.getByRole('link', { name: 'Failing <b>now</b>' }).click();
  await named('Failing <b>now</b>').waitFor();
  await soon(async () => assert.deepEqual([at(page).get('period'), at(page).get('q'), at(page).get('compare')], ['24h', 'status:5xx', 'off']));
  // Overwritten, it has the new state; a page with the same state and no view in its address shows the name too.
  await page.getByRole('button', { name: '30 days' }).click();
  await open(page, named('Failing <b>now</b>, changed'));
  await page.getByRole('button', { name: /^Overwrite “Failing/ }).click();
  await named('Failing <b>now</b>').waitFor();
  await page.goto(`${server.url}/dashboard?project=${project.project_id}&period=30d&q=status:5xx&compare=off&tab.endpoints=5xx`);
  await open(page, named('Failing <b>now</b>'));
  await page.getByRole('button', { name: 'Change Failing <b>now</b>' }).click();
  await axe(page);
  await soon(async () => assert.equal(await page.getByRole('button', { name: 'It shows what this page shows' }).isDisabled(), true));
  await name.fill('Failing');
  await page.getByRole('button', { name: 'Rename' }).click();
  await named('Failing').waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent === 'Failing' && document.activeElement.tagName === 'A');
  await page.keyboard.press('Escape');

  // Another one, of the requests page. A name that exists would overwrite that view, so this one gets another name.
  await page.getByRole('link', { name: 'Requests', exact: true }).click();
  await none.waitFor();
  await page.getByRole('columnheader').getByRole('button', { name: /Duration/ }).click();
  await open(page, none);
  await page.getByRole('button', { name: 'Save view …' }).click();
  await name.fill('failing');
  await page.getByRole('button', { name: 'Overwrite', exact: true }).waitFor();
  await name.fill('Slowest');
  await page.getByRole('button', { name: 'Save view', exact: true }).click();
  await named('Slowest').waitFor();
  await soon(async () => assert.equal(at(page).get('tab.hits_sort'), 'duration'));

  // Views are found by name from any page.
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Page, view, endpoint, consumer or setting' }).fill('failing');
  const option = page.getByRole('option', { name: /^Failing\s*View$/ });
  await option.waitFor();
  await page.keyboard.press('Enter');
  await named('Failing').waitFor();
  await soon(async () => assert.equal(new URL(page.url()).pathname, '/dashboard'));

  // More than eight views have a search.
  for (let n = 0; n < 7; n++) await save({ name: `Other ${n}`, page: 'dashboard', query: `q=path:/${n}` });
  await open(page, named('Failing'));
  await page.getByRole('searchbox', { name: 'Find a view' }).fill('slow');
  await views.getByRole('listitem').nth(1).waitFor({ state: 'detached' });
  await soon(async () => assert.deepEqual(await views.getByRole('link').allTextContents(), ['SlowestRequests']));
  await axe(page);
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('No view is called that').waitFor();
  await page.getByRole('searchbox').fill('');

  await page.getByRole('button', { name: 'Change Failing' }).click();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await page.getByRole('button', { name: 'Delete view' }).click();
  await views.waitFor();
  await soon(async () => assert.equal(await views.getByRole('link', { name: 'Failing' }).count(), 0));
  await page.keyboard.press('Escape');
  await none.waitFor();
  await page.leave();
});

test('a dashboard id opens views but cannot change them, and guests see none', async () => {
  await save({ name: 'For all', page: 'dashboard', query: 'period=24h&q=status:5xx' });
  const page = await enter(browser, server.url, { viewport: { width: 390, height: 844 } });
  await page.goto(`${server.url}/dashboard/${project.dashboard_id}`);
  await open(page, page.getByRole('button', { name: 'Views', exact: true }));
  await page.getByRole('link', { name: 'For all' }).click();
  const named = page.getByRole('button', { name: /^View: For all\./ });
  await open(page, named);
  await page.getByRole('list', { name: 'Saved views' }).waitFor();
  await soon(async () => assert.equal(await page.getByRole('button', { name: /Save view|^Change / }).count(), 0));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
  await axe(page);
  await page.goto(`${server.url}/dashboard/demo`);
  await page.getByRole('button', { name: 'Exclusions' }).waitFor();
  await page.locator('.card.activity').waitFor();
  await soon(async () => assert.equal(await page.getByRole('button', { name: /^View/ }).count(), 0));
  await page.leave();
});
