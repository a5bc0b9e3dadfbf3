// Fastify 5, or the version that FASTIFY names.
import { Readable } from 'node:stream';
import { fastifyAnalytics } from 'api-analytics-client/fastify';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

const { default: Fastify } = await import(process.env.FASTIFY ?? 'fastify');
const app = Fastify();
app.register(fastifyAnalytics);
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
app.post('/items', (request, reply) => reply.code(201).send(`${request.body.length}`));
app.get('/items/:id', (request, reply) => (request.params.id === '404' ? reply.code(404).send('no such item') : reply.send(`item ${request.params.id}`)));
app.delete('/items/:id', (_request, reply) => reply.code(204).send());
app.get('/old', (_request, reply) => reply.code(302).header('location', '/items/1').send());
app.get('/fails', () => {
  throw new Error('a handler fails');
});
app.get('/fails-later', async () => {
  await sleep(5);
  throw new Error('a handler fails later');
});
app.get('/stream', (_request, reply) => reply.send(Readable.from(parts())));
app.get('/slow', async () => {
  await sleep(1_000);
  return 'slow';
});
app.get('/endless', (_request, reply) => reply.send(Readable.from(endless())));
app.register(
  async (orgs) => {
    orgs.get('/items/:id', (request, reply) => reply.send(`${request.params.org} ${request.params.id}`));
    orgs.get('/fails', () => {
      throw new Error('a mounted handler fails');
    });
  },
  { prefix: '/orgs/:org' },
);
await app.listen({ port, host: '127.0.0.1' });
finishSetup(app.server);
