// Hono's routes and answers, in every runtime.

import { watchFetch } from './fetch-watch.js';
import type { Framework, Recorder } from './recorder.js';
import { toTemplate } from './template.js';

/** The parts of Hono's context that are used. */
export interface HonoContextLike {
  env: any;
  // `routePath` is marked as deprecated in favour of `hono/route`, which would make Hono a dependency.
  req: { raw: Request; method: string; routePath?: string };
  res: Response;
}

export const HONO: Framework<HonoContextLike> = {
  name: 'Hono',
  // After `next()`, the route that answered.
  route: (context) => toTemplate(context.req.routePath, 'constraint'),
};

export async function watchHono(
  recorder: Recorder<HonoContextLike>,
  context: HonoContextLike,
  address: string | undefined,
  next: () => Promise<void>,
  over?: () => void,
): Promise<void> {
  let own: Response | undefined;
  const sent = await watchFetch(
    recorder,
    { request: context.req.raw, address, subject: context },
    async () => {
      await next();
      return (own = context.res);
    },
    over,
  );
  if (sent !== own) context.res = sent;
}
