import { expect, test } from 'vitest';
import { findSnippets, highlight, toSnippets } from './snippets';

const snippets = toSnippets('https://a.example/base/', 'KEY-1', [
  { language: 'python', package: 'client-1.whl' },
  { language: 'node', package: 'client-1.tgz' },
  { language: 'go', package: 'api-analytics.local/go@v1.2.3' },
  { language: 'rust', package: 'client@1.0.0' },
]);

test('every snippet has the key and the address, without a doubled slash', () => {
  for (const { name, code, install } of snippets) {
    expect(code, name).toContain('KEY-1');
    expect(code, name).toContain('https://a.example/base');
    expect((code + install).replace('// your routes', ''), name).not.toMatch(/[^:\s]\/\//);
  }
  expect(snippets[0]?.install).toBe('pip install "api-analytics-client[fastapi] @ https://a.example/base/sdk/python/client-1.whl"');
  expect(snippets.find(({ name }) => name === 'flask')?.install).toBe('pip install "api-analytics-client[flask] @ https://a.example/base/sdk/python/client-1.whl"');
  expect(snippets.find(({ name }) => name === 'gin')?.install).toBe('GOPROXY="https://a.example/base/sdk/go,$(go env GOPROXY)" GONOSUMDB="api-analytics.local/*" go get api-analytics.local/go/gin@v1.2.3');
  expect(snippets.find(({ name }) => name === 'nethttp')?.install).toMatch(/ go get api-analytics\.local\/go@v1\.2\.3$/u);
  expect(snippets.find(({ name }) => name === 'axum')?.install).toBe(
    `mkdir -p .cargo && grep -qs registries.api-analytics .cargo/config.toml || printf '[registries.api-analytics]\\nindex = "sparse+https://a.example/base/sdk/rust/"\\n' >> .cargo/config.toml; cargo add client@1.0.0 --registry api-analytics --features axum`,
  );
  expect(snippets.find(({ name }) => name === 'express')?.install).toBe('npm install https://a.example/base/sdk/node/client-1.tgz');
});

test('colours lose no character', () => {
  for (const { code, language } of snippets) expect(highlight(code, language).map((piece) => piece.text).join('')).toBe(code);
  expect(highlight('from a import "b # c" # d', 'python').filter(({ kind }) => kind !== 'plain').map(({ kind, text }) => [kind, text])).toEqual([
    ['keyword', 'from'], ['keyword', 'import'], ['text', '"b # c"'], ['comment', '# d'],
  ]);
  expect(highlight(`#[get("/")]\nfn a() -> &'static str {} // '`, 'rust').filter(({ kind }) => kind !== 'plain').map(({ kind, text }) => [kind, text])).toEqual([
    ['text', '"/"'], ['keyword', 'fn'], ['comment', "// '"],
  ]);
});

test('a search finds frameworks by the beginnings of their words, in all languages', () => {
  const find = (search: string) => findSnippets(snippets, search).map(({ name }) => name);
  expect(find('')).toHaveLength(snippets.length);
  expect(find('Fast')).toEqual(['fastapi', 'fastify', 'fiber3', 'fiber2']);
  expect(find('echo5')).toEqual(['echo5']);
  expect(find('go echo')).toEqual(['echo5', 'echo4']);
  expect(find('drf')).toEqual(['django']);
  expect(find('net/http')).toEqual(['nethttp']);
  expect(find('laravel')).toEqual([]);
});
