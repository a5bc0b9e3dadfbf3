//! The demo's hits: a shop's API, generated minute by minute from a seed. The same minute always has the same hits, so
//! that making one twice is recognised as a repeat.
//!
//! It has what a real API has: days and weekends, people and programs, a slow endpoint after a release (each
//! Wednesday), an outage in some nights, robots that probe for paths that don't exist. Addresses come from the ranges
//! reserved for documentation (RFC 5737, RFC 3849), so they are nobody's; their countries are made up.
//!
//! It knows no project and no clock, and keeps nothing.

mod random;
mod shop;

use serde::Serialize;

use crate::deploy::Deploy;
use crate::hit::Country;
use random::{Random, hash};
use shop::{AGENTS, COUNTRIES, ENDPOINTS, Endpoint, NAMES, REFERRERS, SCANNED, Who};

const MINUTE_US: i64 = 60_000_000;
const MINUTES_PER_DAY: i64 = 1_440;

/// Hits of some minutes, as a client would post them.
pub struct DemoBatch {
    /// A body for `ingest::decode`.
    pub body: Vec<u8>,
    /// Parallel to the hits: documentation addresses have no country of their own.
    pub countries: Vec<Country>,
}

/// The hits of the minutes from `first` on (minutes since 1970, UTC). About 3,000 a day.
pub fn batch(seed: u64, first: i64, minutes: i64) -> DemoBatch {
    let mut made = Vec::new();
    for minute in first..first.saturating_add(minutes) {
        put_minute(seed, minute, &mut made);
    }
    let countries = made.iter().map(|hit| hit.country).collect();
    let requests: Vec<Request> = made.into_iter().map(|hit| hit.request).collect();
    let body = Body { framework: "FastAPI", sdk: "python/1.0.0", requests };
    // Writing to memory does not fail.
    DemoBatch { body: serde_json::to_vec(&body).unwrap_or_default(), countries }
}

/// The hour of a Wednesday at which the shop releases, and of Thursday at which it mends the slow endpoint.
const RELEASED_AT: i64 = 10;

/// The shop's deploys from one time to before another, the oldest first: a release each Wednesday, its fix each
/// Thursday.
pub fn deploys(from_us: i64, to_us: i64) -> Vec<Deploy> {
    const DAY_US: i64 = MINUTES_PER_DAY * MINUTE_US;
    let days = from_us.div_euclid(DAY_US)..=to_us.div_euclid(DAY_US);
    let all = days.filter_map(|day| {
        let (fix, text) = match weekday(day) {
            2 => (0, "Checkout asks the new tax service"),
            3 => (1, "Checkout remembers tax rates"),
            _ => return None,
        };
        // Seeded by the week, so that the same week always has the same.
        let week = (day + 3).div_euclid(7);
        Some(Deploy {
            version: format!("v2.{}.{fix}", week - 2_800),
            at_us: day * DAY_US + RELEASED_AT * 60 * MINUTE_US,
            text: text.to_owned(),
            from_requests: false,
        })
    });
    all.filter(|deploy| (from_us..to_us).contains(&deploy.at_us)).collect()
}

/// `day`: since 1970. Monday is 0.
fn weekday(day: i64) -> i64 {
    // 1970 began on a Thursday.
    (day + 3).rem_euclid(7)
}

#[derive(Serialize)]
struct Body {
    framework: &'static str,
    sdk: &'static str,
    requests: Vec<Request>,
}

#[derive(Serialize)]
struct Request {
    hostname: &'static str,
    ip_address: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'static str>,
    user_agent: &'static str,
    method: &'static str,
    status: u16,
    /// Milliseconds.
    response_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_size: Option<u64>,
    response_size: u64,
}

struct DemoRequest {
    request: Request,
    country: Country,
}

/// Traffic of one minute.
struct Minute {
    /// Since 1970.
    number: i64,
    /// Expected hits.
    rate: f64,
    /// Hour of the day, from 0.
    hour: i64,
    has_outage: bool,
    /// The day after a release.
    is_slow: bool,
    is_scanned: bool,
}

impl Minute {
    fn of(seed: u64, number: i64) -> Minute {
        let (day, of_day) =
            (number.div_euclid(MINUTES_PER_DAY), number.rem_euclid(MINUTES_PER_DAY));
        let hour = of_day / 60;
        let weekday = weekday(day);
        let weekend = if weekday >= 5 { 0.62 } else { 1.0 };
        // Quiet at 3, busiest at 15 UTC, with a second wind in the evening.
        let angle = (of_day as f64 - 15.0 * 60.0) / MINUTES_PER_DAY as f64 * std::f64::consts::TAU;
        let daily = 1.0 + 0.68 * angle.cos() + 0.14 * (2.0 * angle - 2.6).cos();
        let growth = 1.0 + 0.08 * ((day % 91) as f64 / 91.0);
        let night = hash(&[seed, 1, day as u64]);
        let outage_from = 70 + (night >> 8) as i64 % 150;
        let outage_minutes = 18 + (night >> 24) as i64 % 25;
        let has_outage = night.is_multiple_of(4)
            && (outage_from..outage_from + outage_minutes).contains(&of_day);
        let released = RELEASED_AT * 60;
        let is_slow = (weekday == 2 && of_day >= released) || (weekday == 3 && of_day < released);
        let quarter_day = hash(&[seed, 2, day as u64, (of_day / 360) as u64]);
        let scan_from = (quarter_day >> 8) as i64 % 350;
        let is_scanned =
            quarter_day.is_multiple_of(3) && (scan_from..scan_from + 4).contains(&(of_day % 360));
        // Clients try again while things fail.
        let retries = if has_outage { 2.4 } else { 1.0 };
        let rate = 2.05 * weekend * daily * growth * retries;
        Minute { number, rate, hour, has_outage, is_slow, is_scanned }
    }
}

