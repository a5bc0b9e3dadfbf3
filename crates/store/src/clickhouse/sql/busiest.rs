//! The busiest consumers of each day with many hits, with their sums: a table that is derived from the hits.
//!
//! A row is a day of a project. It holds a digest of the hits that it was made of and counts only while the hits of that
//! day have the same, so hits that come late or go make it worthless, and never wrong. A day without such a row is read
//! from its hits.

use analytics::grid::DAY_US;
use analytics::limits;
use analytics::tally::NO_LATENCY;

use super::layout::Layout;
use super::params::Params;
use super::rollups::{
    self, CLIENT_ERRORS, CONSUMER, DAYS, DIGEST, HAS_CONSUMER, LAST_US, REQUESTS, SERVER_ERRORS,
};
use super::schema::{IP, LATENCY, OTHER_ADDRESS, address};
use crate::clickhouse::addresses::to_ip;
use crate::types::Erasure;

/// A day, counted from 1970, and the digest of its hits.
pub type Digest = (i64, u64);

/// The first and the last but one of the whole days of a range.
pub fn whole_days((from_us, to_us): (i64, i64)) -> (i64, i64) {
    (
        from_us.div_euclid(DAY_US) + i64::from(from_us.rem_euclid(DAY_US) > 0),
        to_us.div_euclid(DAY_US),
    )
}

/// project, day, digest, hits: days with many hits before `end`, the newest first.
pub fn large_days(end: i64, from_hits: u64) -> String {
    let day = DAYS.unit();
    format!(
        "SELECT project, toInt64({day}) AS day, {DIGEST} AS digest, toUInt64({REQUESTS}) AS hits FROM hits
         GROUP BY project, {day} HAVING {REQUESTS} >= {from_hits} AND day >= 0 AND day < {end}
         ORDER BY day DESC, project"
    )
}

/// project, day, digest, most: rows, perhaps of other hits than there are now.
pub const DERIVED: &str = "SELECT project, day, digest, most FROM busiest FINAL";

/// The same of some days of a project.
pub fn derived(project: u32, (first, end): (i64, i64)) -> String {
    format!("{DERIVED} WHERE project = {project} AND day >= {first} AND day < {end}")
}

/// project, day, digest, hits: of the hits of some days of a project.
pub fn digests(project: u32, (first, end): (i64, i64)) -> String {
    let day = DAYS.unit();
    format!(
        "SELECT project, toInt64({day}) AS day, {DIGEST} AS digest, toUInt64({REQUESTS}) AS hits FROM hits
         WHERE project = {project} AND {day} >= {first} AND {day} < {end} GROUP BY project, {day} SETTINGS {}",
        DAYS.setting()
    )
}

fn of_day(project: u32, day: i64) -> String {
    format!(
        "project = {project} AND time_us >= {} AND time_us < {}",
        day * DAY_US,
        (day + 1) * DAY_US
    )
}

/// consumer, hits: the consumers of a day with most hits.
pub fn busiest_of_day(project: u32, day: i64, most: u64) -> String {
    format!(
        "SELECT {CONSUMER} AS consumer, toUInt64({REQUESTS}) AS hits FROM hits
         WHERE {} AND {HAS_CONSUMER} GROUP BY consumer ORDER BY hits DESC, consumer LIMIT {most}",
        of_day(project, day)
    )
}

/// Adds the row of a day, with these consumers, if its hits still have the digest: then the consumers were chosen among
/// the same hits as their sums are made of. When the statement ends, the row is where it stays.
pub fn derive(
    project: u32,
    (day, digest): Digest,
    consumers: &[u64],
    most: u64,
    now_us: i64,
) -> String {
    let list = consumers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    format!(
        "{INTO}
         SELECT {project}, {day}, sum(part) AS digest, {most}, {now_us}, groupArrayIf(consumer, listed), groupArrayIf(user, listed),
             groupArrayIf(ip, listed), groupArrayIf(other, listed), groupArrayIf(requests, listed),
             groupArrayIf(client_errors, listed), groupArrayIf(server_errors, listed), groupArrayIf(last, listed),
             groupArrayIf(tupleElement(newest, 2), listed), groupArrayIf(tupleElement(newest, 1), listed),
             groupArrayIf(tupleElement(durations, 1), listed), groupArrayIf(tupleElement(durations, 2), listed)
         FROM (SELECT if({CONSUMER} IN ({list}), {CONSUMER}, toUInt64(0)) AS consumer, consumer != 0 AS listed,
                 {DIGEST} AS part, any(toString(user_id)) AS user, any(if(user_id = '', {IP}, toIPv6('::'))) AS ip,
                 any(if(user_id = '', {OTHER_ADDRESS}, '')) AS other, toUInt64({REQUESTS}) AS requests,
                 toUInt64({CLIENT_ERRORS}) AS client_errors, toUInt64({SERVER_ERRORS}) AS server_errors, {LAST_US} AS last,
                 maxIf((time_us, toString(country)), country != '') AS newest,
                 sumMapIf([{LATENCY}], [toUInt64(1)], {}) AS durations
             FROM hits WHERE {} GROUP BY consumer)
         HAVING digest = {digest}
         SETTINGS distributed_foreground_insert = 1, max_bytes_before_external_group_by = {}, max_execution_time = {}",
        rollups::has_duration(),
        of_day(project, day),
        limits::CLICKHOUSE_GROUP_BYTES,
        limits::BUSIEST_SECONDS,
    )
}

const INTO: &str = "INSERT INTO busiest (project, day, digest, most, derived_us, consumers, users, ips, others, hits,
     client_errors, server_errors, last_us, countries, country_us, latencies, latency_hits)";

