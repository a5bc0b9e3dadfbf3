import { queue } from './queue.js';

/**
 * Posts what waits in this process; true when a server has answered for all of it. For those who end their process themselves: await it
 * before `process.exit()`. A process that ends by itself does it, as does the `close` of a server whose requests are watched.
 */
export function flush(milliseconds = 2_000): Promise<boolean> {
  return queue.flush(milliseconds);
}