fn put_minute(seed: u64, number: i64, made: &mut Vec<DemoRequest>) {
    let minute = Minute::of(seed, number);
    let mut random = Random::new(hash(&[seed, 3, number as u64]));
    let first = made.len();
    for _ in 0..random.poisson(minute.rate) {
        made.push(a_call(seed, &minute, &mut random));
    }
    if minute.is_scanned {
        for _ in 0..random.poisson(9.0) {
            made.push(a_scan(seed, &minute, &mut random));
        }
    }
    // As text they sort like times.
    made[first..].sort_by(|one, other| one.request.created_at.cmp(&other.request.created_at));
}

fn a_call(seed: u64, minute: &Minute, random: &mut Random) -> DemoRequest {
    let caller = Caller::of(seed, pick_caller(minute, random));
    let endpoint = pick_endpoint(&caller, random);
    let (status, answers_late) = pick_status(endpoint, minute, random);
    let mut response_time = endpoint.median_ms * (endpoint.spread * random.normal()).exp();
    // An error is answered sooner.
    response_time *= if status >= 400 && !answers_late { 0.45 } else { 1.0 };
    if answers_late {
        response_time += 1_800.0 + 3_000.0 * random.share();
    }
    if minute.is_slow && endpoint.slows_after_release {
        response_time *= 4.5;
    }
    if caller.who == Who::Person && random.share() < 0.004 {
        // A phone in a tunnel.
        response_time += 4_000.0 * random.share();
    }
    let has_body = matches!(endpoint.method, "POST" | "PUT" | "PATCH");
    let size = |median: f64, random: &mut Random| (median * (0.5 * random.normal()).exp()) as u64;
    let response_size = match status {
        204 | 304 => 0,
        400.. => 90 + random.below(160),
        _ => size(endpoint.response_bytes, random),
    };
    let request = Request {
        hostname: caller.host,
        ip_address: caller.address.clone(),
        path: to_path(endpoint.route, random),
        route: Some(endpoint.route),
        user_agent: caller.agent,
        method: endpoint.method,
        status,
        response_time: (response_time * 100.0).round() / 100.0,
        user_id: caller.user.clone().filter(|_| status != 401),
        created_at: a_time(minute, random),
        referrer: caller.referrer(random),
        request_size: has_body.then(|| size(640.0, random)),
        response_size,
    };
    DemoRequest { request, country: caller.country }
}

/// Robots that probe for other people's mistakes: many paths in a few minutes, from one address.
fn a_scan(seed: u64, minute: &Minute, random: &mut Random) -> DemoRequest {
    let scan = hash(&[seed, 4, (minute.number / 60) as u64]);
    let path = SCANNED[random.below(SCANNED.len() as u64) as usize];
    let request = Request {
        hostname: "api.shop.example",
        ip_address: format!("192.0.2.{}", 1 + scan % 254),
        path: path.to_owned(),
        route: None,
        user_agent: ["python-requests/2.32.3", "Go-http-client/1.1", "curl/8.5.0"]
            [(scan >> 8) as usize % 3],
        method: if path.ends_with(".php") && random.share() < 0.4 { "POST" } else { "GET" },
        status: if random.share() < 0.06 { 403 } else { 404 },
        response_time: (60.0 + 300.0 * random.share()).round() / 100.0,
        user_id: None,
        created_at: a_time(minute, random),
        referrer: None,
        request_size: None,
        response_size: 110,
    };
    let country = ["NL", "RU", "CN", "US", "VN"][(scan >> 16) as usize % 5];
    DemoRequest { request, country: to_country(country) }
}

/// A caller, always the same for the same number.
struct Caller {
    who: Who,
    user: Option<String>,
    address: String,
    agent: &'static str,
    country: Country,
    host: &'static str,
    number: u64,
}

/// Callers by number: programs first, then robots, then people who signed in, then those who did not.
const PROGRAMS: u64 = 9;
const ROBOTS: u64 = 8;
const SIGNED_IN: u64 = 420;
const VISITORS: u64 = 2_600;

