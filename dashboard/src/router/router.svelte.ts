// The address bar is the state: this holds its content, and is the only place that writes it.

import { basePath, toIdentity, toPage, type Page } from './address';

interface Location {
  page: Page;
  parameters: URLSearchParams;
}

/** Why a page should not be left yet, for the dialog that asks. */
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

/** `leaving`: where somebody wants to go while a page holds them, by how many steps of the history (0: by a new entry), and the reason to
 * stay. */
export const router = $state<{ at: Location; leaving: (Hold & { href: string; steps: number }) | null }>({ at: read(), leaving: null });

const holds: Hold[] = [];
/** Each entry of the history knows its index, so that a step can be undone in the direction it came from: Forward stays as it was. */
interface Entry {
  place: number;
}
const placeOf = (state: unknown) => (state as Partial<Entry> | null)?.place;
const toEntry = (place: number): Entry => ({ place });
let place = placeOf(history.state) ?? 0;
history.replaceState(toEntry(place), '');
/** The router itself is undoing a step: nothing is shown for it. */
let isReturning = false;

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

function isHeld(href: string, steps = 0): boolean {
  const hold = holds[holds.length - 1];
  if (!hold) return false;
  const to = new URL(href, location.origin);
  const target = { page: toPage(to.pathname.slice(basePath().length)), parameters: to.searchParams };
  if (toIdentity(target) === toIdentity(router.at)) return false;
  router.leaving = { ...hold, href, steps };
  return true;
}

/** The answer to the question of `router.leaving`. */
export function answerHold(leave: boolean) {
  const wanted = router.leaving;
  router.leaving = null;
  if (!wanted || !leave) return;
  holds.length = 0;
  if (wanted.steps) history.go(wanted.steps);
  else go(wanted.href);
}

window.addEventListener('popstate', (event) => {
  if (isReturning) {
    isReturning = false;
    return;
  }
  const wanted = location.pathname + location.search;
  let to = placeOf(event.state);
  if (to === undefined) {
    // A link to a part of the page: the browser has added the entry.
    to = place + 1;
    history.replaceState(toEntry(to), '');
  }
  const steps = to - place;
  if (steps !== 0 && isHeld(wanted, steps)) {
    isReturning = true;
    history.go(-steps);
    return;
  }
  place = to;
  router.at = read();
});

/** Goes to an address of this page. `replace`: replaces the current entry of the history. */
export function go(href: string, options: { replace?: boolean; keepScroll?: boolean } = {}) {
  if (href === location.pathname + location.search || isHeld(href)) return;
  const [path, page] = [location.pathname, toIdentity(router.at)];
  if (options.replace) history.replaceState(toEntry(place), '', href);
  else history.pushState(toEntry(++place), '', href);
  router.at = read();
  // The pages of a share link share one path.
  if (!options.keepScroll && (location.pathname !== path || toIdentity(router.at) !== page)) {
    scrollTo(0, 0);
    // Screen readers learn of a new page by the focus at its start.
    queueMicrotask(() => document.getElementById('main')?.focus({ preventScroll: true }));
  }
}

/** Links inside the page do not reload it; a modifier key or another target still opens them elsewhere. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  const under = basePath();
  if (!link.pathname.startsWith(under)) return;
  const path = link.pathname.slice(under.length);
  // Rendered by the server, not by the page.
  if (path.startsWith('/docs') || path.startsWith('/api/') || path.startsWith('/sdk/') || path.startsWith('/assets/')) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
