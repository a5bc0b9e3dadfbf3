// Runs before everything else and blocks the first paint, so it is small: it chooses the theme, or a dark page would flash white, and
// asks for what the dashboard at this address will show, so that the numbers are on their way while the page is still being loaded.
// `vite.config.ts` makes a plain script of its own of it; the page takes the answers by their addresses (`api/ahead.ts`).

import { askAhead } from './api/ahead';
import { address, toRequest, type Scope } from './api/request';
import { toCalls } from './dashboard/calls';
import { dashboardOf, requestsOf } from './dashboard/places';
import { toFirstState } from './dashboard/state';
import { rememberedView } from './dashboard/view';
import { viewersZone } from './format/time';
import { basePath, toPage } from './router/address';
import { applyTheme, readTheme } from './theme';

applyTheme(readTheme());

function ask() {
  const under = basePath();
  if (!location.pathname.startsWith(under)) return;
  const page = toPage(location.pathname.slice(under.length));
  const parameters = new URLSearchParams(location.search);
  const project = page.project ?? parameters.get('project') ?? '';
  const isShare = page.name === 'share';
  if (!isShare && (!project || (page.name !== 'dashboard' && page.name !== 'explorer'))) return;
  const scope: Scope = isShare ? { token: page.secret ?? '' } : { project };
  const isRequests = page.name === 'explorer' || parameters.get('view') === 'requests';
  const place = isRequests ? requestsOf(scope) : dashboardOf(scope);
  if (!isRequests) loadCards();
  const request = toRequest(scope);
  askAhead(address('project', scope), request);
  for (const call of toCalls(toFirstState(parameters, rememberedView(scope.project)), viewersZone, place.panels)) {
    askAhead(address('dashboard', scope, call.parameters), request);
  }
}

/** What the cards draw with is loaded beside the page and not after it, but behind it: the numbers come first. */
function loadCards() {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="cards"]')) {
    link.fetchPriority = 'low';
    link.crossOrigin = '';
    if (link.href.endsWith('.css')) link.as = 'style';
    link.rel = link.href.endsWith('.css') ? 'preload' : 'modulepreload';
  }
}
ask();
