// After the build: the licences of what the page ships, in one file beside it. Those of the tools that build it are not needed.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SHIPPED = ['svelte', 'esm-env', 'clsx', 'uplot', 'world-atlas', '@fontsource-variable/inter'];
const folder = (name) => fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url));
const parts = SHIPPED.filter((name) => existsSync(folder(name))).map((name) => {
  const file = readdirSync(folder(name)).find((entry) => /^licen[cs]e/i.test(entry));
  const { version, license } = JSON.parse(readFileSync(`${folder(name)}package.json`, 'utf8'));
  const text = file ? readFileSync(folder(name) + file, 'utf8').trim() : '';
  return `${name} ${version} (${license})\n\n${text}\n`;
});
parts.push('The outlines of countries are made from Natural Earth (naturalearthdata.com), which is in the public domain.\n');
writeFileSync(new URL('../dist/assets/licences.txt', import.meta.url), parts.join(`\n${'-'.repeat(80)}\n\n`));
