// Compiled, not run: every middleware fits into its framework's own types.
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { Config, expressAnalytics, fastifyAnalytics, flush, honoAnalytics, koaAnalytics, nestjsAnalytics, useFastifyAnalytics } from 'api-analytics-client';
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
const done: boolean = await flush(100);
console.log(done);
// @ts-expect-error a level is a number
expressAnalytics('key', { privacyLevel: 'high' });
