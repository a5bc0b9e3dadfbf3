// State shared by the parts of the dashboard: the state in the address, the answers, and changes of either. One per page, passed down by
// context.

import { getContext, setContext } from 'svelte';
import { api, ApiError } from '../api/client';
import { follow } from '../api/tail';
import type { Scope } from '../api/request';
import type { AnsweredPeriod, ChangesAnswer, DashboardAnswer, Deploy, FieldInfo, PanelName, Panels, Project, SavedView } from '../api/types';
import { MINUTE, timeFormats, toMs, viewersZone, zoneOr } from '../format/time';
import * as filter from '../filter/text';
import { toHref, type PageName } from '../router/address';
import { go, router } from '../router/router.svelte';
import { toCut, type Cut, type Span } from '../shapes/series-chart/data';
import { questionOf, toCalls, toMissing } from './calls';
import { sameDeploys, toMarks } from './deploys';
import { fitsInDay, rememberHint } from './firstLook';
import { MOST_OUTAGES, toOutages } from './outages';
import { lockAt, subjectOf, type Place } from './places';
import { pause, refreshEvery, SERIES_OFF, toInstant, toParameters, toQuestion, toState, USUAL, type DashboardState } from './state';
import { isGiven, withoutOwn, type Subject } from './subject';
import { toWrong } from './wrong';

const KEY = Symbol('board');
/** Projects for which a period was chosen while this page has been open. */
// eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing is drawn from it
const chosen = new Set<string>();
const CHANGES_EVERY = 5 * MINUTE;
/** Milliseconds for which the cards wait at first for the numbers, and then for the content above them. */
const REVEAL_WITHIN = 300;
/** A request is accepted some milliseconds before it can be read. An empty page that hears of its first request refreshes up to `looks` times,
 * `every` milliseconds apart, before it shows zeros. */
const BETWEEN = { looks: 5, every: 150 };
/** Milliseconds after a click during which movement on the page surprises nobody. */
const EXPECTED = 450;

export class Board {
  readonly scope: Scope;
  readonly place: Place;
  readonly #page: PageName = router.at.page.name;
  #last: DashboardState = USUAL;
  readonly #namesPeriod = ['period', 'from', 'to'].some((name) => router.at.parameters.has(name));

  project = $state.raw<Project | null>(null);
  panels = $state.raw<Partial<Panels>>({});
  period = $state.raw<AnsweredPeriod | null>(null);
  /** The period of equal length before it; null if nothing is compared. */
  previous = $state.raw<DashboardAnswer['previous']>(null);
  /** The last error; the numbers shown are then older ones. */
  error = $state.raw<ApiError | null>(null);
  /** The project cannot be shown: nothing else is worth showing. */
  closed = $state.raw<ApiError | null>(null);
  /** The numbers shown belong to another query. */
  stale = $state(false);
  loading = $state(false);
  /** Grows with each refresh that no change of the viewer's caused. */
  looks = $state(0);
  now = $state(Date.now());
  /** The numbers at the top are visible: the content below is drawn a frame later. */
  topSeen = $state(false);
  fields = $state.raw<FieldInfo[]>([]);
  /** Outages of the project's monitors, marked on every chart. */
  outages = $state.raw<Span[]>([]);
  #outagesAt = 0;
  #deploysTurn = 0;
  /** Deploys of the period, the latest first. */
  deploys = $state.raw<Deploy[]>([]);
  /** Saved views of the project; null before they are loaded, and for viewers who may not see them. */
  views = $state.raw<SavedView[] | null>(null);
  /** Changes against the period before; null if nothing is compared, or before they are known. */
  changes = $state.raw<ChangesAnswer | null>(null);
  /** The changes belong to another query. */
  changesStale = $state(false);
  /** The cards are visible: the changes are known, and shown above them if there are any, or they take too long. */
  revealed = $state(false);
  /** The changes came after the cards were visible: they wait behind a button, so that nothing moves. */
  changesLate = $state(false);
  #revealing: ReturnType<typeof setTimeout> | undefined;
  /** When the viewer last changed what is shown: for a moment they expect movement. */
  #changedAt = 0;
  #changesOf = '';
  #changesAt = 0;
  #changesAbort: AbortController | null = null;

