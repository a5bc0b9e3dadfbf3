// The page's current theme. `before.ts` has applied it before the first paint.

import { applyTheme, keepTheme, readTheme, system, type Theme } from './theme';

/** `chosen` is the viewer's choice, `dark` its result: canvases are redrawn when it changes. */
export const theme = $state({ chosen: readTheme(), dark: document.documentElement.dataset['theme'] === 'dark' });

export function chooseTheme(chosen: Theme) {
  theme.chosen = chosen;
  keepTheme(chosen);
  theme.dark = applyTheme(chosen);
}

system.addEventListener('change', () => {
  theme.dark = applyTheme(theme.chosen);
});
