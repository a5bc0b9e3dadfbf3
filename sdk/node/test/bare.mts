// Compiled, not run: without any framework's types, and with the package's own checked.
import { expressAnalytics } from 'api-analytics-client';
import 'api-analytics-client/fastify';
import 'api-analytics-client/hono';
import 'api-analytics-client/koa';
import 'api-analytics-client/nestjs';
import 'api-analytics-client/register';
import { createServer } from 'node:http';

const watch = expressAnalytics('key');
createServer((request, response) => watch(request, response, () => response.end()));
