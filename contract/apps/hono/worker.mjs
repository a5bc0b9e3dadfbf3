// Hono on Workers.
import { atEdge, upgrade } from '../workers/edge.mjs';
import { app } from './routes.mjs';

app.get('/socket', upgrade);

export default atEdge(app);
