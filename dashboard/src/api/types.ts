// The types of `/api/v1` under the page's own names. They come from `schema.d.ts`, generated from the server's OpenAPI document, so that a
// change of a handler shows here; types that the document leaves open (one of a few texts, the kind of series) are narrowed here. Times are
// RFC 3339 texts in UTC unless the name says `_ms`, rates are from 0 to 1, and null means "no data", never 0.

import type { components } from './schema';

type Schemas = components['schemas'];

/** The server writes every field, with null for no value; the document calls those optional. */
type Written<T> = T extends readonly (infer Item)[] ? Written<Item>[] : T extends object ? { [Name in keyof T]-?: Written<T[Name]> } : T;
type Answer<Name extends keyof Schemas> = Written<Schemas[Name]>;
/** `T` with some of its fields narrowed. */
type Closer<T, More extends Partial<Record<keyof T, unknown>>> = Omit<T, keyof More> & More;

export type Access = 'owner' | 'dashboard' | 'view' | 'demo';

export type ServerInfo = Answer<'ServerInfo'>;
export type ClientPackage = Answer<'ClientPackage'>;
export type ErrorAnswer = Answer<'ErrorAnswer'>;
export type ProjectSummary = Closer<Answer<'ProjectOverview'>, { access: 'owner' | 'dashboard' }>;
export type NewProject = Answer<'CreatedProject'>;
export type Project = Closer<Answer<'ProjectSettings'>, { access: Access; privacy_level: 0 | 1 | 2 }>;
export type ProjectChange = Partial<Pick<Project, keyof Schemas['SettingsChange']>>;
export type Erased = Answer<'Erased'>;

export type Key = Closer<Answer<'ProjectKey'>, { can: 'everything' | 'ingest' }>;
export type CreatedKey = Closer<Answer<'CreatedKey'>, { can: Key['can'] }>;
export type ShareLink = Answer<'ProjectShareLink'>;
export type CreatedShareLink = Answer<'CreatedShareLink'>;
export type NewShareLink = { [Name in keyof Schemas['NewLink']]?: NonNullable<Schemas['NewLink'][Name]> };

export type RouteTemplate = Closer<Answer<'RouteTemplate'>, { source: 'learned' | 'owner' }>;
export type RouteDecision = Schemas['RouteDecision'];

export type FieldKind = 'text' | 'number' | 'duration' | 'size' | 'country' | 'status';
export type FieldInfo = Closer<Answer<'FieldDescription'>, { kind: FieldKind }>;
export type FieldValue = Answer<'FieldValue'>;

/** One stored request. */
export type Hit = Answer<'ApiHit'>;
export interface HitsPage {
  hits: Hit[];
  /** The cursor of the next page; null at the end. */
  next: string | null;
}

// ---- the dashboard call

export type AnsweredPeriod = Answer<'DashboardPeriod'>;
export type Numbers = (number | null)[];
export type StatAnswer = Answer<'StatAnswer'>;
export type HistogramBucket = Answer<'HistogramBar'>;
export type LatencyAnswer = Answer<'LatencyAnswer'>;
export type EndpointRow = Answer<'EndpointAnswer'>;
export type ConsumerRow = Answer<'ConsumerAnswer'>;
/** `key` "" is none or unknown. */
export type BreakdownRow = Omit<Answer<'BreakdownRow'>, 'errors'> & { errors?: number };
export type TrafficRow = Answer<'TrafficRow'>;

export interface Rows<Row> {
  rows: Row[];
  total_rows: number;
  /** `total_rows` is an estimate. */
  about?: boolean;
  /** A row with up to this many requests may be missing. */
  missing_up_to?: number | null;
  /** The rows' counts may be too low by this many requests. */
  low_by_up_to?: number | null;
  /** The share link does not show their names. */
  hidden?: boolean;
}

export interface SeriesAnswer<Name extends string = string> {
  edges: number[];
  series: Record<Name, Numbers>;
}

export type ActivityName = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'consumers' | 'success_rate';
export type BreakdownName =
  | 'statuses'
  | 'versions'
  | 'countries'
  | 'clients'
  | 'operating_systems'
  | 'devices'
  | 'referrers'
  | 'hosts'
  | 'frameworks'
  | 'sdks';

