// The monitors of a shop in every state, with two days of checks, for pictures: two days cannot be waited for, so these are made-up
// answers in the server's shapes.

const MINUTE = 60_000;
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
      id: i + 1, settings, created_at: new Date(Date.now() - 90 * 1440 * MINUTE).toISOString(), state, is_down: state === 'down', unconfirmed: settings.name === 'Checkout' ? { results: 1, since: rows[0].at } : null,
      last_check: rows[0] ?? null, next_check_at: null, certificate: shown, uptime: null, heartbeat_url: null,
      signals: isHeartbeat ? { started_at: new Date(Date.now() - 260 * MINUTE).toISOString(), succeeded_at: new Date(Date.now() - 252 * MINUTE).toISOString(), failed_at: null, took_ms: 480_000 } : null,
    };
  });
  return { monitors, checks, uptime };
}

/** The page gets these in place of what its server says of monitors. */
export async function answerWith({ monitors, checks, uptime }, page) {
  await page.route('**/api/v1/monitors**', async (route) => {
    const url = new URL(route.request().url());
    const [, id, isChecks] = /monitors\/(\d+)(\/checks)?$/.exec(url.pathname) ?? [];
    if (!id) return route.fulfill({ json: { monitors } });
    if (!isChecks) return route.fulfill({ json: { ...monitors[id - 1], uptime } });
    const before = url.searchParams.get('before');
    const rows = checks.get(Number(id)).filter(({ at }) => !before || at < before);
    const limit = Number(url.searchParams.get('limit'));
    return route.fulfill({ json: { checks: rows.slice(0, limit), next: rows.length > limit ? rows[limit - 1].at : null } });
  });
}

/** Two days of a monitor's checks, the same at every run but for when they are. */
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
