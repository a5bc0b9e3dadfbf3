// The full list of a card: loaded while the card shows it, and again with each refresh.

import { onDestroy, untrack } from 'svelte';
import type { ListName } from '../api/types';
import { useBoard } from './board.svelte';
import { isListed, toListQuestion, type ListQuestion } from './list';
import { List } from './list.svelte';

export function useList<Row>(panel: () => ListName): List<Row> {
  const board = useBoard();
  const list = new List<Row>(board.scope, panel);
  const question = $derived(isListed(board.state, panel()) ? JSON.stringify(toListQuestion(board.state, board.question, panel())) : '');
  $effect(() => {
    void board.looks;
    void panel();
    const asked = question;
    untrack(() => (asked ? void list.ask(JSON.parse(asked) as ListQuestion) : list.stop()));
  });
  $effect(() => {
    const { error } = list;
    untrack(() => board.sayOfList(panel(), error));
  });
  onDestroy(() => {
    list.stop();
    board.sayOfList(panel(), null);
  });
  return list;
}
