// Code to paste into an app, per framework, with this server's address and the project's key filled in. All use the clients that this
// server hands out.

import type { ClientPackage } from '../api/types';

/** In the order of the page. */
export const GROUPS = ['Python', 'Node', 'Go', 'Rust', 'Other'] as const;
export type Group = (typeof GROUPS)[number];

export interface Snippet {
  group: Group;
  name: string;
  label: string;
  /** Other words that find it: what runs it, and frameworks that it serves as well. */
  words?: string;
  /** In the shell. */
  install: string;
  /** In the app; or also in the shell, if `install` is "". */
  code: string;
  language: 'python' | 'javascript' | 'go' | 'rust' | 'shell';
  note: string;
}

/** Names as long as those that a server hands out. */
export const USUAL: readonly ClientPackage[] = [
  { language: 'python', package: 'api_analytics_client-0.1.0-py3-none-any.whl' },
  { language: 'node', package: 'api-analytics-client-0.1.0.tgz' },
  { language: 'go', package: 'api-analytics.local/go@v0.1.0' },
  { language: 'rust', package: 'api-analytics-client@0.1.0' },
];

/** `key`: the caller chooses the placeholder until there is one. `clients`: the packages that the server hands out. */
export function toSnippets(server: string, key: string, clients: readonly ClientPackage[]): Snippet[] {
  const url = server.replace(/\/+$/, '');
  const wheel = clients.find(({ language }) => language === 'python')?.package;
  const crate = clients.find(({ language }) => language === 'rust')?.package;
  const tarball = clients.find(({ language }) => language === 'node')?.package;
  const version = clients.find(({ language }) => language === 'go')?.package.split('@')[1] ?? 'latest';
  const go = (name: string) => `api-analytics.local/go${name === 'nethttp' ? '' : `/${name}`}@${version}`;
  // Always an address of this server: on a public registry anybody could own the name.
  const npm = `npm install ${url}/sdk/node/${tarball ?? 'api-analytics-client.tgz'}`;
  const pip = (name: string) => `pip install "${name}${wheel ? ` @ ${url}/sdk/python/${wheel}` : ''}"`;
  const at = (extra: string) => pip(`api-analytics-client[${extra}]`);
  const own = 'Requests show up within seconds.';
  const python = ({ name, label, words, has = name, module = name, imports = 'Analytics, Config', lines: [use, app, call, argument] = ['', '', '', ''], code }: PythonFramework): Snippet => ({
    group: 'Python', name, label, language: 'python', note: own,
    install: has ? at(has) : pip('api-analytics-client'),
    ...(words ? { words } : {}),
    code: code ? code(key, url) : `${use}
from api_analytics.${module} import ${imports}

${app}
${call}(
    ${argument},
    api_key="${key}",
    config=Config(server_url="${url}"),
)`,
  });
  // Every later build needs the registry too, so it goes into the project and not into the environment.
  const registry = `mkdir -p .cargo && grep -qs registries.api-analytics .cargo/config.toml || printf '[registries.api-analytics]\\nindex = "sparse+${url}/sdk/rust/"\\n' >> .cargo/config.toml`;
  const cargo = (feature: string) => `${registry}; cargo add ${crate ?? 'api-analytics-client'} --registry api-analytics --features ${feature}`;
  return [
    ...PYTHON.map(python),
    {
      group: 'Node', name: 'express', label: 'Express', language: 'javascript', install: npm, note: own,
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
      group: 'Node', name: 'fastify', label: 'Fastify', language: 'javascript', install: npm, note: own,
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
      group: 'Node', name: 'nestjs', label: 'NestJS', language: 'javascript', install: npm, note: `In main.ts, before listen; on Express and on Fastify. ${own}`,
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
      group: 'Node', name: 'koa', label: 'Koa', language: 'javascript', install: npm, note: own,
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
      group: 'Node', name: 'hono', label: 'Hono', language: 'javascript', install: npm, note: own,
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
      group: 'Node', name: 'node', words: 'http hapi restify', label: 'Node.js', language: 'shell', install: npm, note: `For any other Node server, without a change of its code. ${own}`,
      code: `export API_ANALYTICS_KEY=${key}
export API_ANALYTICS_SERVER_URL=${url}
node --import api-analytics-client/register app.js`,
    },
    ...GO.map(({ name, label, use, imports, code, words }): Snippet => ({
      group: 'Go', name, label, language: 'go',
      install: `GOPROXY="${url}/sdk/go,$(go env GOPROXY)" GONOSUMDB="api-analytics.local/*" go get ${go(name)}`,
      note: `${own} Call analytics.Shutdown at the end of the process, or its last five seconds are lost; “Go client” in the documentation shows how.`,
      ...(words ? { words } : {}),
      code: `package main

import (
${['analytics "api-analytics.local/go' + (name === 'nethttp' ? '' : `/${name}`) + '"', ...imports].map((line) => line && `\t${line}`).join('\n')}
)

func main() {
${code(`analytics.${use}("${key}", &analytics.Config{
\t\tServerURL: "${url}",
\t})`).map((line) => `\t${line}`).join('\n')}
}`,
    })),
    {
      group: 'Rust', name: 'axum', label: 'Axum', language: 'rust', install: cargo('axum'), note: `For axum 0.7 the feature axum-07. ${own}`,
      code: `use api_analytics_client::axum::Analytics;
use axum::{routing::get, Router};
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(Analytics::new("${key}")
            .with_server_url("${url}"));

    let listener = TcpListener::bind("127.0.0.1:3000").await.unwrap();
    // With the callers' addresses.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await.unwrap();
}`,
    },
    {
      group: 'Rust', name: 'actix', label: 'Actix Web', language: 'rust', install: cargo('actix'), note: own,
      code: `use actix_web::{web, App, HttpServer};
use api_analytics_client::actix::Analytics;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new()
            .route("/", web::get().to(|| async { "hello" }))
            .wrap(Analytics::new("${key}")
                .with_server_url("${url}"))
    })
    .bind("127.0.0.1:3000")?
    .run()
    .await
}`,
    },
    {
      group: 'Rust', name: 'rocket', label: 'Rocket', language: 'rust', install: cargo('rocket'), note: own,
      code: `use api_analytics_client::rocket::Analytics;
use rocket::{get, launch, routes};

#[get("/")]
fn hello() -> &'static str {
    "hello"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .mount("/", routes![hello])
        .attach(Analytics::new("${key}")
            .with_server_url("${url}"))
}`,
    },
    {
      group: 'Other', name: 'curl', words: 'http', label: 'curl', language: 'shell', install: '', note: 'What every client does, by hand: one request, as seen just now.',
      code: `curl ${url}/api/log-request \\
  -H "X-AUTH-TOKEN: ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"framework": "curl", "requests": [{
        "path": "/hello", "method": "GET", "status": 200,
        "response_time": 12.5, "hostname": "example.com"}]}'`,
    },
  ];
}

