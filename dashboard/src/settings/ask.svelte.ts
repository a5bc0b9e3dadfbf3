// Runs what a button does and keeps whether it is under way and what went wrong, so that every form says it the same way.

import { ApiError } from '../api/client';

export function ask() {
  const state = $state({ busy: false, problem: '', done: '' });
  let timer: ReturnType<typeof setTimeout>;
  return {
    get busy() {
      return state.busy;
    },
    get problem() {
      return state.problem;
    },
    get done() {
      return state.done;
    },
    /** True where it went well; `done` is then said for a while. */
    async run(what: () => Promise<unknown>, done = ''): Promise<boolean> {
      clearTimeout(timer);
      state.busy = true;
      state.problem = state.done = '';
      try {
        await what();
        state.done = done;
        timer = setTimeout(() => (state.done = ''), 4000);
        return true;
      } catch (error) {
        state.problem = error instanceof ApiError ? error.message : String(error);
        return false;
      } finally {
        state.busy = false;
      }
    },
  };
}
