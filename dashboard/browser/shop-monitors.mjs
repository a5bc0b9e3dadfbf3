// A shop's monitors in every state, with two days of checks, 90 days of uptime, incidents and channels, for pictures: a test cannot wait
// for days, so these are made-up answers in the server's format.

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
export const HOSTILE = '<img src=x onerror=alert(1)>"\'&{@html} ' + 'and-on-'.repeat(8);

export function shop() {
  const uptime = ['24h', '7d', '30d', '90d', '365d'].map((period, i) => ({ period, percent: ['98.61', '99.31', '99.80', '99.93', null][i], coverage_percent: ['99.1', '100.0', '100.0', '97.2', '24.8'][i], down_ms: [1_200_000, 4_100_000, 5_000_000, 5_400_000, 0][i], degraded_ms: 0 }));
  const certificate = (days, level) => ({ not_before: new Date(Date.now() - 20 * 1440 * MINUTE).toISOString(), not_after: new Date(Date.now() + (days + 0.5) * 1440 * MINUTE).toISOString(), names: ['api.shop.example', '*.api.shop.example'], issuer: "Let's Encrypt, R11", level, problem: null });
  const http = (name, url, more = {}) => ({ kind: 'http', name, paused: false, interval_s: 60, timeout_ms: 10_000, down_after: 3, up_after: 2, address_family: 'any', url, method: 'GET', headers: {}, body: '', expected_statuses: ['2xx'], follow_redirects: true, verify_certificate: true, ...more });
  const list = [
    [http('Orders', 'https://api.shop.example/v1/orders/health'), 'down', history(1, MINUTE, 180, { failing: (m) => (m < 20 || (m > 1500 && m < 1502) ? 'connection_refused' : ''), slow: (m) => m > 200 && m < 320, missing: (m) => m > 700 && m < 760 }), certificate(62, 'fine')],
    [http('Catalogue', 'https://api.shop.example/v1/products?limit=1'), 'up', history(2, MINUTE, 41), certificate(62, 'fine')],
    [http('Search', 'https://api.shop.example/v1/search?q=x', { degraded_above_ms: 500, headers: { authorization: null }, body_contains: '"results"' }), 'degraded', history(3, MINUTE, 130, { slow: (m) => m < 25 }), certificate(62, 'fine')],
    [http('Checkout', 'https://pay.shop.example/health'), 'up', history(4, MINUTE, 88, { failing: (m) => (m === 0 ? 'connection_refused' : '') }), certificate(9, 'warn')],
    [{ kind: 'tcp', name: 'Postgres', paused: false, interval_s: 60, timeout_ms: 10_000, down_after: 3, up_after: 2, address_family: 'any', target: 'db.internal:5432' }, 'up', history(5, MINUTE, 2, { https: false }), null],
    [http(HOSTILE, `https://${'long-label-that-goes-on.'.repeat(5)}example/${'path/'.repeat(30)}`, { paused: true }), 'unknown', history(6, MINUTE, 300).slice(400), certificate(1, 'critical')],
    [{ kind: 'heartbeat', name: 'Nightly export', paused: false, interval_s: 60, down_after: 1, up_after: 1, period_s: 86_400, grace_s: 3600 }, 'up', [], null],
  ];
  const checks = new Map();
  const monitors = list.map(([settings, state, rows, shown], i) => {
    checks.set(i + 1, rows);
    const isHeartbeat = settings.kind === 'heartbeat';
    return {
      id: i + 1, settings, created_at: ago((i === 4 ? 77 : 190) * DAY), state, is_down: state === 'down', since: ago(i === 0 ? 20 * MINUTE : (2 * i + 1.2) * DAY), unconfirmed: settings.name === 'Checkout' ? { results: 1, since: rows[0].at } : null,
      last_check: rows[0] ?? null, next_check_at: null, certificate: shown, uptime, bars: days(i), heartbeat_url: null, file_entry: i === 4 ? 'postgres' : null,
      signals: isHeartbeat ? { started_at: new Date(Date.now() - 260 * MINUTE).toISOString(), succeeded_at: new Date(Date.now() - 252 * MINUTE).toISOString(), failed_at: null, took_ms: 480_000 } : null,
    };
  });
  return { monitors, checks, uptime };
}

