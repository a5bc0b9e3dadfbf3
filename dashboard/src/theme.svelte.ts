// Dark, light or as the system says. `theme.js` has applied the choice before the first paint.

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'api-analytics.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function read(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

/** `chosen` is the viewer's choice, `dark` what it comes to: canvases are drawn again when it changes. */
export const theme = $state({ chosen: read(), dark: document.documentElement.dataset['theme'] === 'dark' });

function apply() {
  theme.dark = theme.chosen === 'dark' || (theme.chosen === 'system' && system.matches);
  document.documentElement.dataset['theme'] = theme.dark ? 'dark' : 'light';
}

export function chooseTheme(chosen: Theme) {
  theme.chosen = chosen;
  try {
    if (chosen === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, chosen);
  } catch {
    // Not kept, but it holds until the page is left.
  }
  apply();
}

system.addEventListener('change', apply);
