//! The demo's shop: its endpoints, its callers and their countries. Tables only.

/// The kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Person,
    /// Someone's own software.
    Program,
    /// A crawler.
    Robot,
}

pub(super) struct Endpoint {
    pub method: &'static str,
    pub route: &'static str,
    /// How often it is called, relative to the others.
    pub weight: f64,
    /// Milliseconds.
    pub median_ms: f64,
    /// Standard deviation of the duration's logarithm.
    pub spread: f64,
    /// The share of calls that fail by the caller's mistake.
    pub client_errors: f64,
    pub response_bytes: f64,
    pub needs_user: bool,
    /// Success is 201.
    pub creates: bool,
    pub slows_after_release: bool,
}

#[rustfmt::skip]
const fn endpoint(
    method: &'static str, route: &'static str, weight: f64, median_ms: f64, spread: f64, client_errors: f64, response_bytes: f64,
) -> Endpoint {
    Endpoint {
        method, route, weight, median_ms, spread, client_errors, response_bytes,
        needs_user: false, creates: false, slows_after_release: false,
    }
}

const fn of_user(endpoint: Endpoint) -> Endpoint {
    Endpoint { needs_user: true, ..endpoint }
}

const fn creates(endpoint: Endpoint) -> Endpoint {
    Endpoint { creates: true, ..endpoint }
}

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    endpoint("GET", "/v2/products", 17.0, 38.0, 0.45, 0.010, 18_400.0),
    endpoint("GET", "/v2/products/{id}", 21.0, 14.0, 0.40, 0.035, 3_900.0),
    endpoint("GET", "/v2/products/{id}/reviews", 6.0, 27.0, 0.50, 0.012, 9_200.0),
    endpoint("GET", "/v2/search", 11.0, 96.0, 0.62, 0.015, 14_700.0),
    endpoint("GET", "/v2/categories", 5.0, 6.0, 0.30, 0.002, 5_100.0),
    endpoint("GET", "/v2/categories/{slug}", 5.5, 31.0, 0.42, 0.020, 12_800.0),
    of_user(endpoint("GET", "/v2/cart", 9.0, 11.0, 0.38, 0.030, 1_700.0)),
    of_user(creates(endpoint("POST", "/v2/cart/items", 5.5, 22.0, 0.40, 0.045, 1_900.0))),
    of_user(endpoint("PATCH", "/v2/cart/items/{id}", 1.8, 19.0, 0.40, 0.050, 1_800.0)),
    of_user(endpoint("DELETE", "/v2/cart/items/{id}", 1.2, 16.0, 0.36, 0.030, 0.0)),
    Endpoint { slows_after_release: true, ..of_user(creates(endpoint("POST", "/v2/checkout", 2.6, 210.0, 0.50, 0.070, 2_400.0))) },
    of_user(endpoint("GET", "/v2/orders", 3.6, 33.0, 0.45, 0.020, 8_300.0)),
    of_user(endpoint("GET", "/v2/orders/{id}", 4.4, 18.0, 0.40, 0.030, 3_300.0)),
    of_user(endpoint("GET", "/v2/orders/{id}/invoice", 0.9, 340.0, 0.55, 0.025, 68_000.0)),
    creates(endpoint("POST", "/v2/login", 3.0, 118.0, 0.25, 0.170, 900.0)),
    creates(endpoint("POST", "/v2/users", 0.7, 140.0, 0.30, 0.120, 1_100.0)),
    of_user(endpoint("GET", "/v2/users/{id}", 2.2, 12.0, 0.35, 0.025, 1_200.0)),
    of_user(endpoint("PUT", "/v2/users/{id}", 0.5, 26.0, 0.40, 0.080, 1_200.0)),
    of_user(creates(endpoint("POST", "/v2/products/{id}/reviews", 0.6, 48.0, 0.45, 0.110, 800.0))),
    endpoint("GET", "/v2/shipping/rates", 1.6, 260.0, 0.70, 0.040, 1_500.0),
    of_user(creates(endpoint("POST", "/v2/webhooks/payment", 1.7, 44.0, 0.40, 0.015, 120.0))),
    endpoint("GET", "/v1/products", 3.4, 71.0, 0.55, 0.020, 22_500.0),
    endpoint("GET", "/v1/products/{id}", 4.2, 25.0, 0.45, 0.060, 4_600.0),
    of_user(endpoint("GET", "/v1/stock/{id}", 4.8, 9.0, 0.32, 0.045, 240.0)),
    of_user(endpoint("PUT", "/v1/stock/{id}", 1.9, 17.0, 0.38, 0.060, 240.0)),
    endpoint("GET", "/health", 2.0, 1.2, 0.25, 0.000, 15.0),
];

