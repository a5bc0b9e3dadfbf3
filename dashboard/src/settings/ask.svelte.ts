// Runs a button's action and tracks its progress and error, so that every form shows them in the same way.

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
    /** True on success; `done` is then shown for a while. */
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
