// Every page in every state, wide and narrow, light and dark: checked by axe, measured against the screen's width, and kept as a picture in
// `artefacts/page` for people to compare with the drawings.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { createProject, enter, keepPicture, post, signIn, startBrowser, startServer } from './stage.mjs';

const folder = fileURLToPath(new URL('../../artefacts/page/', import.meta.url));
const SCREENS = [
  { name: 'wide-light', viewport: { width: 1440, height: 1000 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1440, height: 1000 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'huge-light', viewport: { width: 3840, height: 2160 }, colorScheme: 'light' },
];

let server;
let browser;
const projects = {};

/** Two weeks of a small shop, the same in every run except for their times. */
function traffic(count) {
  let seed = 7;
  const random = () => (seed = (seed * 1664525 + 1013904223) % 4294967296) / 4294967296;
  const one = (list) => list[Math.floor(random() * random() * list.length)];
  const routes = ['/v1/products/{id}', '/v1/search', '/v1/cart/items', '/v1/users/{id}', '/v1/orders', '/v2/products/{id}', `/v1/${'a-very-long-segment-'.repeat(15)}`, '/<b>bold</b>'];
  const agents = ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'okhttp/4.12.0', 'python-requests/2.32.3', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'curl/8.5.0'];
  const nets = ['8.8.8.', '81.2.69.', '88.198.0.', '103.21.58.', '90.0.1.', '177.10.1.', '24.48.0.'];
  return Array.from({ length: count }, () => {
    const route = one(routes);
    const path = route.replace('{id}', String(Math.floor(random() * 500)));
    return {
      path, route, method: one(['GET', 'POST', 'DELETE']), status: one([200, 200, 200, 201, 304, 404, 401, 500, 503]), response_time: Math.round(10_000 * Math.exp(random() * 4)) / 1000,
      hostname: one(['api.shop.example', 'eu.shop.example']), ip_address: one(nets) + Math.floor(random() * 60), user_agent: one(agents), user_id: one([null, 'acme-mobile', 'alice@example.com', 'partner-nord']),
      created_at: new Date(Date.now() - random() * 14 * 86_400_000).toISOString(), request_size: Math.floor(random() * 900), response_size: Math.floor(random() * 9000),
    };
  });
}

before(async () => {
  server = await startServer('--demo', 'on');
  browser = await startBrowser();
  for (const name of ['shop', 'one hit', 'empty']) projects[name] = await createProject(server.url, name);
  for (let batch = 0; batch < 4; batch++) await post(server.url, projects.shop.key, traffic(5000));
  await post(server.url, projects['one hit'].key, [{ path: '/hello', method: 'GET', status: 200, response_time: 12.5 }]);
  mkdirSync(folder, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const { name: screen, ...options } of SCREENS) {
  test(`pages on ${screen}`, async () => {
    const page = await enter(browser, server.url, { ...options, expected: ['400', '401', '404', '503'] });
    const keep = async (name) => {
      // Scrolls everything into view once, for content that is rendered when it comes near.
      await page.evaluate(async () => {
        for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
          scrollTo(0, y);
          await new Promise((done) => setTimeout(done, 30));
        }
        scrollTo(0, 0);
      });
      await keepPicture(page, `${folder}${name}-${screen}.png`);
    };
    const dashboard = (project, more = '') => page.goto(`${server.url}/dashboard?project=${projects[project].project_id}${more}`);

    await page.goto(server.url);
    await page.getByRole('button', { name: 'Generate API key' }).waitFor();
    await keep('start');
    await page.goto(`${server.url}/signin`);
    await keep('signin');
    for (const project of ['empty', 'one hit', 'shop']) await signIn(page, server.url, projects[project].key);

    await page.locator('.stat').first().waitFor();
    await page.locator('.activity .chart').waitFor();
    await keep('dashboard');
    await dashboard('shop', '&q=-status:404+-device:bot&tab.activity=latency&tab.clients=devices&tab.endpoints=5xx&sort=p95_ms&period=30d&compare=off');
    await page.locator('.activity .chart').waitFor();
    await keep('dashboard-filtered');
    await dashboard('shop', '&q=path:/nothing-has-this');
    await page.getByText('No request matches this filter').waitFor();
    await keep('dashboard-no-match');
    await dashboard('shop', '&q=status:9xx');
    await page.locator('#filter-error').waitFor();
    await keep('dashboard-wrong-filter');
    await dashboard('one hit');
    await page.locator('.activity .chart').waitFor();
    await keep('dashboard-one-hit');
    await dashboard('empty');
    await page.getByText('Nothing has come in yet').waitFor();
    await keep('dashboard-empty');

    const about = [['endpoint', `method=GET&route=/v1/${'a-very-long-segment-'.repeat(15)}`], ['consumer', 'consumer=u:alice@example.com']];
    // `deeper.test.mjs` covers the other screens.
    for (const [name, subject] of ['wide-dark', 'narrow-light', 'huge-light'].includes(screen) ? about : []) {
      await page.goto(`${server.url}/${name}?project=${projects.shop.project_id}&${subject}`);
      await page.locator('.activity .chart').waitFor();
      await page.getByText(/^First seen/).waitFor();
      await page.locator('.failures button.what').first().waitFor();
      await keep(name);
    }

    await page.goto(`${server.url}/explorer?project=${projects.shop.project_id}`);
    await page.locator('tbody button.what').first().waitFor();
    await page.locator('.when .chart').waitFor();
    await keep('requests');
    await page.locator('tbody button.what').nth(2).click();
    await page.getByRole('button', { name: 'Around this moment' }).waitFor();
    await keep('requests-chosen');
    await page.goto(`${server.url}/explorer?project=${projects.shop.project_id}&q=path:/nothing-has-this`);
    await page.getByText('No request matches this filter').first().waitFor();
    await keep('requests-no-match');

    await page.route('**/api/v1/dashboard?**', () => {});
    await dashboard('shop');
    await page.locator('.bone').first().waitFor();
    await keep('dashboard-loading');
    await page.unroute('**/api/v1/dashboard?**');
    await page.route('**/api/v1/dashboard?**', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '{"status":503,"code":"query_timeout","message":"The query took too long; ask for a shorter period or fewer panels"}' }));
    await dashboard('shop');
    await page.getByText('The query took too long').waitFor();
    await keep('dashboard-error');
    await page.unroute('**/api/v1/dashboard?**');

    await page.goto(`${server.url}/projects`);
    await page.locator('main li a').first().waitFor();
    await keep('projects');
    await page.goto(`${server.url}/settings?project=${projects.shop.project_id}`);
    await page.locator('#keys li').first().waitFor();
    await keep('settings');
    await page.goto(`${server.url}/ingest-health?project=${projects.shop.project_id}`);
    await page.getByText('Sources').waitFor();
    await keep('ingest-health');
    for (const [name, path] of [['docs', '/docs/api'], ['docs-search', '/docs/search?q=key']]) {
      await page.goto(server.url + path);
      await keep(name);
    }
    await page.goto(`${server.url}/share/taken-back`);
    await page.getByText('This link no longer works').waitFor();
    await keep('share-taken-back');
    await page.leave();
  });
}
