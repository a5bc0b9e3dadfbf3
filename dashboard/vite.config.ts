import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// The server that `npm run dev` asks for data: start one with `make run`.
const server = process.env['API_ANALYTICS_URL'] ?? 'http://127.0.0.1:8080';

/**
 * Puts `src/theme.js` before everything else as a small script of its own. It must run before the first paint and block it, or a
 * dark page flashes white, and so cannot be a module; it cannot stand in the page either, as the policy allows no inline script.
 */
function themeScript(): Plugin {

  return {
    name: 'theme-script',
    buildStart() {
      const source = readFileSync(new URL('./src/theme.js', import.meta.url), 'utf8');
      this.emitFile({ type: 'asset', name: 'theme.js', source });
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, context) {
        const asset = Object.values(context.bundle ?? {}).find((file) => /^assets\/theme-.*\.js$/.test(file.fileName));
        const address = asset ? `./${asset.fileName}` : '/src/theme.js';
        return { html, tags: [{ tag: 'script', attrs: { src: address }, injectTo: 'head-prepend' }] };
      },
    },
  };
}

export default defineConfig({
  // Relative: chunks and fonts find each other under any base path (see scripts/compress.mjs for index.html).
  base: './',
  plugins: [svelte(), themeScript()],
  build: {
    target: 'es2022',
    // A `data:` address would need another exception in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Nothing inline, ever: the policy allows scripts of our own address only.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': server, '/sdk': server, '/docs': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node', env: { TZ: 'UTC' } },
});
