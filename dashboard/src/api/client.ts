// Every call of the page to its server; nothing else here speaks HTTP. The browser sends a session's cookie by itself; a share link's token
// is sent in a header and kept in memory only; the demo needs neither.
//
// No caching and no retries: `dashboard/board.svelte.ts` decides when to ask again. Answers requested by `before.ts` are taken once.

import { takeAhead } from './ahead';
import { address, toRequest, type Parameters, type Scope } from './request';
import type {
  Channel,
  ChannelChange,
  ChannelTest,
  ChangesAnswer,
  CheckedNow,
  ChecksPage,
  CreatedChannel,
  CreatedKey,
  CreatedShareLink,
  DashboardAnswer,
  DeliveriesPage,
  Deploy,
  DeployEffect,
  Erased,
  ErrorAnswer,
  FieldInfo,
  FieldValue,
  Hit,
  HitsPage,
  IncidentChange,
  IncidentDetail,
  IncidentsPage,
  IngestHealth,
  Key,
  ListName,
  ListPage,
  MaintenanceChange,
  MaintenanceTimes,
  MaintenanceWindow,
  Monitor,
  MonitorChange,
  MonitorHistory,
  NewProject,
  NewShareLink,
  Project,
  ProjectChange,
  ProjectSummary,
  ReadyMade,
  Rule,
  RuleChange,
  ServerInfo,
  RouteDecision,
  RouteTemplate,
  SavedView,
  SavedViewChange,
  ShareLink,
  StatusPage,
  StatusPageChange,
  SubscribersPage,
} from './types';

/** An error from the server, or of the connection to it. `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds to wait before the next try, if the server gave them. */
    readonly retryAfter: number | null = null,
    /** Position of the error in the filter, in characters. */
    readonly offset: number | null = null,
  ) {
    super(message);
  }
}

