// Node's own server, which knows nothing of us: started with `node --import api-analytics-client/register`. No routes: the server derives them.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { endless, finishSetup, parts, port, sleep } from '../node/serve.mjs';

async function answer(request, response) {
  const { method } = request;
  const path = request.url.split('?')[0];
  const end = (status, body, headers) => response.writeHead(status, headers).end(body);
  if (method === 'POST') return end(201, `${(await text(request)).length}`);
  if (method === 'DELETE') return end(204);
  if (path === '/items/404') return end(404, 'no such item');
  const found = /\/items\/([^/]+)$/.exec(path);
  if (found) return end(200, path.startsWith('/orgs') ? `acme ${found[1]}` : `item ${found[1]}`);
  if (path === '/old') return end(302, undefined, { location: '/items/1' });
  if (path.includes('fails')) throw new Error('a handler fails');
  if (path === '/stream') return Readable.from(parts()).pipe(response);
  if (path === '/endless') return Readable.from(endless()).pipe(response);
  if (path === '/slow') return sleep(1_000).then(() => end(200, 'slow'));
  return end(404, 'nothing here');
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.writeHead(500).end('Internal Server Error'));
});
finishSetup(server);
server.listen(port, '127.0.0.1');
