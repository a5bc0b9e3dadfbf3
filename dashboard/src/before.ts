// Runs before everything else and blocks the first paint, so it is small: it sets the theme, to avoid a white flash on a dark page, and
// requests the dashboard's data for this address, so that the numbers are on their way while the page is being loaded. `vite.config.ts`
// makes a plain script of it; the page takes the answers by their addresses (`api/ahead.ts`).

import { askAhead } from './api/ahead';
import { address, toRequest } from './api/request';
import { toCalls } from './dashboard/calls';
import { placeAt } from './dashboard/places';
import { toFirstState } from './dashboard/state';
import { rememberedAt } from './dashboard/view';
import { viewersZone } from './format/time';
import { basePath, toPage } from './router/address';
import { applyTheme, readTheme } from './theme';

applyTheme(readTheme());

function ask() {
  const under = basePath();
  if (!location.pathname.startsWith(under)) return;
  const parameters = new URLSearchParams(location.search);
  const looked = placeAt(toPage(location.pathname.slice(under.length)), parameters);
  if (!looked) return;
  const { scope, place } = looked;
  const request = toRequest(scope);
  askAhead(address('project', scope), request);
  for (const call of toCalls(toFirstState(parameters, rememberedAt(scope.project, place.subject)), viewersZone, place)) {
    askAhead(address('dashboard', scope, call.parameters), request);
  }
  if (!place.panels) loadCards();
}

/** Loads the code of the cards beside the page, at a lower priority: the numbers come first. */
function loadCards() {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="cards"]')) {
    link.fetchPriority = 'low';
    link.crossOrigin = '';
    if (link.href.endsWith('.css')) link.as = 'style';
    link.rel = link.href.endsWith('.css') ? 'preload' : 'modulepreload';
  }
}
ask();
