import { expect, test } from 'vitest';
import { highlight, toSnippets } from './snippets';

const snippets = toSnippets('https://a.example/base/', 'KEY-1', [
  { language: 'python', package: 'client-1.whl' },
  { language: 'node', package: 'client-1.tgz' },
]);

test('every snippet has the key and the address, without a doubled slash', () => {
  for (const { name, code, install } of snippets) {
    expect(code, name).toContain('KEY-1');
    expect(code, name).toContain('https://a.example/base');
    expect(code + install, name).not.toMatch(/[^:]\/\//);
  }
  expect(snippets[0]?.install).toBe('pip install "api-analytics-client[fastapi] @ https://a.example/base/sdk/python/client-1.whl"');
  expect(snippets.find(({ name }) => name === 'flask')?.install).toBe('pip install "api-analytics-client[flask] @ https://a.example/base/sdk/python/client-1.whl"');
  expect(snippets.find(({ name }) => name === 'express')?.install).toBe('npm install https://a.example/base/sdk/node/client-1.tgz');
});

test('colours lose no character', () => {
  for (const { code, language } of snippets) expect(highlight(code, language).map((piece) => piece.text).join('')).toBe(code);
  expect(highlight('from a import "b # c" # d', 'python').filter(({ kind }) => kind !== 'plain').map(({ kind, text }) => [kind, text])).toEqual([
    ['keyword', 'from'], ['keyword', 'import'], ['text', '"b # c"'], ['comment', '# d'],
  ]);
});
