// A plain fetch handler on Workers.
import { watch } from 'api-analytics-client/fetch';
import { atEdge, upgrade } from '../workers/edge.mjs';
import { fetch } from './handler.mjs';

export default atEdge(watch({ fetch: (request) => (request.url.endsWith('/socket') ? upgrade() : fetch(request)) }));