interface PythonFramework {
  name: string;
  label: string;
  words?: string;
  /** The package's extra, if it is not called so; "" for none. */
  has?: string;
  /** Of `api_analytics`. */
  module?: string;
  imports?: string;
  /** Import and app of the framework, the call that adds the client, and its first argument. */
  lines?: [string, string, string, string];
  /** In place of `lines`. */
  code?: (key: string, url: string) => string;
}

/** The parts that differ between the frameworks of Python. */
const PYTHON: readonly PythonFramework[] = [
  { name: 'fastapi', label: 'FastAPI', words: 'uvicorn gunicorn', lines: ['from fastapi import FastAPI', 'app = FastAPI()', 'app.add_middleware', 'Analytics'] },
  { name: 'starlette', label: 'Starlette', words: 'asgi uvicorn', lines: ['from starlette.applications import Starlette', 'app = Starlette(routes=[])', 'app.add_middleware', 'Analytics'] },
  { name: 'flask', label: 'Flask', words: 'wsgi gunicorn', lines: ['from flask import Flask', 'app = Flask(__name__)', 'Analytics', 'app'] },
  {
    name: 'django', label: 'Django', words: 'drf ninja',
    code: (key, url) => `# settings.py, at its end
from api_analytics.django import Config

ANALYTICS_API_KEY = "${key}"
ANALYTICS_CONFIG = Config(server_url="${url}")
MIDDLEWARE = ["api_analytics.django.Analytics", *MIDDLEWARE]`,
  },
  { name: 'quart', label: 'Quart', words: 'asgi', lines: ['from quart import Quart', 'app = Quart(__name__)', 'Analytics', 'app'] },
  { name: 'litestar', label: 'Litestar', words: 'asgi sanic blacksheep uvicorn', has: '', module: 'asgi', lines: ['from litestar import Litestar', 'api = Litestar()', 'app = Analytics', 'api'] },
  { name: 'falcon', label: 'Falcon', words: 'wsgi asgi', lines: ['import falcon', 'api = falcon.App()', 'app = Analytics', 'api'] },
  { name: 'aiohttp', label: 'aiohttp', lines: ['from aiohttp import web', 'app = web.Application()', 'Analytics', 'app'] },
  { name: 'tornado', label: 'Tornado', imports: 'Config, add_middleware', lines: ['from tornado.web import Application', 'app = Application([])', 'add_middleware', 'app'] },
];

