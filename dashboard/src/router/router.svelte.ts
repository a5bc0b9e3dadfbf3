// The address bar is the state: this holds what it says, and is the only place that writes it.

import { basePath, toPage, type Page } from './address';

interface Location {
  page: Page;
  parameters: URLSearchParams;
}

function read(): Location {
  const under = basePath();
  const path = location.pathname.startsWith(under) ? location.pathname.slice(under.length) : location.pathname;
  return { page: toPage(path), parameters: new URLSearchParams(location.search) };
}

export const router = $state<{ at: Location }>({ at: read() });

window.addEventListener('popstate', () => {
  router.at = read();
});

/** Goes to an address of this page. `replace`: as if the present one had never been there. */
export function go(href: string, options: { replace?: boolean; keepScroll?: boolean } = {}) {
  if (href === location.pathname + location.search) return;
  const before = location.pathname;
  if (options.replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  router.at = read();
  if (!options.keepScroll && location.pathname !== before) {
    scrollTo(0, 0);
    // A new page begins at its beginning for those who cannot see that it is another.
    queueMicrotask(() => document.getElementById('main')?.focus({ preventScroll: true }));
  }
}

/** Links inside the page do not load it anew; those that a modifier key or another target sends elsewhere do. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  const under = basePath();
  if (!link.pathname.startsWith(under)) return;
  const path = link.pathname.slice(under.length);
  // Made by the server, not by the page.
  if (path.startsWith('/docs') || path.startsWith('/api/') || path.startsWith('/sdk/') || path.startsWith('/assets/')) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