pub(super) struct Agent {
    pub who: Who,
    pub weight: f64,
    pub agent: &'static str,
}

#[rustfmt::skip]
pub(super) static AGENTS: &[Agent] = &[
    Agent { who: Who::Person, weight: 27.0, agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36" },
    Agent { who: Who::Person, weight: 9.0, agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36" },
    Agent { who: Who::Person, weight: 20.0, agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36" },
    Agent { who: Who::Person, weight: 19.0, agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1" },
    Agent { who: Who::Person, weight: 6.0, agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15" },
    Agent { who: Who::Person, weight: 6.0, agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0" },
    Agent { who: Who::Person, weight: 2.5, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0" },
    Agent { who: Who::Person, weight: 6.0, agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0" },
    Agent { who: Who::Person, weight: 3.0, agent: "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36" },
    Agent { who: Who::Person, weight: 2.5, agent: "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1" },
    Agent { who: Who::Program, weight: 4.0, agent: "python-requests/2.32.3" },
    Agent { who: Who::Program, weight: 3.0, agent: "axios/1.7.7" },
    Agent { who: Who::Program, weight: 3.0, agent: "okhttp/4.12.0" },
    Agent { who: Who::Program, weight: 2.0, agent: "Go-http-client/2.0" },
    Agent { who: Who::Program, weight: 1.0, agent: "curl/8.5.0" },
    Agent { who: Who::Robot, weight: 4.0, agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" },
    Agent { who: Who::Robot, weight: 2.0, agent: "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)" },
    Agent { who: Who::Robot, weight: 1.5, agent: "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)" },
    Agent { who: Who::Robot, weight: 1.5, agent: "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)" },
];

/// Country code and weight.
#[rustfmt::skip]
pub(super) static COUNTRIES: &[(&str, f64)] = &[
    ("US", 23.0), ("GB", 14.0), ("DE", 11.0), ("FR", 7.0), ("NL", 4.5), ("CA", 4.5), ("IN", 4.5), ("ES", 3.5), ("IT", 3.5),
    ("PL", 3.0), ("AU", 3.0), ("SE", 2.5), ("BR", 2.5), ("JP", 2.2), ("CH", 2.0), ("AT", 2.0), ("BE", 1.8), ("IE", 1.8),
    ("DK", 1.5), ("NO", 1.5), ("FI", 1.3), ("PT", 1.3), ("CZ", 1.2), ("RO", 1.0), ("MX", 1.0), ("SG", 0.9), ("KR", 0.9),
    ("ZA", 0.8), ("TR", 0.8), ("GR", 0.7), ("HU", 0.7), ("NZ", 0.7), ("AR", 0.6), ("UA", 0.6), ("IL", 0.5), ("AE", 0.5),
    ("ID", 0.5), ("PH", 0.4), ("CL", 0.4), ("NG", 0.4), ("KE", 0.3), ("VN", 0.3), ("EE", 0.2), ("NP", 0.2),
];

/// The programs' user ids, the busiest first.
pub(super) static PROGRAMS: [&str; super::PROGRAMS as usize] = [
    "warehouse-sync",
    "mobile-app-backend",
    "price-feed",
    "acme-erp",
    "invoice-export",
    "newsletter",
    "globex-integration",
    "stock-alerts",
    "staging-tests",
];

#[rustfmt::skip]
pub(super) static NAMES: &[&str] = &[
    "alice", "bruno", "chloe", "dmitri", "elena", "farid", "grace", "hiroshi", "ines", "jakub", "karin", "liam", "maya",
    "noah", "olga", "pedro", "quinn", "rosa", "samir", "tove", "uma", "viktor", "wanda", "xin", "yusuf", "zoe",
];

pub(super) static CATEGORIES: &[&str] = &[
    "shoes", "jackets", "outdoor", "kitchen", "books", "toys", "garden", "audio", "bikes", "lamps",
];

pub(super) static REFERRERS: &[Option<&str>] = &[
    Some("https://shop.example/"),
    Some("https://shop.example/sale"),
    Some("https://shop.example/cart"),
    None,
    Some("https://shop.example/"),
    Some("https://search.example/"),
    None,
    Some("https://news.example/gift-ideas"),
    Some("https://social.example/"),
];

#[rustfmt::skip]
pub(super) static SCANNED: &[&str] = &[
    "/wp-login.php", "/.env", "/.git/config", "/admin", "/phpmyadmin/index.php", "/xmlrpc.php", "/config.json", "/backup.zip",
    "/server-status", "/.aws/credentials", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/actuator/env", "/cgi-bin/luci",
    "/wp-admin/setup-config.php", "/api/v1/pods", "/solr/admin/info/system", "/owa/auth/logon.aspx", "/.DS_Store",
];