  /** The last state while another page takes over, whose address says nothing about this one. */
  readonly state: DashboardState = $derived.by(() => {
    const { page, parameters } = router.at;
    const { project: _, ...fixed }: Record<string, string> = { view: '', ...this.place.fixed };
    const ours =
      page.name === this.#page && (page.project ?? parameters.get('project') ?? '') === (this.scope.project ?? '') &&
      Object.entries(fixed).every(([name, value]) => (parameters.get(name) ?? '') === value);
    if (ours) this.#last = toState(parameters);
    return this.#last;
  });
  /** The server reports an unknown zone in the address; until it is corrected the viewer's own is used. */
  readonly zone = $derived(zoneOr(this.state.tz) ?? viewersZone);
  readonly time = $derived(timeFormats(undefined, this.zone));
  /** As the charts draw them. */
  readonly marks = $derived(toMarks(this.deploys, this.time));
  /** Signed in to the project, not a guest. */
  readonly signedIn = $derived(this.project?.access === 'owner' || this.project?.access === 'dashboard');
  readonly owner = $derived(this.project?.access === 'owner');
  /** Whether this viewer is shown who called: each consumer is a user id or an address. */
  readonly showsConsumers = $derived(!!this.project && this.project.shows.consumers && this.project.shows.addresses);
  /** Errors of lists that could not be loaded. */
  listErrors = $state.raw<Partial<Record<PanelName, ApiError>>>({});
  /** The parameter of the address that the server rejects. */
  readonly wrong = $derived.by(() => {
    const error = this.error ?? Object.values(this.listErrors)[0];
    return error ? toWrong(error) : null;
  });
  /** The filter's error is shown beside it. */
  readonly filterError = $derived(this.wrong?.parameter === 'q' ? this.wrong.message : '');
  /** Position of the error in the filter, counted in Unicode characters. */
  readonly filterErrorAt = $derived(this.filterError ? (this.error?.offset ?? null) : null);
  readonly first = $derived(this.period === null);

  /** The query that each shown panel answers. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing is drawn from it
  readonly #answered = new Map<PanelName, string>();
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends following; null while not following. */
  #unfollow: (() => void) | null = null;
  /** The query being followed. */
  #followed = '';
  /** The server reports new requests by itself. */
  #told = false;
  /** Requests have come since the numbers were loaded. */
  #fresh = false;
  #askedAt = 0;
  #tookMs = 0;
  /** Refreshes that found the first request accepted but not yet readable. */
  #between = 0;

  constructor(scope: Scope, place: Place) {
    this.scope = scope;
    this.place = place;
    this.revealed = !!place.panels || !!place.subject;
  }

  // ---- the state and its address

  href(change: Partial<DashboardState>): string {
    return this.hrefAt(this.place, change);
  }

  /** The same view on another page. */
  hrefAt({ path, fixed }: Place, change: Partial<DashboardState> = {}): string {
    return toHref(path, { ...fixed, ...toParameters({ ...this.state, ...change }) });
  }

  /** The page of one endpoint or consumer, with the same period and the rest of the filter. */
  hrefOf(subject: Subject): string {
    return this.hrefAt(subjectOf(this.scope, subject), { q: withoutOwn(this.state.q, subject.kind), tabs: {}, open: [], sort: '' });
  }

  /** The page's subject, as a filter. */
  get lock() {
    return lockAt(this.place);
  }

  /** Whether the page only shows requests with this value. */
  isLocked(field: string, written: string): boolean {
    const { subject } = this.place;
    return !!subject && isGiven(subject, field, filter.unquote(written));
  }

  /** The parameters of every call about hits. */
  get question() {
    return toQuestion(this.state, viewersZone, this.lock);
  }

  change(change: Partial<DashboardState>, replace = false) {
    if (!replace) rememberHint();
    if (change.period !== undefined) chosen.add(this.scope.project ?? '');
    go(this.href(change), { replace, keepScroll: true });
  }

  tab(name: string, value: string) {
    const { [name]: _, ...others } = this.state.tabs;
    this.change({ tabs: value === '' ? others : { ...others, [name]: value } }, true);
  }

