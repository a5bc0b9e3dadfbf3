import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// The server that `npm run dev` asks for data: start one with `make run`.
const server = process.env['API_ANALYTICS_URL'] ?? 'http://127.0.0.1:8080';

/**
 * Puts `src/before.ts` before everything else as a small script of its own. It must run before the first paint and block it, or a
 * dark page flashes white, and it must not wait for the rest of the page, so it cannot be a module; it cannot stand in the page
 * either, as the policy allows no inline script. Before it stand the files of the cards, which it begins to load where they are needed.
 */
function beforeScript(): Plugin {
  const source = fileURLToPath(new URL('./src/before.ts', import.meta.url));
  let isBuild = false;
  return {
    name: 'before-script',
    configResolved(config) {
      isBuild = config.command === 'build';
    },
    async buildStart() {
      if (!isBuild) return;
      const built = await build({
        configFile: false,
        logLevel: 'warn',
        build: { write: false, target: 'es2022', lib: { entry: source, formats: ['iife'], name: 'before' } },
      });
      const [output] = Array.isArray(built) ? built : [built];
      const script = output && 'output' in output ? output.output[0] : undefined;
      if (!script) throw new Error('src/before.ts came to nothing');
      this.emitFile({ type: 'asset', name: 'before.js', source: script.code });
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, context) {
        const asset = Object.values(context.bundle ?? {}).find((file) => /^assets\/before-.*\.js$/.test(file.fileName));
        // After the base path that it reads, and before any style sheet, for which it would have to wait.
        const script = asset ? `<script src="./${asset.fileName}"></script>` : '<script type="module" src="/src/before.ts"></script>';
        const cards = Object.keys(context.bundle ?? {}).filter((file) => /^assets\/cards-.*\.(js|css)$/.test(file));
        // Without it text is drawn in another font first, and moves.
        const fonts = Object.keys(context.bundle ?? {}).filter((file) => /^assets\/inter-latin-wght.*\.woff2$/.test(file));
        const preloads = fonts.map((file) => `<link rel="preload" as="font" type="font/woff2" crossorigin href="./${file}" />`);
        return html.replace('<!-- before.ts -->', [...preloads, ...cards.map((file) => `<link rel="cards" href="./${file}" />`), script].join('\n    '));
      },
    },
  };
}

export default defineConfig({
  // Relative: chunks and fonts find each other under any base path (see scripts/compress.mjs for index.html).
  base: './',
  plugins: [svelte(), beforeScript()],
  build: {
    target: 'es2022',
    // A `data:` address would need another exception in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Nothing inline, ever: the policy allows scripts of our own address only.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Code that every page starts with is one file: a browser loads six at a time from a host, and the numbers would have to wait.
    // The code of the dashboard's cards is another, loaded beside it: after the numbers it would come late, in a dozen small files.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'page', tags: ['$initial'] },
            { name: 'cards', test: /src\/(dashboard\/(Activity|Latency|Traffic)Body|shapes\/(series-chart|histogram|heat-map|donut)\/)|\/uplot\// },
          ],
        },
      },
    },
  },
  // The name that the browser called stays: the server refuses changes that come from a page of another.
  server: { proxy: Object.fromEntries(['/api', '/sdk', '/docs'].map((path) => [path, { target: server, changeOrigin: false }])) },
  test: { include: ['src/**/*.test.ts'], environment: 'node', env: { TZ: 'UTC' } },
});
