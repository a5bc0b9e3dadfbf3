// A plain fetch handler, for every runtime.
import { endless, parts, sleep } from '../node/parts.mjs';

const stream = (source) => new Response(ReadableStream.from(source));

export async function fetch(request) {
  const { pathname } = new URL(request.url);
  const item = /^\/(?:orgs\/([^/]+)\/)?items\/([^/]+)$/.exec(pathname);
  if (request.method === 'POST' && pathname === '/items') return new Response(`${(await request.text()).length}`, { status: 201 });
  if (request.method === 'DELETE' && item) return new Response(null, { status: 204 });
  if (item?.[2] === '404') return new Response('no such item', { status: 404 });
  if (item) return new Response(`${item[1] ?? 'item'} ${item[2]}`);
  if (pathname === '/old') return new Response(null, { status: 302, headers: { Location: '/items/1' } });
  if (pathname === '/stream') return stream(parts());
  if (pathname === '/endless') return stream(endless());
  if (pathname === '/fails-later') await sleep(5);
  if (pathname.includes('fails')) throw new Error('a handler fails');
  if (pathname === '/slow') {
    await sleep(1_000);
    return new Response('slow');
  }
  return new Response('no such page', { status: 404 });
}
