// Runs the user's mappers so that a bad one costs its own field and nothing else. They run in the event loop after the answer has left. A
// slow one cannot be waited out, only given a rest: after two slow calls in a row it is not asked for a second, then two, up to a minute.

import type { Mapper } from './config.js';
import { cut } from './hit.js';
import { debug } from './log.js';

const SLOW_MS = 20;
const LONGEST_REST_MS = 60_000;

export type SafeMapper = (request: unknown) => string | undefined;

/** Undefined if the user set nothing: the client then reads the field itself. */
export function toMapper(name: string, mapper: Mapper | null | undefined, limit: number): SafeMapper | undefined {
  if (typeof mapper !== 'function') return undefined;
  let slowCalls = 0;
  let rest = 1_000;
  let restsUntil = 0;
  let told = false;
  const tell = (what: string): void => {
    if (!told) debug('%s %s; its field is left empty when that happens, said once', name, what);
    told = true;
  };
  return (request) => {
    const began = performance.now();
    if (began < restsUntil) return undefined;
    let value: unknown;
    try {
      value = mapper(request);
      if (isPromise(value)) {
        value.then(undefined, () => undefined); // else its rejection would end the host's process
        throw new TypeError('a mapper must not be async');
      }
      value = value === null || value === undefined ? undefined : cut(String(value), limit);
    } catch (error) {
      // Its name alone: the message may hold what the mapper was reading.
      tell(`threw ${error instanceof Error ? error.name : typeof error}`);
      return undefined;
    }
    const ended = performance.now();
    if (ended - began < SLOW_MS) {
      slowCalls = 0;
      rest = 1_000;
    } else {
      tell(`took ${Math.round(ended - began)} ms, which holds up the event loop`);
      slowCalls += 1;
      if (slowCalls >= 2) {
        restsUntil = ended + rest;
        rest = Math.min(rest * 2, LONGEST_REST_MS);
      }
    }
    return value as string | undefined;
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
