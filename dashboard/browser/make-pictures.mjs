// The README's pictures: the demo's dashboard in light and in dark, as a visitor's browser shows it. `make pictures` runs it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser, startServer } from './stage.mjs';

const folder = join(import.meta.dirname, '../../docs/pictures');
mkdirSync(folder, { recursive: true });
const server = await startServer('--demo', 'on');
const browser = await startBrowser();
try {
  await untilDemoIsFilled();
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme, locale: 'en-US', timezoneId: 'UTC' });
    const page = await context.newPage();
    // The hint for first visits does not belong into the picture.
    await page.addInitScript(() => localStorage.setItem('api-analytics.hint', 'seen'));
    await page.goto(`${server.url}/dashboard?project=demo&period=7d`);
    await page.locator('.stat b').first().waitFor();
    await page.locator('.activity .chart canvas').waitFor();
    await page.locator('.countries svg path').first().waitFor({ state: 'attached' });
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: join(folder, `dashboard-${colorScheme}.png`), animations: 'disabled' });
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}

/** The server fills it in the background after its start. */
async function untilDemoIsFilled() {
  for (let before = -1; ; ) {
    const answer = await fetch(`${server.url}/api/v1/dashboard?project=demo&period=7d`).then((answer) => answer.json());
    const requests = answer.panels?.requests?.value ?? 0;
    if (requests > 0 && requests === before) return;
    before = requests;
    await new Promise((done) => setTimeout(done, 2_000));
  }
}
