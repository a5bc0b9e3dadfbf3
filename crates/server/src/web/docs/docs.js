// Extras of the documentation for browsers that run scripts: the theme of the dashboard, and buttons that copy code.
'use strict';

const STORED = 'api-analytics.theme';
const isDark = matchMedia('(prefers-color-scheme: dark)');
const CHOICES = [['system', 'System theme'], ['light', 'Light'], ['dark', 'Dark']];

function stored() {
  try {
    return localStorage.getItem(STORED) ?? 'system';
  } catch {
    return 'system';
  }
}

function applyTheme(theme) {
  const dark = theme === 'dark' || (theme !== 'light' && isDark.matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}

function addThemeMenu() {
  const menu = document.createElement('select');
  menu.setAttribute('aria-label', 'Theme');
  for (const [value, label] of CHOICES) menu.append(new Option(label, value, false, value === stored()));
  menu.addEventListener('change', () => {
    try {
      if (menu.value === 'system') localStorage.removeItem(STORED);
      else localStorage.setItem(STORED, menu.value);
    } catch {
      // Not stored, but valid until the page is left.
    }
    applyTheme(menu.value);
  });
  document.querySelector('header div').append(menu);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard: the text is selected and copied as by hand.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'sr';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

function addCopyButton(box) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    button.textContent = (await copy(box.querySelector('code').textContent.trimEnd())) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  });
  box.append(button);
}

applyTheme(stored());
isDark.addEventListener('change', () => applyTheme(stored()));
document.addEventListener('DOMContentLoaded', () => {
  addThemeMenu();
  document.querySelectorAll('.code').forEach(addCopyButton);
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  event.preventDefault();
  document.querySelector('[type=search]').focus();
});