  /** A click on a value; `exclude` with Alt. `written`: in the filter's syntax. */
  pick(field: string, written: string, exclude = false) {
    this.change({ q: filter.toggle(this.state.q, field, [written], exclude) });
  }

  has(field: string, written: string): boolean {
    return filter.has(this.state.q, field, written);
  }

  zoom(from: number, to: number) {
    this.change({ period: '', from: toInstant(from), to: toInstant(to) });
  }

  /** Which outermost buckets of a series are incomplete. */
  cut(edges: readonly number[]): Cut {
    if (!this.period) return { first: false, last: false };
    const { first, last } = toCut(edges, Date.parse(this.period.from), Date.parse(this.period.to));
    // All time begins with the first request: nothing before it is cut off.
    return { first: first && this.state.period !== 'all', last };
  }

  /** Shows an error in a list's part of the address like one of the page's. */
  sayOfList(panel: PanelName, error: ApiError | null) {
    const said = error?.status === 400 ? error : undefined;
    if (this.listErrors[panel] === said) return;
    const { [panel]: _, ...others } = this.listErrors;
    this.listErrors = said ? { ...others, [panel]: said } : others;
  }

  isOpen(panel: PanelName): boolean {
    return this.state.open.includes(panel);
  }

  /** Shows all the rows of a list, or the first ones again. */
  unfold(panel: PanelName) {
    const { open } = this.state;
    this.change({ open: open.includes(panel) ? open.filter((other) => other !== panel) : [...open, panel] }, true);
  }

  /** Names of the series that a card does not draw. */
  off(card: string): string[] {
    return (this.state.tabs[`${card}_${SERIES_OFF}`] ?? '').split(',').filter(Boolean);
  }

  switchOff(card: string, names: readonly string[]) {
    this.tab(`${card}_${SERIES_OFF}`, names.join(','));
  }

  // ---- asking

