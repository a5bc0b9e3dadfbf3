// Dark, light or as the system says: what was chosen in this browser, and what it comes to.

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'api-analytics.theme';
export const system = matchMedia('(prefers-color-scheme: dark)');

export function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    // Storage may be closed to us: then the system decides.
    return 'system';
  }
}

export function keepTheme(theme: Theme) {
  try {
    if (theme === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Not kept, but it holds until the page is left.
  }
}

/** Whether it comes to dark. */
export function applyTheme(theme: Theme): boolean {
  const dark = theme === 'dark' || (theme === 'system' && system.matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  return dark;
}