const ago = (ms) => new Date(Date.now() - ms).toISOString();

/** 90 days of the monitor at this place of the list: good except for a day or two, one that is new, one that was not monitored for a
 * while. */
function days(place) {
  const today = Math.floor(Date.now() / DAY) * DAY;
  return Array.from({ length: 90 }, (_, i) => {
    const start = today - (89 - i) * DAY;
    const length = i === 89 ? Math.max(MINUTE, Date.now() - start) : DAY;
    const bar = { day: new Date(start).toISOString(), percent: '100', up_ms: length, degraded_ms: 0, down_ms: 0, maintenance_ms: 0, unknown_ms: 0 };
    const take = (part, ms) => { bar[part] += Math.min(ms, bar.up_ms); bar.up_ms -= Math.min(ms, bar.up_ms); };
    if (place === 0 && (i === 52 || i === 89)) take('down_ms', i === 89 ? 12 * MINUTE : 47 * MINUTE);
    if (place === 0 && i === 30) take('maintenance_ms', 2 * 60 * MINUTE);
    if (place === 2 && i === 85) take('degraded_ms', 38 * MINUTE);
    if (place === 3 && i > 60 && i < 66) take('unknown_ms', i === 61 ? DAY / 2 : DAY);
    if (place === 4 && i < 12) take('unknown_ms', DAY);
    if (place === 5 && i % 9 === 0) take('down_ms', i * 7 * MINUTE);
    return bar;
  });
}

/** The shop's incidents, newest first, with their timelines; `monitors`: the ones sent to the page. */
function incidents(monitors) {
  const one = (id, monitor, change) => ({
    id, monitor, monitor_name: monitors[monitor - 1].settings.name, cause: 'down', state: 'closed', began_at: ago(change.began), confirmed_at: ago(change.began - 2 * MINUTE), ended_at: null, duration_ms: null, unconfirmed: false,
    failure: 'connection_refused', message: 'the connection was refused', status: null, times: { total_ms: 3, dns_ms: 2, connect_ms: 1, tls_ms: null, first_byte_ms: null, body_ms: null }, last_good_at: ago(change.began + MINUTE), hit: null, acknowledged_at: null, note: null,
    ...change.more,
  });
  const closed = (began, length, more = {}) => ({ began, more: { ended_at: ago(began - length), duration_ms: length, ...more } });
  const reach = { requests: 341, endpoints: [{ name: 'POST /v1/orders', requests: 212 }, { name: 'GET /v1/orders/{id}', requests: 96 }, { name: HOSTILE, requests: 33 }], endpoints_total: 5, consumers: [{ name: 'acme-mobile', requests: 201 }, { name: '203.0.113.77', requests: 90 }], consumers_total: 14 };
  const list = [
    one('1-4', 1, { began: 12 * MINUTE, more: { state: 'open' } }),
    one('4-2', 4, { began: 2.2 * DAY, more: { state: 'open', cause: 'certificate', failure: null, message: 'the certificate ends in 9 days', times: null, last_good_at: null } }),
    one('6-9', 6, closed(3 * DAY, 4 * 60 * MINUTE, { unconfirmed: true, failure: 'timeout_connect', message: 'no connection within 10 s' })),
    one('3-1', 3, closed(8.4 * DAY, 38 * MINUTE, { failure: 'status', status: 503, message: 'status 503, expected 2xx', hit: reach, note: 'The search index was rebuilt at noon.\nNext time at night.', acknowledged_at: ago(8.39 * DAY) })),
    one('1-3', 1, closed(37 * DAY, 47 * MINUTE, { hit: { ...reach, requests: 1204, consumers_total: 61 } })),
  ];
  const notice = (channel, name, stage, state, at, tries = 1) => ({ channel, channel_name: name, stage, state, created_at: at, next_try_at: state === 'waiting' ? ago(-5 * MINUTE) : null, ended_at: state === 'waiting' ? null : at, tries });
  const details = new Map(list.map((incident) => {
    const opened = incident.confirmed_at;
    const over = incident.ended_at && new Date(Date.parse(incident.ended_at) + 2 * MINUTE).toISOString();
    const told = (stage, at) => [notice(1, 'On call', stage, 'delivered', at), notice(2, 'Shop chat', stage, 'delivered', at, 3), ...(stage === 'opening' ? [notice(3, 'Old hook', stage, 'waiting', at, 4)] : [])];
    return [incident.id, {
      incident,
      transitions: [{ at: opened, change: 'opened', muted: incident.unconfirmed ? 'unconfirmed' : null }, ...(over ? [{ at: over, change: 'closed', muted: incident.unconfirmed ? 'never_told' : null }] : [])],
      updates: incident.id === '3-1' ? [{ at: ago(8.385 * DAY), text: 'Search is slow or fails. We are looking into it.' }] : [],
      notices: incident.unconfirmed ? [] : [...told('opening', opened), ...(over ? told('resolved', over) : [])],
    }];
  }));
  return { list, details };
}