interface Options {
  scope?: Scope | undefined;
  parameters?: Parameters | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

async function call<Answer>(method: string, path: string, options: Options = {}): Promise<Answer> {
  const response = await ask(method, path, options);
  if (response.status === 204) return undefined as Answer;
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}

async function file(path: string, options: Options): Promise<Blob> {
  return (await ask('GET', path, options)).blob();
}

async function ask(method: string, path: string, options: Options): Promise<Response> {
  let response: Response;
  try {
    const where = address(path, options.scope, options.parameters);
    const ahead = method === 'GET' ? takeAhead(where) : undefined;
    if (ahead) response = await ahead;
    else {
      const { headers, ...request } = toRequest(options.scope);
      const body = options.body === undefined ? null : JSON.stringify(options.body);
      if (body !== null) headers['content-type'] = 'application/json';
      response = await fetch(where, { ...request, headers, method, body, signal: options.signal ?? null });
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
  }
  if (!response.ok) throw await toError(response);
  return response;
}

async function toError(response: Response): Promise<ApiError> {
  const wait = Number(response.headers.get('retry-after') ?? NaN);
  const retryAfter = Number.isFinite(wait) ? wait : null;
  try {
    const body = (await response.json()) as Partial<ErrorAnswer>;
    return new ApiError(response.status, body.code ?? 'unknown', body.message ?? response.statusText, retryAfter, body.offset ?? null);
  } catch {
    // A proxy's page, not ours.
    return new ApiError(response.status, 'unknown', `The server answered ${response.status}.`, retryAfter);
  }
}

const part = encodeURIComponent;

export const api = {
  server: () => call<ServerInfo>('GET', 'server'),

  signIn: (secret: { key: string } | { dashboard_id: string }) =>
    call<{ projects: ProjectSummary[] }>('POST', 'session', { body: secret }),
  /** Without a project: of all. */
  signOut: (project?: string) => call<undefined>('DELETE', 'session', { scope: project ? { project } : {} }),

  projects: (signal?: AbortSignal) => call<{ projects: ProjectSummary[] }>('GET', 'projects', { signal }),
  createProject: (name?: string) => call<NewProject>('POST', 'projects', { body: name ? { name } : {} }),
  project: (scope: Scope, signal?: AbortSignal) => call<Project>('GET', 'project', { scope, signal }),
  changeProject: (scope: Scope, change: ProjectChange) => call<Project>('PATCH', 'project', { scope, body: change }),
  deleteProject: (scope: Scope) => call<Erased>('DELETE', 'project', { scope }),
  newDashboardId: (scope: Scope) => call<{ dashboard_id: string }>('POST', 'project/dashboard-id', { scope }),

  keys: (scope: Scope) => call<{ keys: Key[] }>('GET', 'keys', { scope }),
  createKey: (scope: Scope, can: Key['can']) => call<CreatedKey>('POST', 'keys', { scope, body: { can } }),
  revokeKey: (scope: Scope, id: number) => call<undefined>('DELETE', `keys/${id}`, { scope }),

  shareLinks: (scope: Scope) => call<{ share_links: ShareLink[] }>('GET', 'share-links', { scope }),
  createShareLink: (scope: Scope, link: NewShareLink) =>
    call<CreatedShareLink>('POST', 'share-links', { scope, body: link }),
  deleteShareLink: (scope: Scope, id: number) => call<undefined>('DELETE', `share-links/${id}`, { scope }),

  routes: (scope: Scope) => call<{ routes: RouteTemplate[] }>('GET', 'routes', { scope }),
  decideRoute: (scope: Scope, decision: RouteDecision) =>
    call<{ routes: RouteTemplate[] }>('PUT', 'routes', { scope, body: decision }),

  /** An address to download from, for a session: a link cannot carry a header. */
  consumerDownload: (scope: Scope, id: string, format: 'ndjson' | 'csv') =>
    address(`consumers/${part(id)}`, scope, { format }),
  eraseConsumer: (scope: Scope, id: string) =>
    call<Erased>('DELETE', `consumers/${part(id)}`, { scope }),

  ingestHealth: (scope: Scope, signal?: AbortSignal) => call<IngestHealth>('GET', 'ingest-health', { scope, signal }),

  /** `uptime` false: without uptime, which is most of the answer and changes slowly. */
  monitors: (scope: Scope, parameters: Parameters = {}, signal?: AbortSignal) => call<{ monitors: Monitor[] }>('GET', 'monitors', { scope, parameters, signal }),
  monitor: (scope: Scope, id: number, signal?: AbortSignal) => call<Monitor>('GET', `monitors/${id}`, { scope, signal }),
  createMonitor: (scope: Scope, settings: MonitorChange) => call<Monitor>('POST', 'monitors', { scope, body: settings }),
  changeMonitor: (scope: Scope, id: number, change: MonitorChange) => call<Monitor>('PATCH', `monitors/${id}`, { scope, body: change }),
  deleteMonitor: (scope: Scope, id: number) => call<undefined>('DELETE', `monitors/${id}`, { scope }),
  /** Its result is returned and not stored. */
  checkNow: (scope: Scope, id: number) => call<CheckedNow>('POST', `monitors/${id}/check`, { scope }),
  checks: (scope: Scope, id: number, parameters: Parameters, signal?: AbortSignal) =>
    call<ChecksPage>('GET', `monitors/${id}/checks`, { scope, parameters, signal }),

  monitorHistory: (scope: Scope, id: number, parameters: Parameters, signal?: AbortSignal) =>
    call<MonitorHistory>('GET', `monitors/${id}/history`, { scope, parameters, signal }),

  maintenance: (scope: Scope, signal?: AbortSignal) => call<{ maintenance: MaintenanceWindow[] }>('GET', 'maintenance', { scope, signal }),
  createMaintenance: (scope: Scope, settings: MaintenanceChange) => call<MaintenanceWindow>('POST', 'maintenance', { scope, body: settings }),
  changeMaintenance: (scope: Scope, id: number, change: MaintenanceChange) => call<MaintenanceWindow>('PATCH', `maintenance/${id}`, { scope, body: change }),
  deleteMaintenance: (scope: Scope, id: number) => call<undefined>('DELETE', `maintenance/${id}`, { scope }),
  /** The times at which it would take place; nothing is stored. */
  previewMaintenance: (scope: Scope, settings: MaintenanceChange) => call<MaintenanceTimes>('POST', 'maintenance/preview', { scope, body: settings }),

  statusPage: (scope: Scope) => call<StatusPage>('GET', 'status-page', { scope }),
  changeStatusPage: (scope: Scope, change: StatusPageChange) => call<StatusPage>('PATCH', 'status-page', { scope, body: change }),

  subscribers: (scope: Scope, parameters: Parameters = {}) => call<SubscribersPage>('GET', 'status-page/subscribers', { scope, parameters }),
  deleteSubscriber: (scope: Scope, id: number) => call<undefined>('DELETE', `status-page/subscribers/${id}`, { scope }),

  incidents: (scope: Scope, parameters: Parameters, signal?: AbortSignal) =>
    call<IncidentsPage>('GET', 'incidents', { scope, parameters, signal }),
  incident: (scope: Scope, id: string, signal?: AbortSignal) =>
    call<IncidentDetail>('GET', `incidents/${part(id)}`, { scope, signal }),
  changeIncident: (scope: Scope, id: string, change: IncidentChange) =>
    call<IncidentDetail>('PATCH', `incidents/${part(id)}`, { scope, body: change }),

  rules: (scope: Scope, signal?: AbortSignal) => call<{ rules: Rule[]; ready_made: ReadyMade[] }>('GET', 'rules', { scope, signal }),
  createRule: (scope: Scope, rule: RuleChange) => call<Rule>('POST', 'rules', { scope, body: rule }),
  changeRule: (scope: Scope, id: number, change: RuleChange) => call<Rule>('PATCH', `rules/${id}`, { scope, body: change }),
  deleteRule: (scope: Scope, id: number) => call<undefined>('DELETE', `rules/${id}`, { scope }),

  channels: (scope: Scope, signal?: AbortSignal) => call<{ channels: Channel[] }>('GET', 'channels', { scope, signal }),
  createChannel: (scope: Scope, channel: ChannelChange) => call<CreatedChannel>('POST', 'channels', { scope, body: channel }),
  changeChannel: (scope: Scope, id: number, change: ChannelChange) => call<Channel>('PATCH', `channels/${id}`, { scope, body: change }),
  deleteChannel: (scope: Scope, id: number) => call<undefined>('DELETE', `channels/${id}`, { scope }),
  /** Sends a notice now and returns the service's response. */
  testChannel: (scope: Scope, id: number) => call<ChannelTest>('POST', `channels/${id}/test`, { scope }),
  deliveries: (scope: Scope, id: number, parameters: Parameters, signal?: AbortSignal) =>
    call<DeliveriesPage>('GET', `channels/${id}/deliveries`, { scope, parameters, signal }),

  fields: (scope: Scope) => call<{ fields: FieldInfo[] }>('GET', 'fields', { scope }),
  values: (scope: Scope, field: string, parameters: Parameters, signal?: AbortSignal) =>
    call<{ values: FieldValue[] }>('GET', `fields/${part(field)}/values`, { scope, parameters, signal }),
  hits: (scope: Scope, parameters: Parameters, signal?: AbortSignal) =>
    call<HitsPage>('GET', 'hits', { scope, parameters, signal }),
  hit: (scope: Scope, id: string, signal?: AbortSignal) => call<Hit>('GET', `hits/${part(id)}`, { scope, signal }),
  /** All matching requests, as a file. A session or the demo can download it by its address; a share link's token must go into a header. */
  hitsDownload: (scope: Scope, parameters: Parameters, format: 'ndjson' | 'csv') =>
    address('hits', scope, { ...parameters, format }),
  hitsFile: (scope: Scope, parameters: Parameters, format: 'ndjson' | 'csv') =>
    file('hits', { scope, parameters: { ...parameters, format } }),
  list: <Row>(scope: Scope, panel: ListName, parameters: Parameters, signal?: AbortSignal) =>
    call<ListPage<Row>>('GET', `lists/${panel}`, { scope, parameters, signal }),
  listDownload: (scope: Scope, panel: ListName, parameters: Parameters, format: 'ndjson' | 'csv') =>
    address(`lists/${panel}`, scope, { ...parameters, format }),
  listFile: (scope: Scope, panel: ListName, parameters: Parameters, format: 'ndjson' | 'csv') =>
    file(`lists/${panel}`, { scope, parameters: { ...parameters, format } }),
  changes: (scope: Scope, parameters: Parameters, signal?: AbortSignal) => call<ChangesAnswer>('GET', 'changes', { scope, parameters, signal }),
  deploys: (scope: Scope, parameters: Parameters, signal?: AbortSignal) => call<{ deploys: Deploy[] }>('GET', 'deploys', { scope, parameters, signal }),
  deployEffect: (scope: Scope, id: number, signal?: AbortSignal) => call<DeployEffect>('GET', `deploys/${id}/effect`, { scope, signal }),
  deleteDeploy: (scope: Scope, id: number) => call<undefined>('DELETE', `deploys/${id}`, { scope }),
  views: (scope: Scope, signal?: AbortSignal) => call<{ views: SavedView[] }>('GET', 'views', { scope, signal }),
  saveView: (scope: Scope, view: SavedViewChange) => call<SavedView>('POST', 'views', { scope, body: view }),
  changeView: (scope: Scope, id: number, change: SavedViewChange) => call<SavedView>('PATCH', `views/${id}`, { scope, body: change }),
  deleteView: (scope: Scope, id: number) => call<undefined>('DELETE', `views/${id}`, { scope }),
  dashboard: (scope: Scope, parameters: Parameters, signal?: AbortSignal) =>
    call<DashboardAnswer>('GET', 'dashboard', { scope, parameters, signal }),
};