type WrittenPanels = { [Name in keyof Schemas['DashboardPanels']]-?: Written<NonNullable<Schemas['DashboardPanels'][Name]>> };

export type Panels = Closer<
  WrittenPanels,
  {
    activity: SeriesAnswer<ActivityName>;
    latency_over_time: SeriesAnswer<'p50_ms' | 'p95_ms' | 'p99_ms'>;
    traffic: Closer<WrittenPanels['traffic'], { series: Record<'request_bytes' | 'response_bytes', Numbers> }>;
  }
>;
export type PanelName = keyof Panels;

export interface DashboardAnswer {
  period: AnsweredPeriod;
  previous: { from: string; to: string } | null;
  /** The requested panels. */
  panels: Partial<Panels>;
}

/** Panels that have full lists. */
export type ListName = 'endpoints' | 'top_consumers' | BreakdownName;

export type ListPage<Row> = Omit<Closer<Answer<'ListPage'>, { rows: Row[] }>, 'about' | 'missing_up_to' | 'low_by_up_to'> &
  Pick<Rows<Row>, 'about' | 'missing_up_to' | 'low_by_up_to'>;

// ---- comparisons, and deploys

export type EndpointNumbers = Answer<'EndpointNumbers'>;
export type EndpointChange = Answer<'EndpointChange'>;
export type ConsumerChange = Answer<'ConsumerChange'>;
export type ChangeRow = EndpointChange | ConsumerChange;
export interface ChangesAnswer {
  previous: { from: string; to: string } | null;
  rows: ChangeRow[];
  missing_up_to?: number | null;
}
export type Deploy = Answer<'DeployAnswer'>;
export type SavedView = Answer<'ViewAnswer'>;
export type SavedViewChange = { [Name in keyof Schemas['NewView']]?: NonNullable<Schemas['NewView'][Name]> };
export type DeployEffect = Closer<Answer<'DeployEffect'>, { endpoints: EndpointChange[]; compared: Answer<'ComparedTimes'> | null }>;

export type IngestHealth = Answer<'IngestHealthAnswer'>;

// ---- the status page

export type StatusPage = Answer<'StatusPageAnswer'>;
export type StatusPageChange = { [Name in keyof Schemas['StatusPageChange']]?: Schemas['StatusPageChange'][Name] };
export type Subscriber = Answer<'SubscriberAnswer'>;
export type SubscribersPage = Answer<'SubscriberList'>;
export type Severity = 'minor' | 'major';
export type Stage = 'investigating' | 'identified' | 'monitoring' | 'resolved';

// ---- monitors

export type MonitorKind = Schemas['Kind'];
export type Outcome = 'up' | 'degraded' | 'down' | 'unknown';
export type PhaseTimes = Answer<'PhaseTimes'>;
export type Certificate = Closer<Answer<'ShownCertificate'>, { level: 'fine' | 'warn' | 'critical' | 'not_yet_valid' | 'expired' }>;
export type MonitorCheck = Closer<Answer<'MonitorCheck'>, { outcome: Outcome }>;
export type CheckedNow = Closer<Answer<'CheckedNow'>, { outcome: Outcome; certificate: Certificate | null }>;
export interface ChecksPage {
  /** Newest first. */
  checks: MonitorCheck[];
  /** `before` of the next page; null at the end. */
  next: string | null;
}
/** As in answers: every default is filled in, fields of other kinds are absent. */
export type MonitorSettings = Closer<
  Schemas['MonitorSettings'],
  {
    kind: MonitorKind;
    name: string;
    paused: boolean;
    interval_s: number;
    down_after: number;
    up_after: number;
    /** An answer has null instead of every value; null in a change keeps the value. */
    headers?: Record<string, string | null>;
    json?: JsonRule | null;
  }
>;
export type JsonRule = Closer<Schemas['JsonRule'], { value?: string | number | boolean }>;
/** Null restores the default. */
export type MonitorChange = { [Name in keyof MonitorSettings]?: MonitorSettings[Name] | null };
export type Monitor = Closer<
  Answer<'MonitorAnswer'>,
  { settings: MonitorSettings; state: Outcome | 'maintenance'; last_check: MonitorCheck | null; certificate: Certificate | null }