/** Channels in every state, and the deliveries of the first. */
function channels() {
  const one = (id, name, kind, config, change = {}) => ({ id, name, kind, enabled: true, problem: null, config: { kind, ...config }, created_at: ago(40 * DAY), waiting: 0, failing_since: null, quiet_hours: null, ...change });
  const list = [
    one(1, 'On call', 'pagerduty', { routing_key: null, eu: false }),
    one(2, 'Shop chat', 'slack', { url: null }, { quiet_hours: { from: '22:00', to: '07:00', time_zone: 'Europe/London', weekdays: null } }),
    one(3, 'Old hook', 'webhook', { url: null, secret: null }, { waiting: 3, failing_since: ago(3.4 * 60 * MINUTE) }),
    one(4, 'Phones', 'ntfy', { server: 'https://ntfy.sh', topic: 'shop-alerts-8f3k', token: null, user: '', password: null }, { enabled: false }),
    one(5, HOSTILE, 'discord', { url: null }, { enabled: false, problem: 'the webhook was deleted at Discord (status 404)' }),
  ];
  const refused = (at, reason = 'status 503') => ({ at, took_ms: 5120, status: 503, reason });
  const delivery = (id, stage, state, at, tries) => ({ id, notice: 'monitor-1-4-1', stage, subject: 'Orders', state, created_at: ago(at), next_try_at: state === 'waiting' ? ago(-4 * MINUTE) : null, ended_at: state === 'waiting' ? null : ago(at), tries });
  const deliveries = [
    delivery(9, 'opening', 'waiting', 10 * MINUTE, [refused(ago(10 * MINUTE)), refused(ago(9 * MINUTE), 'no answer within 10 s')]),
    delivery(8, 'resolved', 'delivered', 8.37 * DAY, [{ at: ago(8.37 * DAY), took_ms: 212, status: 202, reason: null }]),
    delivery(7, 'opening', 'failed', 8.4 * DAY, [{ ...refused(ago(8.4 * DAY)), status: 400, reason: 'status 400: invalid routing key' }]),
    delivery(6, 'update', 'given_up', 30 * DAY, Array.from({ length: 12 }, (_, i) => refused(ago(30 * DAY - i * 60 * MINUTE)))),
  ];
  return { list, deliveries };
}

/** Current, planned and past maintenance. */
function maintenance() {
  const at = (ms) => ({ from: ago(-ms), to: ago(-ms - 2 * 60 * MINUTE) });
  const one = (id, title, schedule, change = {}) => ({ id, title, text: null, monitors: null, published: false, schedule, created_at: ago(40 * DAY), current: null, upcoming: [], ...change });
  return [
    one(1, 'Weekly restart', { kind: 'weekly', weekdays: ['sunday'], from: '02:00', to: '04:00', time_zone: 'Europe/Berlin' }, { upcoming: [at(2 * DAY), at(9 * DAY), at(16 * DAY)] }),
    one(2, 'Database upgrade', { kind: 'once', ...at(-60 * MINUTE) }, { monitors: [5], published: true, text: 'Reading works.', current: at(-60 * MINUTE) }),
    one(3, HOSTILE, { kind: 'cron', cron: '30 3 1 * *', minutes: 90, time_zone: 'UTC' }, { monitors: [1, 2, 3, 4, 6], upcoming: [at(5 * DAY), at(35 * DAY), at(66 * DAY)] }),
    one(4, 'Move to the new datacentre', { kind: 'once', ...at(-9 * DAY) }, { published: true }),
  ];
}

