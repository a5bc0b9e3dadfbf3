// Learned routes: a thousand articles are one row of the dashboard, a scanner's paths are another, and the owner can override both.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { axe, createProject, enter, post, signIn, soon, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
let server;
let browser;

before(async () => {
  server = await startServer('--registration', 'open');
  browser = await startBrowser();
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const hits = (count, path, status = 200) =>
  Array.from({ length: count }, (_, n) => ({ path: path(n), method: 'GET', status, created_at: new Date(Date.now() - 60_000).toISOString() }));

test('articles are one endpoint, and its owner renames it, refuses it and adds another', async () => {
  const project = await createProject(server.url, 'Magazine');
  await post(server.url, project.key, hits(900, (n) => `/articles/the-story-of-${n}`));
  await post(server.url, project.key, hits(300, (n) => `/${n}-x/.env`, 404));
  const page = await enter(browser, server.url, { expected: ['status of 400'] });
  await signIn(page, server.url, project.key);
  await page.goto(`${server.url}/dashboard?project=${project.project_id}`);
  await page.getByText('/articles/{slug}').first().waitFor();
  await page.getByText('other paths that no route matches').first().click();
  await page.getByText('route:"other paths that no route matches"').first().waitFor();

  await page.goto(`${server.url}/settings?project=${project.project_id}`);
  const section = page.locator('#routes');
  await section.getByText('/articles/{slug}').nth(1).waitFor();
  await section.getByRole('button', { name: 'Rename /articles/{slug}' }).press('Enter');
  const name = section.getByLabel('New name of the last parameter of /articles/{slug}');
  await soon(async () => assert.equal(await name.inputValue(), 'slug'));
  await name.fill('Story');
  await name.press('Enter');
  await section.getByRole('alert').getByText('lower-case').waitFor();
  await name.fill('story');
  await name.press('Enter');
  await section.getByText('/articles/{story}', { exact: true }).waitFor();
  await section.getByRole('button', { name: 'Refuse /articles/{story}' }).click();
  await section.getByText('each value is an endpoint').waitFor();
  const template = section.getByLabel('Add a template');
  await template.fill('/files/{path}');
  await template.press('Enter');
  await section.getByText('/files/{path} was added.').waitFor();
  await soon(async () => assert.equal(await template.inputValue(), ''));
  await section.scrollIntoViewIfNeeded();
  await section.screenshot({ path: `${folder}routes.png` });
  await axe(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await section.screenshot({ path: `${folder}routes-phone.png` });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the screen');
  await page.leave();
});
