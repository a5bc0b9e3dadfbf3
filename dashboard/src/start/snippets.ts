// Code to paste into an app, per framework, with this server's address and the project's key filled in. All use the clients that this
// server hands out.

import type { ClientPackage } from '../api/types';

export interface Snippet {
  name: string;
  label: string;
  /** In the shell. */
  install: string;
  /** In the app; or also in the shell, if `install` is "". */
  code: string;
  language: 'python' | 'javascript' | 'shell';
  note: string;
}

/** `key`: the caller chooses the placeholder until there is one. `clients`: the packages that the server hands out. */
export function toSnippets(server: string, key: string, clients: readonly ClientPackage[]): Snippet[] {
  const url = server.replace(/\/+$/, '');
  const wheel = clients.find(({ language }) => language === 'python')?.package;
  const tarball = clients.find(({ language }) => language === 'node')?.package;
  // Always an address of this server: on a public registry anybody could own the name.
  const npm = `npm install ${url}/sdk/node/${tarball ?? 'api-analytics-client.tgz'}`;
  const at = (extra: string) => (wheel ? `pip install "api-analytics-client[${extra}] @ ${url}/sdk/python/${wheel}"` : `pip install "api-analytics-client[${extra}]"`);
  const own = 'Requests show up within seconds.';
  return [
    {
      name: 'fastapi', label: 'FastAPI', language: 'python', install: at('fastapi'), note: own,
      code: `from fastapi import FastAPI
from api_analytics.fastapi import Analytics, Config

app = FastAPI()
app.add_middleware(
    Analytics,
    api_key="${key}",
    config=Config(server_url="${url}"),
)`,
    },
    {
      name: 'starlette', label: 'Starlette', language: 'python', install: at('starlette'), note: own,
      code: `from starlette.applications import Starlette
from api_analytics.starlette import Analytics, Config

app = Starlette(routes=[])
app.add_middleware(
    Analytics,
    api_key="${key}",
    config=Config(server_url="${url}"),
)`,
    },
    {
      name: 'flask', label: 'Flask', language: 'python', install: at('flask'), note: own,
      code: `from flask import Flask
from api_analytics.flask import Analytics, Config

app = Flask(__name__)
Analytics(
    app,
    api_key="${key}",
    config=Config(server_url="${url}"),
)`,
    },
    {
      name: 'django', label: 'Django', language: 'python', install: at('django'), note: own,
      code: `# settings.py, at its end
from api_analytics.django import Config

ANALYTICS_API_KEY = "${key}"
ANALYTICS_CONFIG = Config(server_url="${url}")
MIDDLEWARE = ["api_analytics.django.Analytics", *MIDDLEWARE]`,
    },
    {
      name: 'express', label: 'Express', language: 'javascript', install: npm, note: own,
      code: `import express from 'express';
import { expressAnalytics } from 'api-analytics-client/express';

const app = express();
app.use(
  expressAnalytics('${key}', {
    serverUrl: '${url}',
  }),
);`,
    },
    {
      name: 'fastify', label: 'Fastify', language: 'javascript', install: npm, note: own,
      code: `import Fastify from 'fastify';
import { useFastifyAnalytics } from 'api-analytics-client/fastify';

const app = Fastify();
useFastifyAnalytics(
  app,
  '${key}',
  { serverUrl: '${url}' },
);`,
    },
    {
      name: 'nestjs', label: 'NestJS', language: 'javascript', install: npm, note: `In main.ts, before listen; on Express and on Fastify. ${own}`,
      code: `import { NestFactory } from '@nestjs/core';
import { useNestAnalytics } from 'api-analytics-client/nestjs';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
useNestAnalytics(
  app,
  '${key}',
  { serverUrl: '${url}' },
);`,
    },
    {
      name: 'koa', label: 'Koa', language: 'javascript', install: npm, note: own,
      code: `import Koa from 'koa';
import { koaAnalytics } from 'api-analytics-client/koa';

const app = new Koa();
app.use(
  koaAnalytics('${key}', {
    serverUrl: '${url}',
  }),
);`,
    },
    {
      name: 'hono', label: 'Hono', language: 'javascript', install: npm, note: own,
      code: `import { Hono } from 'hono';
import { honoAnalytics } from 'api-analytics-client/hono';

const app = new Hono();
app.use(
  honoAnalytics('${key}', {
    serverUrl: '${url}',
  }),
);`,
    },
    {
      name: 'node', label: 'Node.js', language: 'shell', install: npm, note: `For any other Node server, without a change of its code. ${own}`,
      code: `export API_ANALYTICS_KEY=${key}
export API_ANALYTICS_SERVER_URL=${url}
node --import api-analytics-client/register app.js`,
    },
    {
      name: 'curl', label: 'curl', language: 'shell', install: '', note: 'What every client does, by hand: one request, as seen just now.',
      code: `curl ${url}/api/log-request \\
  -H "X-AUTH-TOKEN: ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"framework": "curl", "requests": [{
        "path": "/hello", "method": "GET", "status": 200,
        "response_time": 12.5, "hostname": "example.com"}]}'`,
    },
  ];
}

export type TokenKind = 'keyword' | 'text' | 'comment' | 'plain';

const WORDS = /\b(?:from|import|const|new|await|def|async|return)\b/.source;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\]|\\.)*'/.source;
const PATTERN = new RegExp(`(?<comment>#.*|\\/\\/ .*)|(?<text>${TEXT})|(?<keyword>${WORDS})`, 'g');

/** Just enough colour for a few lines. The concatenated pieces equal the code. */
export function highlight(code: string, language: Snippet['language']): { kind: TokenKind; text: string }[] {
  const pieces: { kind: TokenKind; text: string }[] = [];
  let end = 0;
  for (const match of code.matchAll(PATTERN)) {
    const kind = (Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? 'plain') as TokenKind;
    if (kind === 'keyword' && language === 'shell') continue;
    if (match.index > end) pieces.push({ kind: 'plain', text: code.slice(end, match.index) });
    pieces.push({ kind, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < code.length) pieces.push({ kind: 'plain', text: code.slice(end) });
  return pieces;
}
