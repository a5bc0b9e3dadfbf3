import { expect, test } from 'vitest';
import { ALL, CARDS, layOut, PANELS, panelsOf } from './panels';

test('no panel is asked for twice, and every card has one', () => {
  expect(new Set(ALL).size).toBe(ALL.length);
  for (const card of CARDS) expect(panelsOf(card.name), card.name).not.toHaveLength(0);
  for (const panel of PANELS) {
    expect(panel.shape === 'menu' || CARDS.some(({ name }) => name === panel.card), panel.name).toBe(true);
  }
});

test('every row is full, whichever cards are there', () => {
  const optional = CARDS.filter((card) => card.where);
  for (let without = 0; without < 1 << optional.length; without++) {
    const cards = CARDS.filter((card) => !optional.some((o, i) => o === card && without & (1 << i)));
    const laid = layOut(cards);
    expect(laid.map(({ card }) => card)).toEqual(cards);
    let row = 0;
    for (const { width } of laid) {
      row += width;
      expect(row).toBeLessThanOrEqual(12);
      if (row === 12) row = 0;
    }
    expect(row).toBe(0);
  }
});
