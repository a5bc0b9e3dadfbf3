// Makes src/api/schema.d.ts from the server's OpenAPI document. `--check` only reports whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL(process.env.OPENAPI ?? '../../contract/openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);
const head = '// Made by `npm run gen-types` from contract/openapi.json: change the handlers, not this file.\n\n';
const made = head + astToString(await openapiTS(source, { alphabetize: true }));

if (!process.argv.includes('--check')) {
  writeFileSync(target, made);
} else if (readFileSync(target, 'utf8') !== made) {
  console.error('src/api/schema.d.ts is not what contract/openapi.json says: run `npm run gen-types`');
  process.exit(1);
}
