// The theme as the page follows it. `before.ts` has applied it before the first paint.

import { applyTheme, keepTheme, readTheme, system, type Theme } from './theme';

/** `chosen` is the viewer's choice, `dark` what it comes to: canvases are drawn again when it changes. */
export const theme = $state({ chosen: readTheme(), dark: document.documentElement.dataset['theme'] === 'dark' });

export function chooseTheme(chosen: Theme) {
  theme.chosen = chosen;
  keepTheme(chosen);
  theme.dark = applyTheme(chosen);
}

system.addEventListener('change', () => {
  theme.dark = applyTheme(theme.chosen);
});
