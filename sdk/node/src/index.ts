// Everything by the names of the original's package; each framework also has its own entry (`api-analytics-client/express` ...).

export { Config, type Mapper, type Settings } from './config.js';
export { expressAnalytics } from './express.js';
export { fastifyAnalytics, useFastifyAnalytics } from './fastify.js';
export { watch } from './fetch.js';
export { flush } from './flush.js';
export { honoAnalytics } from './hono.js';
export { koaAnalytics } from './koa.js';
export { nestjsAnalytics, useNestAnalytics } from './nestjs.js';