>;
export type DayBar = Answer<'DayBar'>;
/** In buckets, one fewer than edges. */
export type MonitorHistory = Answer<'MonitorHistory'>;

// ---- maintenance

export type Weekday = Schemas['Weekday'];
export type MaintenanceSchedule = Schemas['Schedule'];
export type MaintenanceTimes = Answer<'MaintenanceTimes'>;
export type MaintenanceWindow = Closer<Answer<'MaintenanceAnswer'>, { schedule: MaintenanceSchedule | null }>;
/** A missing field stays, null restores the default. */
export interface MaintenanceChange {
  title?: string | null;
  text?: string | null;
  monitors?: number[] | null;
  published?: boolean | null;
  schedule?: MaintenanceSchedule;
}

// ---- incidents

export type IncidentCause = 'down' | 'flapping' | 'certificate' | 'rule';
/** The project's requests that failed during it. */
export type Reach = Answer<'Hit'>;
export type Incident = Closer<Answer<'MonitorIncident'>, { cause: IncidentCause; state: 'open' | 'closed'; severity: Severity | null }>;
export interface IncidentsPage {
  /** Newest first. */
  incidents: Incident[];
  /** `before` of the next page; null at the end. */
  next: string | null;
}
export type IncidentTransition = Closer<
  Answer<'IncidentTransition'>,
  {
    change: 'opened' | 'announced' | 'worsened' | 'closed';
    muted: 'maintenance' | 'parent' | 'flapping' | 'unconfirmed' | 'never_told' | 'stopped' | null;
  }
>;
export type DeliveryState = 'waiting' | 'delivered' | 'failed' | 'given_up';
export type NoticeStage = 'opening' | 'update' | 'resolved' | 'digest' | 'test';
export type IncidentNotice = Closer<Answer<'IncidentNotice'>, { stage: NoticeStage; state: DeliveryState }>;
export type IncidentDetail = Closer<Answer<'IncidentAnswer'>, { incident: Incident; transitions: IncidentTransition[]; notices: IncidentNotice[] }>;
/** A missing field stays. */
export interface IncidentChange {
  acknowledged?: boolean;
  note?: string | null;
  /** As visitors of the status page read it; null removes the incident from that page. */
  public_title?: string | null;
  severity?: Severity;
  stage?: Stage;
  update?: string;
}

// ---- rules

export type RuleState = 'ok' | 'pending' | 'firing' | 'paused';
export type RuleSettings = Schemas['RuleSettings'];
export type RuleMetric = Schemas['RuleMetric'];
/** A missing field stays, null restores the default. */
export type RuleChange = { [Name in keyof RuleSettings]?: RuleSettings[Name] | null };
export type Rule = Closer<Answer<'RuleAnswer'>, { state: RuleState }>;
export type ReadyMade = Answer<'ReadyMadeAnswer'>;

// ---- channels

export type ChannelKind = 'webhook' | 'email' | 'slack' | 'discord' | 'telegram' | 'ntfy' | 'pagerduty' | 'teams' | 'gotify' | 'pushover' | 'matrix';
/** A field of a channel's settings; in an answer null is a secret, in a change it keeps the secret's value. */
export type ChannelValue = string | number | boolean | string[] | null;
export type ChannelFields = Record<string, ChannelValue>;
export type Channel = Closer<Answer<'ChannelAnswer'>, { kind: ChannelKind; config: ChannelFields }>;
export interface CreatedChannel {
  channel: Channel;
  /** The signing secret generated for a webhook. */
  secret: string | null;
}
export interface ChannelChange {
  name?: string;
  enabled?: boolean;
  config?: ChannelFields;
  /** Null: notices are sent at any hour. */
  quiet_hours?: Schemas['QuietHours'] | null;
}
export type ChannelTest = Answer<'ChannelTest'>;
export type Delivery = Closer<Answer<'ChannelDelivery'>, { stage: NoticeStage; state: DeliveryState }>;
export interface DeliveriesPage {
  /** Newest first. */
  deliveries: Delivery[];
  next: number | null;
}
