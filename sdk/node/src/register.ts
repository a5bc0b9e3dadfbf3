// Any Node server, without a change of its code: `node --import api-analytics-client/register app.js`, with API_ANALYTICS_KEY and
// API_ANALYTICS_SERVER_URL in the environment. Node itself announces each request on a diagnostics channel; no module is patched. A
// middleware of this package in the app takes over the requests that it sees.

import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { findRoute, prepare } from './express-route.js';
import { watch } from './node.js';
import { open } from './queue.js';
import { type Framework, Recorder } from './recorder.js';

interface Started {
  request: IncomingMessage & { ip?: string };
  response: ServerResponse;
}

// With Express the routes are in the request; other frameworks keep theirs to themselves, and the server derives them.
const FRAMEWORK: Framework<Started['request']> = {
  name: 'Node.js',
  route: (request) => {
    prepare(request); // for later requests of its app: nobody knows an app before its first one
    return findRoute(request);
  },
  address: (request) => request.ip,
};

const ONCE = Symbol.for('api-analytics-client.registered');
const shared = globalThis as unknown as Record<symbol, boolean | undefined>;

if (!shared[ONCE]) {
  shared[ONCE] = true;
  let recorder: Recorder<Started['request']> | undefined;
  subscribe('http.server.request.start', (message) => {
    // At the first request: most programs that NODE_OPTIONS reaches never serve one.
    recorder ??= new Recorder(FRAMEWORK, open);
    const { request, response } = message as Started;
    watch(recorder, request, response, request, true);
  });
}
