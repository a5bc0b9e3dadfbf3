// Compiled, not run: every middleware fits into its framework's own types.
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { Config, expressAnalytics, fastifyAnalytics, flush, honoAnalytics, koaAnalytics, nestjsAnalytics, useFastifyAnalytics } from 'api-analytics-client';
import { watch } from 'api-analytics-client/fetch';
import { expressAnalytics as fromItsEntry } from 'api-analytics-client/express';

const config = new Config<express.Request>({ privacyLevel: 1 });
config.getUserID = (request) => request.get('X-Account');
config.serverUrl = 'https://analytics.example.com';

express().use(expressAnalytics('key', config)).use(fromItsEntry()).use(nestjsAnalytics('key', { release: 'v1' }));
const fastify = Fastify();
useFastifyAnalytics(fastify, 'key', { getPath: (request) => request.url });
fastify.register(fastifyAnalytics, { apiKey: 'key', privacyLevel: 2 });
fastify.addHook('onRequest', fastifyAnalytics('key'));
new Koa().use(koaAnalytics('key'));
new Hono().use(honoAnalytics('key'));
new Hono<{ Bindings: { secret: string } }>().use('*', honoAnalytics('key', { getHostname: () => null }));
const handler = watch({ fetch: (request: Request, bindings: { secret: string }) => new Response(request.url + bindings.secret), idle: 10 }, 'key', {
  getUserID: (request) => request.headers.get('X-Account'),
});
const idle: number = handler.idle;
const plain: (request: Request) => Response = watch((request: Request) => new Response(request.url));
console.log(idle, plain);
watch(new Hono(), 'key');
const done: boolean = await flush(100);
console.log(done);
// @ts-expect-error a level is a number
expressAnalytics('key', { privacyLevel: 'high' });