/** The parts that differ between the frameworks of Go. */
const GO: readonly { name: string; label: string; words?: string; use: string; imports: string[]; code: (middleware: string) => string[] }[] = [
  {
    name: 'nethttp', label: 'net/http', words: 'servemux gorilla stdlib golang', use: 'Middleware', imports: ['"net/http"'],
    code: (middleware) => ['mux := http.NewServeMux()', '// your routes', `watch := ${middleware}`, 'http.ListenAndServe("localhost:8000", watch(mux))'],
  },
  {
    name: 'gin', label: 'Gin', words: 'golang', use: 'AnalyticsWithConfig', imports: ['"github.com/gin-gonic/gin"'],
    code: (middleware) => ['router := gin.Default()', `router.Use(${middleware})`, '// your routes', 'router.Run("localhost:8000")'],
  },
  {
    name: 'chi', label: 'chi', words: 'golang', use: 'AnalyticsWithConfig', imports: ['"net/http"', '', '"github.com/go-chi/chi/v5"'],
    code: (middleware) => ['router := chi.NewRouter()', `router.Use(${middleware})`, '// your routes', 'http.ListenAndServe("localhost:8000", router)'],
  },
  ...['5', '4'].map((version) => ({
    name: `echo${version}`, label: `Echo ${version}`, words: 'golang labstack', use: 'AnalyticsWithConfig', imports: [`"github.com/labstack/echo/v${version}"`],
    code: (middleware: string) => ['app := echo.New()', `app.Use(${middleware})`, '// your routes', 'app.Start("localhost:8000")'],
  })),
  ...['3', '2'].map((version) => ({
    name: `fiber${version}`, label: `Fiber ${version}`, words: 'golang fasthttp', use: 'AnalyticsWithConfig', imports: [`"github.com/gofiber/fiber/v${version}"`],
    code: (middleware: string) => ['app := fiber.New()', `app.Use(${middleware})`, '// your routes', 'app.Listen("localhost:8000")'],
  })),
];

/** Those that a search finds, by what their names or words begin with; all for an empty one. */
export function findSnippets(snippets: readonly Snippet[], search: string): Snippet[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const has = ({ label, group, words = '' }: Snippet, word: string) =>
    `${label} ${group} ${words}`.toLowerCase().split(/[\s]+/).some((one) => one.startsWith(word)) || label.toLowerCase().replaceAll(' ', '').includes(word);
  return snippets.filter((snippet) => wanted.every((word) => has(snippet, word)));
}

export type TokenKind = 'keyword' | 'text' | 'comment' | 'plain';

const WORDS = /\b(?:from|import|package|func|const|new|await|def|async|return)\b/.source;
const RUST_WORDS = /\b(?:use|let|fn|async|await)\b/.source;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\]|\\.)*'/.source;
const PATTERN = new RegExp(`(?<comment>#.*|\\/\\/ .*)|(?<text>${TEXT})|(?<keyword>${WORDS})`, 'g');
// A `#` begins an attribute, and a single quote a lifetime.
const RUST_PATTERN = new RegExp(`(?<comment>\\/\\/ .*)|(?<text>"(?:[^"\\\\\\n]|\\\\.)*")|(?<keyword>${RUST_WORDS})`, 'g');

/** Just enough colour for a few lines. The concatenated pieces equal the code. */
export function highlight(code: string, language: Snippet['language']): { kind: TokenKind; text: string }[] {
  const pieces: { kind: TokenKind; text: string }[] = [];
  let end = 0;
  for (const match of code.matchAll(language === 'rust' ? RUST_PATTERN : PATTERN)) {
    const kind = (Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? 'plain') as TokenKind;
    if (kind === 'keyword' && language === 'shell') continue;
    if (match.index > end) pieces.push({ kind: 'plain', text: code.slice(end, match.index) });
    pieces.push({ kind, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < code.length) pieces.push({ kind: 'plain', text: code.slice(end) });
  return pieces;
}
