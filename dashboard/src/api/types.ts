// The shapes of `/api/v1`, as the server answers them. Times are RFC 3339 texts in UTC unless the name says `_ms`; rates run from
// 0 to 1; a null is "there is nothing to say", never 0. Written by hand beside the contract: nothing else in the page knows JSON.

export type Access = 'owner' | 'dashboard' | 'view' | 'demo';

export interface ServerInfo {
  version: string;
  registration_open: boolean;
  demo: boolean;
  base_url: string;
  clients: { language: string; file: string }[];
}

export interface ProjectSummary {
  project_id: string;
  name: string;
  access: 'owner' | 'dashboard';
  /** Over the last 24 hours. */
  requests: number;
  errors: number;
  previous_requests: number;
  p95_ms: number | null;
  last_hit_at: string | null;
  /** Requests of the last 24 hours, an hour each. */
  series: number[];
}

export interface NewProject {
  project_id: string;
  key: string;
  dashboard_id: string;
}

export interface Project {
  project_id: string;
  name: string;
  access: Access;
  created_at: string;
  tz: string;
  privacy_level: 0 | 1 | 2;
  keep_hits_days: number | null;
  apdex_ms: number;
  success_amber: number;
  success_red: number;
  dashboard_id: string | null;
  last_hits_at: string | null;
  inactive: boolean;
  erased_after: string | null;
  /** A share link's filter, which its viewer cannot take off; else "". */
  locked_q: string;
  shows: { addresses: boolean; consumers: boolean; hits: boolean };
}

export type ProjectChange = Partial<
  Pick<Project, 'name' | 'tz' | 'privacy_level' | 'keep_hits_days' | 'apdex_ms' | 'success_amber' | 'success_red'>
>;

export interface Key {
  id: string;
  prefix: string;
  can: 'everything' | 'ingest';
  created_at: string;
  last_used_at: string | null;
}

export interface ShareLink {
  id: string;
  name: string;
  q: string;
  addresses: boolean;
  consumers: boolean;
  hits: boolean;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface NewShareLink {
  name?: string;
  q?: string;
  addresses?: boolean;
  consumers?: boolean;
  hits?: boolean;
  expires_at?: string;
}

export type FieldKind = 'text' | 'number' | 'duration' | 'size' | 'country' | 'status';

export interface FieldInfo {
  name: string;
  aliases: string[];
  kind: FieldKind;
  doc: string;
  /** Its values can be listed. */
  counted: boolean;
}

export interface FieldValue {
  value: string;
  requests: number;
}

// ---- the dashboard call

export interface AnsweredPeriod {
  from: string;
  to: string;
  step: string;
  tz: string;
  /** Unix milliseconds, one more than there are buckets: bucket i is [edges[i], edges[i + 1]). */
  edges: number[];
  /** The last bucket is not over. */
  partial: boolean;
}

export type Numbers = (number | null)[];

export interface StatAnswer {
  value: number | null;
  previous: number | null;
  series: Numbers;
}

export interface SeriesAnswer<Name extends string = string> {
  edges: number[];
  series: Record<Name, Numbers>;
}

export interface HistogramBucket {
  from_ms: number;
  to_ms: number;
  requests: number;
}

export interface LatencyAnswer {
  requests: number;
  p50_ms: number | null;
  p75_ms: number | null;
  p90_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  p999_ms: number | null;
  mean_ms: number | null;
  apdex: number | null;
  apdex_ms: number;
  histogram: HistogramBucket[];
  previous: Record<'p50_ms' | 'p95_ms' | 'p99_ms' | 'mean_ms' | 'apdex', number | null> | null;
}

export interface EndpointRow {
  method: string;
  route: string;
  requests: number;
  client_errors: number;
  server_errors: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  last_seen: string | null;
}

export interface ConsumerRow {
  /** `u:ID`, `a:ADDRESS`, or "" for nobody known. */
  key: string;
  user: string;
  address: string;
  country: string;
  requests: number;
  client_errors: number;
  server_errors: number;
  p95_ms: number | null;
  last_seen: string | null;
}

export interface BreakdownRow {
  /** "" is none or unknown. */
  key: string;
  requests: number;
  errors?: number;
}

export interface Rows<Row> {
  rows: Row[];
  total_rows: number;
  /** The share link does not show who they are. */
  hidden?: boolean;
}

export interface TrafficRow {
  method: string;
  route: string;
  requests: number;
  request_bytes: number;
  response_bytes: number;
}

export interface TrafficAnswer extends SeriesAnswer<'request_bytes' | 'response_bytes'> {
  request_bytes: number;
  response_bytes: number;
  /** Hits that carry a size. */
  sized: number;
  rows: TrafficRow[];
}

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

export type StatName = 'requests' | 'success_rate' | 'client_errors' | 'server_errors' | 'consumers';

export type ActivityName = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'consumers' | 'success_rate';

export type Panels = Record<StatName, StatAnswer> &
  Record<BreakdownName, Rows<BreakdownRow>> & {
    latency: LatencyAnswer;
    latency_over_time: SeriesAnswer<'p50_ms' | 'p95_ms' | 'p99_ms'>;
    activity: SeriesAnswer<ActivityName>;
    endpoints: Rows<EndpointRow>;
    hours: { cells: number[][] };
    top_consumers: Rows<ConsumerRow>;
    traffic: TrafficAnswer;
  };

export type PanelName = keyof Panels;

export interface DashboardAnswer {
  period: AnsweredPeriod;
  previous: { from: string; to: string } | null;
  /** Those that were asked for. */
  panels: Partial<Panels>;
}

// ---- ingest health

export interface IngestSource {
  sdk: string;
  framework: string;
  host: string;
  first_at: string;
  last_at: string;
  batches: number;
  accepted: number;
  rejected: number;
  /** Hits that the client itself had to drop. */
  dropped: number;
  clock_skew_ms: number | null;
  naive_times: boolean;
}

export interface IngestHealth {
  since: string;
  last_batch_at: string | null;
  sources: IngestSource[];
  rejected: {
    reason: string;
    hits: number;
    last_at: string;
    sample: { index: number; field: string; value: string } | null;
  }[];
  refused: { code: string; posts: number; last_at: string }[];
  repeated: number;
  truncated: number;
  bad_utf8: number;
  invalid_privacy_level: number;
}

/** Answered when no file holds those hits any more. */
export interface Erased {
  erased: number;
  message: string;
}
