// Maintenance through the page, over the real server: planned, shown on the monitor that it covers, changed and deleted; the server's
// message about a schedule appears at its field while it is typed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, createProject, enter, signIn, soon, startBrowser, startServer } from './stage.mjs';

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

async function call(key, method, path, body) {
  const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers: { 'x-auth-token': key, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

test('maintenance is planned with its next times, seen on its monitor, changed and deleted', async () => {
  const project = await createProject(server.url, 'shop');
  for (const name of ['Nightly export', 'Invoices']) await call(project.key, 'POST', 'monitors', { kind: 'heartbeat', name, period_s: 86_400 });
  const page = await enter(browser, server.url, { expected: ['400'] });
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/monitoring?project=${project.project_id}`);
  await page.getByRole('navigation', { name: 'Monitors', exact: true }).getByRole('link', { name: 'Maintenance' }).click();
  await page.getByText('No maintenance is planned').waitFor();
  await axe(page);

  // By keyboard only, and the focus returns.
  const plan = page.getByRole('button', { name: 'Plan maintenance' });
  const dialog = page.locator('dialog');
  await plan.focus();
  await page.keyboard.press('Enter');
  await dialog.getByLabel('Title', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await soon(async () => assert.ok(await plan.evaluate((button) => button === document.activeElement)));

  await page.keyboard.press('Enter');
  const times = dialog.getByRole('region', { name: 'When it takes place' });
  await times.locator('li').waitFor();
  await dialog.getByLabel('Title', { exact: true }).fill('Weekly restart');
  await dialog.getByRole('radio', { name: /^Weekly/ }).check();
  await dialog.getByLabel('Sunday').uncheck();
  await dialog.getByText('Name at least one weekday.').waitFor();
  await soon(async () => assert.equal(await times.locator('li').count(), 0));
  await dialog.getByLabel('Monday').check();
  await times.locator('li').nth(2).waitFor();
  for (const text of await times.locator('li').allTextContents()) assert.match(text, /^Mon, .*02:00 – 04:00$/);
  await dialog.getByLabel('Ends').fill('01:30');
  await dialog.getByText('On the day after.').waitFor();
  await times.getByText(/Mon, .*02:00 – Tue, .*01:30/).first().waitFor();
  await dialog.getByLabel('Only these').check();
  await dialog.getByLabel('Nightly export').check();
  await dialog.getByLabel('Show it on the status page').check();
  await dialog.getByLabel('Explanation', { exact: true }).fill('Reading works.');
  await axe(page);
  await dialog.getByRole('button', { name: 'Plan maintenance' }).click();
  await dialog.getByText('Weekly restart is planned').waitFor();
  await soon(async () => assert.equal(await dialog.locator('li').count(), 3));
  await axe(page);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const row = page.locator('main li', { hasText: 'Weekly restart' }).first();
  await row.getByText('On the status page').waitFor();
  await row.getByText(/^Nightly export · Every Monday, 02:00 – 01:30, Europe\/London/).waitFor();
  const [kept] = (await call(project.key, 'GET', 'maintenance')).maintenance;
  assert.deepEqual([kept.text, kept.published, kept.monitors?.length, kept.schedule.weekdays], ['Reading works.', true, 1, ['monday']]);

  // The monitor that it covers says so, the other one doesn't.
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('link', { name: 'Nightly export' }).click();
  const card = page.getByRole('region', { name: 'Maintenance' });
  await card.getByText('Weekly restart').waitFor();
  await card.getByRole('link', { name: 'All maintenance' }).click();
  await page.waitForURL(/tab=maintenance/);

  await row.getByRole('button', { name: 'Actions for Weekly restart' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByRole('radio', { name: /^Cron/ }).check();
  const cron = dialog.getByLabel('Cron expression');
  await cron.fill('61 * * * *');
  await dialog.getByText(/^Invalid cron expression/).waitFor();
  await soon(async () => assert.equal(await cron.getAttribute('aria-invalid'), 'true'));
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.waitForFunction(() => document.activeElement?.id === 'maintenance-cron');
  await axe(page);
  await dialog.getByRole('radio', { name: /^Once/ }).check();
  await dialog.getByLabel('Begins').fill('2020-01-01T10:00');
  await dialog.getByLabel('Ends').fill('2020-01-01T09:00');
  await dialog.getByText('The window ends before it begins.').waitFor();
  await dialog.getByLabel('Ends').fill('2020-01-01T11:00');
  await times.getByText('It lies in the past').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('heading', { name: 'Over' }).waitFor();

  await row.getByRole('button', { name: 'Actions for Weekly restart' }).click();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await dialog.getByText('stays counted as maintenance').waitFor();
  await axe(page);
  await dialog.getByRole('button', { name: 'Delete Weekly restart' }).click();
  await page.getByText('No maintenance is planned').waitFor();
  assert.deepEqual((await call(project.key, 'GET', 'maintenance')).maintenance, []);
  await page.leave();
});
