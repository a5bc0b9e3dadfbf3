// NestJS 12 on Express, or with PLATFORM=fastify on Fastify. Without a compiler, so decorators are called as functions.
import 'reflect-metadata';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Controller, Delete, Get, HttpCode, HttpException, Module, Post, Redirect, Req, StreamableFile } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { useNestAnalytics } from 'api-analytics-client/nestjs';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

function decorate(type, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, method);
  for (const decorator of decorators) decorator(type.prototype, method, descriptor);
  Req()(type.prototype, method, 0);
}

class Items {
  async create(request) {
    const body = request.body ?? (await text(request.raw ?? request));
    return `${(typeof body === 'string' ? body : JSON.stringify(body)).length}`;
  }
  show(request) {
    if (request.params.id === '404') throw new HttpException('no such item', 404);
    return `item ${request.params.id}`;
  }
  remove() {}
  old() {}
  fails() {
    throw new Error('a handler fails');
  }
  async failsLater() {
    await sleep(5);
    throw new Error('a handler fails later');
  }
  stream() {
    return new StreamableFile(Readable.from(parts()));
  }
  async slow() {
    await sleep(1_000);
    return 'slow';
  }
  endless() {
    return new StreamableFile(Readable.from(endless()), {});
  }
}
Controller()(Items);
decorate(Items, 'create', Post('items'));
decorate(Items, 'show', Get('items/:id'));
decorate(Items, 'remove', Delete('items/:id'), HttpCode(204));
decorate(Items, 'old', Get('old'), Redirect('/items/1', 302));
decorate(Items, 'fails', Get('fails'));
decorate(Items, 'failsLater', Get('fails-later'));
decorate(Items, 'stream', Get('stream'));
decorate(Items, 'slow', Get('slow'));
decorate(Items, 'endless', Get('endless'));

class Orgs {
  show(request) {
    return `${request.params.org} ${request.params.id}`;
  }
  fails() {
    throw new Error('a mounted handler fails');
  }
}
Controller('orgs/:org')(Orgs);
decorate(Orgs, 'show', Get('items/:id'));
decorate(Orgs, 'fails', Get('fails'));

class App {}
Module({ controllers: [Items, Orgs] })(App);

const options = { logger: false, bodyParser: false };
const app = process.env.PLATFORM === 'fastify'
  ? await NestFactory.create(App, new (await import('@nestjs/platform-fastify')).FastifyAdapter(), options)
  : await NestFactory.create(App, options);
useNestAnalytics(app);
await app.listen(port, '127.0.0.1');
finishSetup(app.getHttpServer());
