// Express 5, or the version that EXPRESS names.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { expressAnalytics } from 'api-analytics-client/express';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

const { default: express } = await import(process.env.EXPRESS ?? 'express');
const app = express();
// Express 4 leaves rejected promises to the app.
const wrap = (handler) => (request, response, next) => Promise.resolve(handler(request, response)).catch(next);

if (!process.env.UNWATCHED) app.use(expressAnalytics());
app.use(express.text({ type: '*/*' }));
app.route('/items')
  .post((request, response) => response.status(201).send(`${request.body.length}`));
app.route('/items/:id')
  .get((request, response) => (request.params.id === '404' ? response.status(404).send('no such item') : response.send(`item ${request.params.id}`)))
  .delete((_request, response) => response.status(204).end());
app.get('/old', (_request, response) => response.redirect('/items/1'));
app.get('/fails', () => {
  throw new Error('a handler fails');
});
app.get('/fails-later', wrap(async () => {
  await sleep(5);
  throw new Error('a handler fails later');
}));
app.get('/stream', (_request, response) => Readable.from(parts()).pipe(response));
app.get('/slow', (_request, response) => setTimeout(() => response.send('slow'), 1_000));
app.get('/endless', (_request, response) => Readable.from(endless()).pipe(response));

const orgs = express.Router({ mergeParams: true });
orgs.use((_request, _response, next) => next());
orgs.get('/items/:id', (request, response) => response.send(`${request.params.org} ${request.params.id}`));
orgs.get('/fails', () => {
  throw new Error('a mounted handler fails');
});
app.use('/orgs/:org', orgs);

const server = createServer(app);
finishSetup(server);
server.listen(port, '127.0.0.1');