/// number: statements that have been adding a row for at least this long.
pub fn deriving_for(seconds: f64, layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM {}
         WHERE elapsed >= {seconds:.3} AND startsWith(query, 'INSERT INTO busiest') AND current_database = {}",
        layout.system("processes"),
        layout.database(),
    )
}

/// number: the days whose rows an erasure concerns.
pub fn concerned(erasure: &Erasure, layout: &Layout, params: &mut Params) -> String {
    let has = match erasure {
        Erasure::User(_, user) => format!("has(users, {})", params.text(user)),
        Erasure::Address(_, text) => match to_ip(text) {
            Some(_) => format!("has(ips, toIPv6({}))", params.text(text)),
            None => format!("has(others, {})", params.text(text)),
        },
        Erasure::Before(_, time_us) => format!("day * {DAY_US} < {time_us}"),
        Erasure::Project(_) | Erasure::Addresses(_) | Erasure::AddressesAndCountries(_) => {
            "1".to_owned()
        }
    };
    format!(
        "SELECT DISTINCT day AS number FROM {} WHERE project = {} AND {has}",
        layout.everywhere(&layout.parts_of("busiest")),
        erasure.project().0
    )
}

/// Deletes the rows of these days, on every replica.
pub fn erase(project: u32, days: &[i64], layout: &Layout) -> String {
    let days = days.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    format!(
        "ALTER TABLE {}{} DELETE WHERE project = {project} AND day IN ({days}) SETTINGS mutations_sync = 2",
        layout.parts_of("busiest"),
        layout.on_cluster(),
    )
}

/// The condition that a row is one of these. A digest is that of one day, as much as it is that of its hits; pairs of a day
/// and a digest took the server longer to read than the rows.
fn are(project: u32, days: &[Digest]) -> String {
    let (first, last) = (days.iter().map(|day| day.0).min(), days.iter().map(|day| day.0).max());
    let digests = days.iter().map(|(_, digest)| digest.to_string()).collect::<Vec<_>>().join(", ");
    format!(
        "project = {project} AND day >= {} AND day <= {} AND digest IN ({digests})",
        first.unwrap_or_default(),
        last.unwrap_or_default()
    )
}

/// The rows of these days.
fn rows(project: u32, days: &[Digest]) -> String {
    format!("(SELECT * FROM busiest FINAL WHERE {})", are(project, days))
}

/// consumer, requests, seen: the consumers of these days. `seen`: `most` of a day that lists the consumer.
pub fn consumers(project: u32, days: &[Digest]) -> String {
    format!(
        "SELECT consumer, requests, most AS seen FROM {} ARRAY JOIN consumers AS consumer, hits AS requests",
        rows(project, days)
    )
}

/// number: the days that still have their rows.
pub fn count(project: u32, days: &[Digest]) -> String {
    format!("SELECT toUInt64(count()) AS number FROM busiest FINAL WHERE {}", are(project, days))
}

/// Like `sums::details` of consumers, whose hits on `days` are in the rows. `durations`: like there.
pub fn details(project: u32, days: &[Digest], consumers: &[u64], durations: bool) -> String {
    let list = consumers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let arrays = [
        ("consumers", "consumer"),
        ("users", "user"),
        ("ips", "ip"),
        ("others", "other"),
        ("hits", "requests"),
        ("client_errors", "client"),
        ("server_errors", "server"),
        ("last_us", "last"),
        ("countries", "country"),
        ("country_us", "seen_us"),
        ("latencies", "buckets"),
        ("latency_hits", "counts"),
    ];
    let arrays = if durations { &arrays[..] } else { &arrays[..10] };
    // Of the arrays only the places of the chosen consumers are taken.
    let chosen: Vec<String> =
        arrays.iter().map(|(array, name)| format!("{array}[place] AS {name}")).collect();
    let sum_map = if durations { "sumMap(buckets, counts) AS durations," } else { "" };
    // The sums are in the part of hits without a duration. Each bucket of durations has a part of its own.
    let parts = match durations {
        true => format!(
            "arrayConcat([(toUInt16({NO_LATENCY}), toUInt64(total - arraySum(tupleElement(durations, 2))), 1)],
                 arrayMap((bucket, count) -> (bucket, count, 0), tupleElement(durations, 1), tupleElement(durations, 2)))"
        ),
        false => "[(toUInt16(0), total, 1)]".to_owned(),
    };
    let once =
        |column: &str, none: &str| format!("if(tupleElement(part, 3) = 1, {column}, {none})");
    format!(
        "SELECT if(name != '', 'u', 'a') AS first, if(name != '', name, {}) AS second, tupleElement(part, 1) AS bucket,
             toUInt64(tupleElement(part, 2)) AS requests, {} AS client_errors, {} AS server_errors, {} AS last_us,
             {} AS country, {} AS country_us
         FROM (SELECT *, arrayJoin({parts}) AS part
             FROM (SELECT consumer, any(user) AS name, any(ip) AS of_ip, any(other) AS of_other, sum(requests) AS total, {sum_map}
                     sum(client) AS clients, sum(server) AS servers, max(last) AS newest_us, max((seen_us, country)) AS newest
                 FROM (SELECT {} FROM {}
                     ARRAY JOIN arrayFilter((nth, hash) -> hash IN ({list}), arrayEnumerate(consumers), consumers) AS place)
                 GROUP BY consumer))",
        address("of_ip", "of_other"),
        once("clients", "toUInt64(0)"),
        once("servers", "toUInt64(0)"),
        once("newest_us", "toInt64(0)"),
        once("tupleElement(newest, 2)", "''"),
        once("tupleElement(newest, 1)", "toInt64(0)"),
        chosen.join(", "),
        rows(project, days),
    )
}
