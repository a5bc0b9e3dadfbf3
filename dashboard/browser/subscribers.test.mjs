// Subscribing to a status page by e-mail, by keyboard and without a script, and the owner's list; each state as a picture in
// `artefacts/page`.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { axe, createProject, enter, signIn, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
const mails = [];
let mailServer;
let server;
let browser;

/** Just enough SMTP to receive mails; `tests/test_subscribers.py` has a real server. */
function serveMail(socket) {
  let data = null;
  // A piece may end within a line.
  let begun = '';
  socket.write('220 mail.test\r\n');
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    const lines = (begun + bytes.toString('latin1')).split('\r\n');
    begun = lines.pop();
    for (const line of lines) {
      if (data !== null && line === '.') {
        mails.push(data.join('\r\n').replaceAll('=\r\n', ''));
        data = null;
        socket.write('250 ok\r\n');
      } else if (data !== null) data.push(line);
      else if (line.startsWith('DATA')) {
        data = [];
        socket.write('354 go on\r\n');
      } else if (line.startsWith('QUIT')) socket.end('221 bye\r\n');
      else if (line) socket.write('250 ok\r\n');
    }
  });
}

before(async () => {
  mailServer = createServer(serveMail);
  await new Promise((done) => mailServer.listen(0, '127.0.0.1', done));
  const smtp = `127.0.0.1:${mailServer.address().port}`;
  server = await startServer('--smtp-server', smtp, '--smtp-tls', 'off', '--public-url', '{url}', '--registration', 'open');
  browser = await startBrowser();
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  mailServer?.close();
});

const fits = async (page, name) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);

test('a visitor subscribes, confirms and is listed, and leaves by the link of the mail', async () => {
  const project = await createProject(server.url, 'Shop');
  const owner = await enter(browser, server.url);
  await signIn(owner, server.url, project.key);
  await owner.goto(`${server.url}/status-page?project=${project.project_id}`);
  await owner.getByLabel('Title', { exact: true }).fill('Shop status');
  await owner.getByRole('button', { name: 'Save', exact: true }).click();
  await owner.getByText('Saved.').waitFor();
  await owner.getByRole('button', { name: 'Show the page to anyone' }).click();
  await owner.getByLabel('Visitors can subscribe by e-mail').check();
  await owner.getByText('Visitors can subscribe now.').waitFor();
  const address = await owner.getByRole('link', { name: 'Open the page' }).getAttribute('href');

  for (const [name, options] of [['light', {}], ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }]]) {
    const visitor = await enter(browser, server.url, options);
    await visitor.goto(address);
    await visitor.getByRole('link', { name: 'Subscribe by e-mail' }).click();
    await visitor.getByRole('heading', { name: 'Get updates by e-mail' }).waitFor();
    await axe(visitor);
    await fits(visitor, name);
    await visitor.screenshot({ path: `${folder}status-subscribe-${name}.png`, fullPage: true });
    await visitor.leave();
  }
  // By keyboard, without a script.
  const visitor = await enter(browser, server.url, { javaScriptEnabled: false });
  await visitor.goto(address);
  await visitor.getByLabel('E-mail address').focus();
  await visitor.keyboard.type('ann@example.com');
  await visitor.keyboard.press('Tab');
  await visitor.keyboard.press('Enter');
  await visitor.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();
  for (let tries = 0; mails.length === 0; tries++) {
    assert.ok(tries < 1_000, 'no mail comes');
    await new Promise((done) => setTimeout(done, 50));
  }
  const link = (end) => mails[0].match(new RegExp(`${server.url}/subscription/\\w+/${end}`))[0];
  await visitor.goto(link('confirm'));
  await visitor.getByRole('button', { name: 'Confirm' }).click();
  await visitor.getByRole('heading', { name: 'You are subscribed' }).waitFor();
  await visitor.context().close();

  await owner.reload();
  await owner.getByText('1 subscriber', { exact: true }).waitFor();
  await owner.getByText('ann@example.com').waitFor();
  await axe(owner);
  await owner.locator('#subscribers').screenshot({ path: `${folder}status-subscribers.png` });
  const saving = owner.waitForEvent('download');
  await owner.getByRole('button', { name: 'Download as CSV' }).click();
  assert.equal((await saving).suggestedFilename(), 'subscribers.csv');

  const leaving = await enter(browser, server.url, { viewport: { width: 390, height: 844 } });
  await leaving.goto(link('leave'));
  await axe(leaving);
  await fits(leaving, 'the page to leave');
  await leaving.screenshot({ path: `${folder}status-unsubscribe.png` });
  await leaving.getByRole('button', { name: 'Unsubscribe' }).click();
  await leaving.getByRole('heading', { name: 'Unsubscribed' }).waitFor();
  await axe(leaving);
  await leaving.leave();
  await owner.reload();
  await owner.getByText('0 subscribers', { exact: true }).waitFor();
  await owner.leave();
});