/** The server's sums of these checks; earlier buckets are all good. */
function longRun(rows, url) {
  const [from, to] = ['from', 'to'].map((name) => Date.parse(url.searchParams.get(name)));
  const step = [5, 15, 60, 360, 1440, 10_080].map((n) => n * MINUTE).find((n) => (to - from) / n <= 199);
  const start = Math.floor(from / step) * step;
  const edges = Array.from({ length: Math.ceil((to - start) / step) + 1 }, (_, i) => start + i * step);
  const newest = Date.parse(rows[0]?.at ?? '');
  const buckets = edges.slice(0, -1).map((edge, i) => {
    const own = rows.filter(({ at }) => Date.parse(at) >= edge && Date.parse(at) < edge + step);
    const passed = own.filter(({ outcome }) => outcome === 'up' || outcome === 'degraded');
    const count = (outcome) => own.filter((check) => check.outcome === outcome).length;
    const mean = (name) => (passed.length ? passed.reduce((sum, { times }) => sum + (times[name] ?? 0), 0) / passed.length : edge < newest - 2 * DAY ? 40 + 10 * Math.sin(i / 5) : null);
    return { mean, checks: own.length, failures: count('down'), down: count('down') * MINUTE, degraded: count('degraded') * MINUTE, unknown: count('unknown') * MINUTE };
  });
  const times = ['dns_ms', 'connect_ms', 'tls_ms', 'first_byte_ms', 'body_ms', 'total_ms'];
  const of = (name) => buckets.map((bucket) => bucket[name]);
  return {
    step: { 5: '5m', 15: '15m', 60: '1h', 360: '6h', 1440: '1d', 10_080: '1w' }[step / MINUTE], edges,
    series: {
      ...Object.fromEntries(times.map((name) => [name, buckets.map(({ mean }) => mean(name))])), slowest_ms: buckets.map(({ mean }) => mean('total_ms')),
      checks: of('checks'), failures: of('failures'), down_ms: of('down'), degraded_ms: of('degraded'), unknown_ms: of('unknown'), maintenance_ms: buckets.map(() => 0),
      up_ms: buckets.map(({ down, degraded, unknown }) => step - down - degraded - unknown),
    },
  };
}

/** Real requests of the shop in the answer's format; those of the last fifth fail in part. */
function traffic(url) {
  const [from, to] = ['from', 'to'].map((name) => Date.parse(url.searchParams.get(name)));
  const panels = (url.searchParams.get('panels') ?? '').split(',');
  const step = [1, 5, 15, 60].map((n) => n * MINUTE).find((n) => (to - from) / n <= 200) ?? DAY / 4;
  const start = Math.floor(from / step) * step;
  const edges = Array.from({ length: Math.max(1, Math.ceil((to - start) / step)) + 1 }, (_, i) => start + i * step);
  const length = edges.length - 1;
  const others = Array.from({ length }, (_, i) => Math.round(300 + 80 * Math.sin(i / 9) + 25 * Math.sin(i * 2.3)));
  const failed = Array.from({ length }, (_, i) => (i > length * 0.8 ? Math.round(60 + 20 * Math.sin(i * 1.7)) : i % 11 ? 0 : 2));
  const none = Array.from({ length }, () => 0);
  const stat = (value) => ({ value, previous: null, series: [], about: false });
  const all = {
    requests: stat(others.reduce((sum, n) => sum + n, 0)), consumers: stat(14),
    activity: { edges, series: { '1xx': none, '2xx': others, '3xx': none, '4xx': none, '5xx': failed, consumers: none, success_rate: none } },
    endpoints: { total_rows: 5, rows: [['POST', '/v1/orders', 212], ['GET', '/v1/orders/{id}', 96], ['GET', '/v1/cart', 33]].map(([method, route, requests]) => ({ method, route, requests, client_errors: 0, server_errors: requests, p50_ms: 1, p95_ms: 1, p99_ms: 1, last_seen: ago(MINUTE) })) },
    top_consumers: { total_rows: 14, rows: [['acme-mobile', 201], ['', 90]].map(([user, requests]) => ({ key: user, user, address: '203.0.113.77', country: '', requests, client_errors: 0, server_errors: requests, p95_ms: 1, last_seen: ago(MINUTE) })) },
  };
  if (url.searchParams.get('q')?.includes('status:5xx')) all.requests = stat(341);
  return { period: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step: '1m', tz: 'UTC', partial: false }, previous: null, panels: Object.fromEntries(panels.map((name) => [name, all[name]])) };
}

