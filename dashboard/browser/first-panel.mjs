// Measures the time from opening the dashboard's address to the first number drawn, with a cold cache: a server of our own with 100,000
// hits of the last week, a signed-in browser with nothing cached, the same nine times. `make bench` calls this; API_ANALYTICS_BIN names the
// server. Prints one line:
//
//   {"first_panel_ms":..,"first_paint_ms":..,"rows_ms":..,"cards_ms":..,"word_ms":..,"bytes":..}
//
// `first_panel_ms`: median of milliseconds from the start of the navigation to the first frame with a headline number; `first_paint_ms`: to
// the first frame that shows anything at all; `bytes`: received over the wire by the first number, with headers; `rows_ms`: to the first
// row of the endpoints; `cards_ms`: to the first pixels of the activity chart; `word_ms`: to the first paint of a page of one word from the
// same server, which needs only that answer. With `--steps` the timeline is printed to stderr: when each file and answer was requested and
// received.
//
// It does not measure the server (see `bench/`) or the network: everything is on loopback.
import assert from 'node:assert/strict';
import { createProject, post, startBrowser, startServer } from './stage.mjs';

const HITS = 100_000;
const BATCH = 10_000;
const LOADS = 9;
const DAY_MS = 86_400_000;

const server = await startServer();
const browser = await startBrowser();
try {
  const { project_id: project, key } = await createProject(server.url, 'first panel');
  const now = Date.now();
  for (let from = 0; from < HITS; from += BATCH) await post(server.url, key, traffic(from, from + BATCH, now));
  await untilSeen(key);
  const address = `${server.url}/dashboard?project=${project}`;
  const signedIn = await signIn(key);
  // The very first load pays for the server's one-time work.
  await load(address, signedIn);
  const loads = [];
  for (let i = 0; i < LOADS; i++) loads.push(await load(address, signedIn));
  const words = [];
  for (let i = 0; i < LOADS; i++) words.push(await loadWord());
  if (process.argv.includes('--steps')) tell(loads);
  const of = (name) => Math.round(median(loads.map((measured) => measured[name])));
  console.log(JSON.stringify({ first_panel_ms: of('panel'), first_paint_ms: of('paint'), rows_ms: of('rows'), cards_ms: of('cards'), word_ms: Math.round(median(words)), bytes: of('bytes') }));
} finally {
  await browser.close();
  await server.stop();
}

/** Hits number `from` to `to` of a small shop's week, the same in every run except for their times. */
function traffic(from, to, now) {
  const routes = ['/v1/products/{id}', '/v1/search', '/v1/cart/items', '/v1/users/{id}', '/v1/orders', '/v2/products/{id}'];
  const agents = ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'okhttp/4.12.0', 'python-requests/2.32.3', 'curl/8.5.0'];
  const nets = ['8.8.8', '81.2.69', '88.198.0', '90.0.1', '177.10.1'];
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i;
    const route = routes[(n * n) % routes.length];
    return {
      path: route.replace('{id}', String(n % 500)), route, method: n % 5 ? 'GET' : 'POST',
      status: n % 50 === 0 ? 500 : n % 20 === 0 ? 404 : 200, response_time: 5 + ((n * 7919) % 4000) / 10,
      ip_address: `${nets[n % nets.length]}.${(n >> 4) % 250}`, user_agent: agents[n % agents.length], user_id: n % 3 ? null : `user-${n % 900}`,
      hostname: 'api.shop.example', created_at: new Date(now - ((n * 104_729) % HITS) * (7 * DAY_MS / HITS)).toISOString(),
      request_size: n % 900, response_size: (n * 31) % 9000,
    };
  });
}

async function untilSeen(key) {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${server.url}/api/v1/dashboard?panels=requests&period=all`, { headers: { 'x-auth-token': key } });
    if ((await answer.json()).panels.requests.value === HITS) return;
    assert.ok(tries < 600, 'the hits did not arrive');
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** The cookies of a session. */
async function signIn(key) {
  const context = await browser.newContext();
  const answer = await context.request.post(`${server.url}/api/v1/session`, { data: { key }, headers: { origin: server.url } });
  assert.equal(answer.status(), 200);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** One load by a browser without a cache. */
async function load(address, storageState) {
  const context = await browser.newContext({ storageState, locale: 'en-US', timezoneId: 'Europe/London', viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    performance.setResourceTimingBufferSize(500);
    // The browser reports when pixels were on the screen: a script would ask too late, delayed by the next drawing.
    window.drawn = {};
    new PerformanceObserver((list) => {
      for (const { identifier, renderTime } of list.getEntries()) window.drawn[identifier] ??= renderTime;
    }).observe({ type: 'element', buffered: true });
    const watched = new Map([['number', '.stat b'], ['row', '.endpoints tbody button span'], ['chart', '.activity .chart canvas']]);
    const observer = new MutationObserver(() => {
      for (const [name, selector] of watched) {
        const element = document.querySelector(selector);
        if (!element) continue;
        watched.delete(name);
        element.setAttribute('elementtiming', name);
        // The browser does not time canvases: the frame after it was inserted counts.
        if (name === 'chart') requestAnimationFrame(() => requestAnimationFrame(() => (window.drawn.chart ??= performance.now())));
      }
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  await page.goto(address, { waitUntil: 'commit' });
  await page.waitForFunction(() => ['number', 'row', 'chart'].every((name) => window.drawn[name] !== undefined) && performance.getEntriesByName('first-contentful-paint').length > 0);
  const measured = await page.evaluate(() => {
    const { number, row, chart } = window.drawn;
    const came = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((entry) => entry.responseEnd > 0 && entry.responseEnd <= number);
    return {
      panel: number,
      rows: row,
      cards: chart,
      paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
      bytes: came.reduce((sum, entry) => sum + entry.transferSize, 0),
      marks: performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime]),
      steps: came.map((entry) => [entry.name.replace(location.origin, '').slice(0, 60), entry.startTime, entry.responseEnd, entry.transferSize]),
    };
  });
  await context.close();
  return measured;
}

/** A page of one word, in a browser without a cache. */
async function loadWord() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.goto(`${server.url}/robots.txt`, { waitUntil: 'commit' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  await context.close();
  return paint;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** The timeline of the median load. */
function tell(loads) {
  const middle = loads.find(({ panel }) => panel === median(loads.map((measured) => measured.panel)));
  console.error(`all loads: ${loads.map(({ panel }) => Math.round(panel)).join(' ')} ms`);
  for (const [name, start, end, bytes] of middle.steps) console.error(`${start.toFixed(0).padStart(5)} ${end.toFixed(0).padStart(5)} ms ${String(bytes).padStart(7)} B  ${name}`);
  for (const [name, at] of middle.marks) console.error(`${at.toFixed(0).padStart(5)}       ms            ${name}`);
}
