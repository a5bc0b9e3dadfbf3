// The address bar is the state: this holds what it says, and is the only place that writes it.

import { basePath, toIdentity, toPage, type Page } from './address';

interface Location {
  page: Page;
  parameters: URLSearchParams;
}

/** Why a page should not be left yet, as the dialog that asks says it. */
export interface Hold {
  title: string;
  text: string;
  leave: string;
}

function read(): Location {
  const under = basePath();
  const path = location.pathname.startsWith(under) ? location.pathname.slice(under.length) : location.pathname;
  return { page: toPage(path), parameters: new URLSearchParams(location.search) };
}

/** `leaving`: where somebody wants to go while a page holds them, and why it does. */
export const router = $state<{ at: Location; leaving: (Hold & { href: string }) | null }>({ at: read(), leaving: null });

const holds: Hold[] = [];
/** The address of `router.at`: `location` is ahead of it after Back. */
let here = location.pathname + location.search;

/** Asks before another page takes over, until the returned function is called. */
export function holdHere(hold: Hold): () => void {
  holds.push(hold);
  return () => {
    const at = holds.indexOf(hold);
    if (at >= 0) holds.splice(at, 1);
  };
}

window.addEventListener('beforeunload', (event) => {
  if (holds.length) event.preventDefault();
});

function isHeld(href: string): boolean {
  const hold = holds[holds.length - 1];
  if (!hold) return false;
  const to = new URL(href, location.origin);
  const target = { page: toPage(to.pathname.slice(basePath().length)), parameters: to.searchParams };
  if (toIdentity(target) === toIdentity(router.at)) return false;
  router.leaving = { ...hold, href };
  return true;
}

/** The answer to what `router.leaving` asks. */
export function answerHold(leave: boolean) {
  const wanted = router.leaving;
  router.leaving = null;
  if (!wanted || !leave) return;
  holds.length = 0;
  go(wanted.href);
}

window.addEventListener('popstate', () => {
  const wanted = location.pathname + location.search;
  if (isHeld(wanted)) {
    // Back has happened already; the page's own address goes on top again.
    history.pushState(null, '', here);
    return;
  }
  here = wanted;
  router.at = read();
});

/** Goes to an address of this page. `replace`: as if the present one had never been there. */
export function go(href: string, options: { replace?: boolean; keepScroll?: boolean } = {}) {
  if (href === location.pathname + location.search || isHeld(href)) return;
  const before = location.pathname;
  if (options.replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  here = href;
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