/** Sends the page these instead of the server's answers about monitors, incidents, channels and requests. */
export async function answerWith({ monitors, checks, uptime }, page) {
  const kept = incidents(monitors);
  const told = channels();
  await page.route('**/api/v1/incidents**', (route) => {
    const url = new URL(route.request().url());
    const [, id] = /incidents\/([\d-]+)$/.exec(url.pathname) ?? [];
    if (id) return route.fulfill({ json: kept.details.get(id) });
    const monitor = Number(url.searchParams.get('monitor'));
    return route.fulfill({ json: { incidents: kept.list.filter((incident) => (!monitor || incident.monitor === monitor) && (!url.searchParams.get('state') || incident.state === 'open')), next: null } });
  });
  await page.route('**/api/v1/channels**', (route) => route.fulfill({ json: route.request().url().includes('deliveries') ? { deliveries: told.deliveries, next: null } : { channels: told.list } }));
  await page.route('**/api/v1/maintenance**', (route) => {
    const [weekly] = maintenance();
    return route.fulfill({ json: route.request().method() === 'POST' ? { current: null, upcoming: weekly.upcoming } : { maintenance: maintenance() } });
  });
  await page.route('**/api/v1/dashboard**', (route) => route.fulfill({ json: traffic(new URL(route.request().url())) }));
  await page.route('**/api/v1/monitors**', async (route) => {
    const url = new URL(route.request().url());
    const [, id, isChecks, isHistory] = /monitors\/(\d+)(\/checks)?(\/history)?$/.exec(url.pathname) ?? [];
    if (!id) return route.fulfill({ json: { monitors } });
    if (isHistory) return route.fulfill({ json: longRun(checks.get(Number(id)), url) });
    if (!isChecks) return route.fulfill({ json: { ...monitors[id - 1], uptime } });
    const before = url.searchParams.get('before');
    const rows = checks.get(Number(id)).filter(({ at }) => !before || at < before);
    const limit = Number(url.searchParams.get('limit'));
    return route.fulfill({ json: { checks: rows.slice(0, limit), next: rows.length > limit ? rows[limit - 1].at : null } });
  });
}

/** Two days of a monitor's checks, the same in every run except for their times. */
function history(seed, interval, base, { https = true, failing = () => '', slow = () => false, missing = () => false } = {}) {
  const random = () => (seed = (seed * 1664525 + 1013904223) % 4294967296) / 4294967296;
  const now = Math.floor(Date.now() / interval) * interval;
  const checks = [];
  for (let i = 0; i * interval < 48 * 60 * MINUTE; i++) {
    const at = new Date(now - i * interval).toISOString();
    const minutes = (i * interval) / MINUTE;
    const spread = 0.8 + random() * 0.4 + (slow(minutes) ? 4 : 0);
    const times = { dns_ms: 2 + random() * 3, connect_ms: base * 0.12 * spread, tls_ms: https ? base * 0.22 * spread : null, first_byte_ms: https ? base * 0.6 * spread : null, body_ms: https ? base * 0.06 : null };
    const failure = failing(minutes);
    if (missing(minutes)) checks.push({ at, outcome: 'unknown', failure: null, message: 'not checked', status: null, missed: 1, late_ms: 0, times: { total_ms: 0, dns_ms: null, connect_ms: null, tls_ms: null, first_byte_ms: null, body_ms: null } });
    else if (failure) checks.push({ at, outcome: 'down', failure, message: 'the connection was refused', status: null, missed: 0, late_ms: 2, times: { total_ms: 3, dns_ms: 2, connect_ms: 1, tls_ms: null, first_byte_ms: null, body_ms: null } });
    else checks.push({ at, outcome: slow(minutes) ? 'degraded' : 'up', failure: null, message: slow(minutes) ? 'took longer than 500 ms' : null, status: https ? 200 : null, missed: 0, late_ms: 1, times: { ...times, total_ms: Object.values(times).reduce((sum, ms) => sum + (ms ?? 0), 0) } });
  }
  return checks;
}