  /** `again`: loads everything again, though the query is the same. */
  async load(again = false) {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    if (!again) this.#changedAt = Date.now();
    this.#holdCards();
    const wanted = toCalls(this.state, viewersZone, this.place);
    const calls = again ? wanted : wanted.flatMap((call) => toMissing(call, this.#answered));
    // Unfolding one card does not dim the others.
    this.stale = !again && !this.first && calls.some((call) => call.panels.length > 1);
    this.loading = calls.length > 0;
    this.#fresh = false;
    const began = (this.#askedAt = performance.now());
    try {
      const asked = again || !this.project ? api.project(this.scope, abort.signal) : Promise.resolve(this.project);
      // At first its name and limits need not wait for the numbers; later both change at once, or they would contradict each other.
      if (!this.project) void asked.then((told) => { if (!abort.signal.aborted) this.project ??= told; }, () => undefined);
      const [project, ...answers] = await Promise.all([
        asked,
        ...calls.map((call) => api.dashboard(this.scope, call.parameters, abort.signal)),
      ]);
      if (abort.signal.aborted) return;
      const isBetween = this.empty && project.last_hits_at !== null && (answers[0]?.panels.requests?.value ?? 0) === 0;
      if (isBetween && this.#between < BETWEEN.looks) return void this.#between++;
      this.project = project;
      const activity = answers[0]?.panels.activity;
      if (this.first && !this.place.subject && !this.#namesPeriod && !chosen.has(this.scope.project ?? '') && activity && fitsInDay(toMs(project.created_at), activity, Date.now())) {
        return this.change({ period: '24h' }, true);
      }
      const panels = { ...this.panels };
      answers.forEach((answer, i) => {
        const call = calls[i];
        if (!call) return;
        Object.assign(panels, answer.panels);
        for (const panel of call.panels) this.#answered.set(panel, questionOf(call));
        if (i === 0 || !this.period) {
          this.period = answer.period;
          this.previous = answer.previous;
        }
      });
      this.panels = panels;
      if (calls.length > 0) this.#tookMs = Math.min(performance.now() - began, 2 * (this.#tookMs || 50));
      this.error = null;
      this.stale = false;
      if (calls.length) {
        this.#holdCards();
        void this.loadDeploys();
        void this.loadChanges();
      }
      if (!this.topSeen) void nextFrame().then(() => (this.topSeen = true));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'broken', `The answer could not be read: ${String(error)}`);
      if ([401, 404].includes(this.error.status) || (this.error.status === 403 && this.error.code !== 'hidden_field')) this.closed = this.error;
    } finally {
      if (this.#abort === abort) {
        this.loading = false;
        this.now = Date.now();
        this.#schedule();
      }
    }
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
    if (this.#changesAbort) this.#changesOf = '';
    this.#changesAbort?.abort();
    this.#changesAbort = null;
    this.#stopFollowing();
  }

  /** Matching requests have come: the numbers are loaded again, after a pause for the server. */
  heard() {
    this.#fresh = true;
    if (!this.loading) this.#schedule();
  }

  /** Whether the server should report new requests; false if another part of the page passes them on (`heard`). */
  follows = true;

  /** Follows the shown query if its period is open. */
  follow() {
    const moves = !this.closed && !this.wrong && this.project !== null && refreshEvery(this.state, Date.now()) !== null;
    const followed = moves && this.follows && !document.hidden ? JSON.stringify(this.question.q ?? '') : '';
    if (followed === this.#followed) return;
    this.#stopFollowing();
    this.#followed = followed;
    if (!followed) return;
    this.#unfollow = follow(this.scope, { hits: 'none', q: this.question.q ?? '' }, {
      onkept: () => this.heard(),
      onchange: (connected) => {
        if (connected === this.#told) return;
        this.#told = connected;
        // Nobody was told of hits between the last call and the connection.
        if (connected) this.heard();
        else if (!this.loading) this.#schedule();
      },
    });
  }

  #stopFollowing() {
    this.#unfollow?.();
    this.#unfollow = null;
    this.#followed = '';
    this.#told = false;
  }

  /** Schedules the next refresh, if one makes sense. A hidden page does not refresh. */
  #schedule() {
    clearTimeout(this.#timer);
    this.follow();
    if (this.closed || document.hidden || this.wrong) return;
    const every = this.empty ? 2000 : refreshEvery(this.state, Date.now());
    if (every === null && !this.error) return;
    const rested = this.#askedAt + pause(this.#tookMs) - performance.now();
    // If the server reports new requests, it only refreshes because the period moves on.
    const usual = this.#between > 0 && this.empty && !this.error ? BETWEEN.every : this.#fresh && !this.error ? Math.max(rested, 0) : this.#told && !this.error && !this.empty ? Math.max(every ?? 0, 60_000) : (every ?? 10_000);
    const wait = Math.max(usual, (this.error?.retryAfter ?? 0) * 1000);
    this.#timer = setTimeout(() => {
      this.looks++;
      void this.load(true);
    }, wait);
  }

  /** No hit has ever come. */
  readonly empty = $derived(this.project !== null && this.project.last_hits_at === null && (this.panels.requests?.value ?? 0) === 0);

  /** Loads outages, for viewers who may see monitors; after the numbers, and not with each refresh. */
  async loadOutages() {
    const { project, now } = this;
    if (!project || !this.signedIn || now - this.#outagesAt < MINUTE) return;
    this.#outagesAt = now;
    try {
      const { incidents } = await api.incidents(this.scope, { limit: MOST_OUTAGES });
      this.outages = toOutages(incidents, project.project_id, now);
    } catch {
      // The numbers work without them; they are loaded again in a minute.
    }
  }

  /** Activity and latency of the period before, bucket by bucket; empty if nothing is compared. */
  before = $state.raw<Partial<Panels>>({});
  #beforeOf = '';

  /** Loaded after the numbers, and again only when the buckets move on. */
  async loadBefore() {
    const [from, to] = [this.period?.edges[0], this.period?.edges.at(-1)];
    const { q, tz, compare } = this.question;
    if (!compare || from === undefined || to === undefined) {
      this.#beforeOf = '';
      this.before = {};
      return;
    }
    const question = { from: toInstant(2 * from - to), to: toInstant(from), tz, q };
    const asked = JSON.stringify(question);
    if (asked === this.#beforeOf) return;
    this.#beforeOf = asked;
    this.before = {};
    try {
      const { panels } = await api.dashboard(this.scope, { ...question, panels: 'activity,latency_over_time' });
      if (this.#beforeOf === asked) this.before = panels;
    } catch {
      // The numbers work without it; it is loaded again with the next buckets.
    }
  }

  /** With each answer, so that a new deploy is marked as soon as its requests are drawn. */
  async loadDeploys() {
    const from = this.period?.edges[0];
    if (from === undefined) return;
    try {
      const turn = ++this.#deploysTurn;
      const { deploys } = await api.deploys(this.scope, { from: toInstant(from) });
      // A later answer is more recent.
      if (turn === this.#deploysTurn && !sameDeploys(this.deploys, deploys)) this.deploys = deploys;
    } catch {
      // The numbers work without them; they are loaded again with the next ones.
    }
  }

  /** Loaded after the numbers. For an open period they change slowly, so they are loaded again after some minutes. */
  async loadChanges() {
    if (this.place.panels || this.place.subject) return;
    const { question } = this;
    const asked = question['compare'] === undefined || this.empty ? '' : JSON.stringify(question);
    const isNew = asked !== this.#changesOf;
    if (!isNew && (asked === '' || Date.now() - this.#changesAt < CHANGES_EVERY)) return this.#reveal();
    this.#changesAbort?.abort();
    const abort = (this.#changesAbort = new AbortController());
    [this.#changesOf, this.#changesAt, this.changesStale] = [asked, Date.now(), isNew];
    let changes: ChangesAnswer | null = null;
    try {
      if (asked !== '') changes = await api.changes(this.scope, question, abort.signal);
    } catch {
      // The changes of another question would be wrong here. They are asked for again with the next numbers.
      this.#changesOf = '';
      if (!isNew) changes = this.changes;
    }
    if (abort.signal.aborted) return;
    this.#changesAbort = null;
    const isShown = (this.changes?.rows.length ?? 0) > 0 && !this.changesLate;
    this.changesLate = !!changes?.rows.length && !isShown && this.revealed && Date.now() - this.#changedAt > EXPECTED;
    [this.changes, this.changesStale] = [changes, false];
    this.#reveal();
  }

  /** Waits for the numbers, and then as long again for the changes. */
  #holdCards() {
    clearTimeout(this.#revealing);
    if (!this.revealed) this.#revealing = setTimeout(() => this.#reveal(), REVEAL_WITHIN);
  }

  #reveal() {
    clearTimeout(this.#revealing);
    this.revealed = true;
  }

  /** Runs again when the menu opens, for views that were saved elsewhere. */
  async loadViews() {
    if (!this.signedIn) return;
    try {
      this.views = (await api.views(this.scope)).views;
    } catch {
      // The page works without them; opening the menu retries.
    }
  }

  async loadFields() {
    if (this.fields.length) return;
    try {
      this.fields = (await api.fields(this.scope)).fields;
    } catch {
      // Nothing depends on it; it is tried again at the next focus, or when a request is opened.
    }
  }

  /** Consumers in the shown requests with exactly this id. */
  async consumersCalled(id: string): Promise<string[]> {
    try {
      const found = await api.values(this.scope, 'consumer', { ...this.question, compare: undefined, q: filter.both(`consumer:${filter.quote(id)}`, this.lock), limit: 2 });
      return found.values.map(({ value }) => value);
    } catch {
      // Not shown to this viewer, or not available now: then there is no such consumer for them.
      return [];
    }
  }

  /** Values of a field within the requests of `question`, for completion. */
  async values(question: Board['question'], field: string, prefix: string, signal: AbortSignal) {
    // The condition being edited must not hide its own alternatives.
    const q = filter.both(filter.join(filter.split(this.state.q).filter((c) => c.field !== field)), this.lock);
    return (await api.values(this.scope, field, { ...question, compare: undefined, q, prefix, limit: field === 'country' ? 200 : 20 }, signal)).values;
  }
}

/** A hidden page has no frames. */
const nextFrame = () => new Promise<void>((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 100);
});

export const provideBoard = (board: Board) => setContext(KEY, board);
export const useBoard = () => getContext<Board>(KEY);
