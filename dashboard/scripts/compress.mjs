// After the build: writes a .br and a .gz beside each file that shrinks by it, so that the server need not compress;
// and makes the addresses in index.html absolute. Vite writes relative addresses, which let chunks find each other
// under any base path, but index.html is served at `/dashboard/demo` as well as at `/`.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const index = join(dist, 'index.html');
writeFileSync(index, readFileSync(index, 'utf8').replaceAll('"./assets/', '"/assets/'));

let total = 0;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !/\.(html|js|css|json|svg|txt)$/.test(path)) continue;
  const bytes = readFileSync(path);
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  total += br.length;
}
console.log(`dist: ${(total / 1024).toFixed(1)} kB as brotli in all`);
