// The request whose details are open, from the address: one of the shown rows, or one of any age from a link.

import { untrack } from 'svelte';
import type { Hit } from '../api/types';
import type { Board } from '../dashboard/board.svelte';
import { HIT } from '../dashboard/state';
import { findHit } from './hits.svelte';

/** `rows`: the shown ones; null until they are known. */
export function useChosen(board: Board, rows: () => readonly Hit[] | null) {
  const wanted = $derived(board.state.tabs[HIT] ?? '');
  const listed = $derived(rows()?.find(({ hit_id }) => hit_id === wanted));
  let linked = $state.raw<Hit | null>(null);
  let lost = $state('');
  const looksFor = $derived(wanted !== '' && !listed && rows() !== null ? wanted : '');
  $effect(() => {
    const id = looksFor;
    if (!id || untrack(() => linked?.hit_id === id)) return;
    const abort = new AbortController();
    findHit(board.scope, id, abort.signal).then(
      (hit) => {
        linked = hit;
        lost = hit ? '' : id;
      },
      () => undefined,
    );
    return () => abort.abort();
  });
  return {
    get wanted() {
      return wanted;
    },
    get hit() {
      return listed ?? (linked?.hit_id === wanted ? linked : undefined);
    },
    /** There is no such request, or this viewer may not see it. */
    get isLost() {
      return lost !== '' && lost === wanted;
    },
    /** "" closes the details. */
    choose(id: string) {
      board.tab(HIT, id);
    },
  };
}
