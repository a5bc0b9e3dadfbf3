import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { toCurl } from './curl';

const hit = (more: object) => toCurl({ method: 'GET', host: 'api.example.com', path: '/a', user_agent: null, ...more });

/** The arguments that a shell passes to curl. */
function wordsOf(command: string): string[] {
  const out = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], { encoding: 'utf8', cwd: '/', env: {} });
  return out.split('\0').slice(0, -1);
}

test('a request is a command', () => {
  expect(hit({})).toBe("curl --globoff --path-as-is --url 'https://api.example.com/a'");
  expect(hit({ method: 'POST', host: 'localhost:8000', user_agent: 'curl/8.1' })).toBe(
    "curl --globoff --path-as-is --request 'POST' --user-agent 'curl/8.1' --url 'http://localhost:8000/a'",
  );
  expect(hit({ method: 'HEAD', host: null })).toBe("curl --globoff --path-as-is --head --url 'https://HOST/a'");
  expect(hit({ path: '/ü b?x=1#y/100%' })).toContain("'https://api.example.com/%C3%BC%20b%3Fx=1%23y/100%'");
});

test('nothing in a request is read by a shell or a terminal', () => {
  const hostile = [
    "'; touch /tmp/owned; '", '$(touch /tmp/owned)', '`touch /tmp/owned`', '"; false; "', '\\', "\\'", 'a\nfalse\n', '--output /tmp/owned', '-K/etc/passwd',
    '\u001b[201~\nfalse\n', '\u0003\u0004', '!!', '$HOME', '*', '~', '&& false', '| false', '> /tmp/owned', '\ud800', '{a,b}', '[1-9]', '@/etc/passwd', '',
  ];
  for (const text of hostile) {
    const words = wordsOf(hit({ method: text || 'GET', host: text, path: text, user_agent: text }));
    const known = text && text !== 'GET' ? 8 : 4;
    expect(words.length, JSON.stringify(text)).toBe(known);
    expect(words.slice(0, 2)).toEqual(['--globoff', '--path-as-is']);
    if (known === 8) {
      expect([words[2], words[4], words[6]]).toEqual(['--request', '--user-agent', '--url']);
      const shown = text.replace(/[\u0000-\u001f]+/g, ' ');
      if (text !== '\ud800') expect([words[3], words[5]]).toEqual([shown, shown]);
    }
    expect(words.at(-1)).toMatch(/^https:\/\/[\w.:[\]-]+\/[\x21-\x7e]*$/);
    expect(words.at(-1)).not.toMatch(/['"`\\{}|<>]/);
  }
});
