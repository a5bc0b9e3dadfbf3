// Dark, light or the system's theme: the choice in this browser, and its result.

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'api-analytics.theme';
export const system = matchMedia('(prefers-color-scheme: dark)');

export function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    // Storage may be unavailable: then the system decides.
    return 'system';
  }
}

export function keepTheme(theme: Theme) {
  try {
    if (theme === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Not stored, but valid until the page is left.
  }
}

/** Returns whether it is dark. */
export function applyTheme(theme: Theme): boolean {
  const dark = theme === 'dark' || (theme === 'system' && system.matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  return dark;
}