impl Caller {
    fn of(seed: u64, number: u64) -> Caller {
        let mut random = Random::new(hash(&[seed, 5, number]));
        let (who, user) = if number < PROGRAMS {
            (Who::Program, Some(shop::PROGRAMS[number as usize].to_owned()))
        } else if number < PROGRAMS + ROBOTS {
            (Who::Robot, None)
        } else if number < PROGRAMS + ROBOTS + SIGNED_IN {
            let name = NAMES[random.below(NAMES.len() as u64) as usize];
            (Who::Person, Some(format!("{name}-{}", number - PROGRAMS - ROBOTS)))
        } else {
            (Who::Person, None)
        };
        let agents: Vec<_> = AGENTS.iter().filter(|agent| agent.who == who).collect();
        let agent = agents[random.weighted(agents.iter().map(|agent| agent.weight))].agent;
        let country = COUNTRIES[random.weighted(COUNTRIES.iter().map(|(_, weight)| *weight))].0;
        let address = match random.below(10) {
            0..=2 => format!("198.51.100.{}", 1 + random.below(254)),
            3..=5 => format!("203.0.113.{}", 1 + random.below(254)),
            _ => format!(
                "2001:db8:{:x}:{:x}::{:x}",
                random.below(4096),
                random.below(65536),
                1 + random.below(255)
            ),
        };
        let host = if random.share() < 0.7 { "api.shop.example" } else { "eu.api.shop.example" };
        Caller { who, user, address, agent, country: to_country(country), host, number }
    }

    /// The site that a person came from: mostly the same one each time.
    fn referrer(&self, random: &mut Random) -> Option<&'static str> {
        if self.who != Who::Person {
            return None;
        }
        let usual = hash(&[6, self.number]) as usize % REFERRERS.len();
        let place = if random.share() < 0.8 {
            usual
        } else {
            random.below(REFERRERS.len() as u64) as usize
        };
        REFERRERS[place]
    }
}

fn pick_caller(minute: &Minute, random: &mut Random) -> u64 {
    // Programs work at night as they do by day.
    let programs = if (7..22).contains(&minute.hour) { 0.24 } else { 0.45 };
    let kind = random.share();
    if kind < programs {
        random.often_low(PROGRAMS)
    } else if kind < programs + 0.05 {
        PROGRAMS + random.often_low(ROBOTS)
    } else if kind < programs + 0.38 {
        PROGRAMS + ROBOTS + random.often_low(SIGNED_IN)
    } else {
        PROGRAMS + ROBOTS + SIGNED_IN + random.below(VISITORS)
    }
}

fn pick_endpoint(caller: &Caller, random: &mut Random) -> &'static Endpoint {
    let is_for = |endpoint: &&Endpoint| match caller.who {
        Who::Robot => endpoint.method == "GET" && !endpoint.needs_user,
        _ => caller.user.is_some() || !endpoint.needs_user || endpoint.weight < 1.5,
    };
    let endpoints: Vec<&Endpoint> = ENDPOINTS.iter().filter(is_for).collect();
    endpoints[random.weighted(endpoints.iter().map(|endpoint| endpoint.weight))]
}

/// The status, and whether the response was late because a backend did not answer.
fn pick_status(endpoint: &Endpoint, minute: &Minute, random: &mut Random) -> (u16, bool) {
    if minute.has_outage && random.share() < 0.46 {
        return match random.below(4) {
            0 => (500, false),
            1 => (504, true),
            _ => (503, random.share() < 0.3),
        };
    }
    let luck = random.share();
    if luck < 0.0025 {
        return (500, false);
    }
    if luck < 0.0032 {
        return (504, true);
    }
    if random.share() < endpoint.client_errors {
        let status = match (endpoint.method, random.below(10)) {
            (_, 0) => 429,
            ("GET", 1..=6) => 404,
            ("GET", _) => 401,
            (_, 1..=4) => 422,
            (_, 5..=6) => 409,
            (_, 7) => 400,
            _ => 401,
        };
        return (status, false);
    }
    let status = match endpoint.method {
        "DELETE" => 204,
        "POST" if endpoint.creates => 201,
        "GET" if random.share() < 0.11 => 304,
        _ => 200,
    };
    (status, false)
}

fn to_path(route: &str, random: &mut Random) -> String {
    let mut path = String::with_capacity(route.len() + 8);
    let mut rest = route;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        path.push_str(&match name {
            "slug" => shop::CATEGORIES[random.often_low(shop::CATEGORIES.len() as u64) as usize]
                .to_owned(),
            _ => (1_000 + random.often_low(4_000)).to_string(),
        });
        rest = after;
    }
    path.push_str(rest);
    path
}

/// A time within the minute, RFC 3339 in UTC with milliseconds, so that as text they sort like times.
fn a_time(minute: &Minute, random: &mut Random) -> String {
    let time_us = minute.number * MINUTE_US + random.below(60_000) as i64 * 1_000;
    let time = jiff::Timestamp::from_microsecond(time_us).unwrap_or_default();
    format!("{time:.3}")
}

fn to_country(letters: &str) -> Country {
    letters.as_bytes().try_into().map_or(Country::default(), Country)
}

#[cfg(test)]
mod tests;
