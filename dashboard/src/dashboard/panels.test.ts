import { expect, test } from 'vitest';
import { ALL, CARDS, layOut, OWN_CARDS, PANELS, panelsOf, SUBJECT_CARDS } from './panels';

test('no panel is asked for twice, and every card has one', () => {
  expect(new Set(ALL).size).toBe(ALL.length);
  for (const card of CARDS) expect(panelsOf(card), card.name).not.toHaveLength(0);
  for (const card of Object.values(SUBJECT_CARDS).flat()) expect(panelsOf(card).length > 0, card.name).toBe(!(card.name in OWN_CARDS));
  for (const panel of PANELS) {
    expect(panel.shape === 'menu' || CARDS.some(({ name }) => name === panel.card), panel.name).toBe(true);
  }
});

test.each([CARDS, ...Object.values(SUBJECT_CARDS)])('every row is full, whichever cards are there', (...all) => {
  // Failures are left out if individual requests are not shown, changes if nothing is compared.
  const optional = all.filter((card) => card.where ?? card.name in OWN_CARDS);
  for (let without = 0; without < 1 << optional.length; without++) {
    const cards = all.filter((card) => !optional.some((o, i) => o === card && without & (1 << i)));
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
