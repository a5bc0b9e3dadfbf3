//! The busiest consumers of each day with many hits, with their sums: a table that is derived from the hits.
//!
//! A row is a consumer on a day of a project; a further row, whose consumer is 0, says that the day's rows are there. Rows
//! hold a digest of the day's hits that they were made of and count only while those hits have the same, so hits that come
//! late or go make them worthless, and never wrong. A day without rows is read from its hits.
//!
//! They are sorted by consumer, so that those to show are read alone. Ten million hits of 2,000 callers: with a row for
//! each day, of arrays with a place for each consumer, the sums of 20 consumers took 175 ms of processor time, and as rows
//! of their own 50 ms in one part, 73 ms in two, which FINAL has to merge. The rows take as much room.

use analytics::grid::DAY_US;
use analytics::limits;
use analytics::tally::NO_LATENCY;

use super::layout::{BUSIEST, Layout};
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

/// project, day, digest, most: days with rows, perhaps of other hits than there are now.
pub const DERIVED: &str =
    "SELECT project, day, digest, most FROM busiest_consumers FINAL WHERE consumer = 0";

/// The same of some days of a project.
pub fn derived(project: u32, (first, end): (i64, i64)) -> String {
    format!("{DERIVED} AND project = {project} AND day >= {first} AND day < {end}")
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

/// The sums of a consumer on a day: columns of the table, made of the sums by consumer in `derive`, and the day's own row.
const SUMS: [(&str, &str, &str); 12] = [
    ("consumer", "consumer", "toUInt64(0)"),
    ("user", "user", "''"),
    ("ip", "ip", "toIPv6('::')"),
    ("other", "other", "''"),
    ("requests", "requests", "toUInt64(0)"),
    ("client_errors", "client_errors", "toUInt64(0)"),
    ("server_errors", "server_errors", "toUInt64(0)"),
    ("last_us", "last", "toInt64(0)"),
    ("country", "tupleElement(newest, 2)", "''"),
    ("country_us", "tupleElement(newest, 1)", "toInt64(0)"),
    ("latencies", "tupleElement(durations, 1)", "[]::Array(UInt16)"),
    ("latency_requests", "tupleElement(durations, 2)", "[]::Array(UInt64)"),
];

/// Adds the rows of a day, of these consumers, if its hits still have the digest: then the consumers were chosen among the
/// same hits as their sums are made of. The rows come together, and stay where they are when the statement ends.
pub fn derive(
    project: u32,
    (day, digest): Digest,
    consumers: &[u64],
    most: u64,
    now_us: i64,
) -> String {
    let list = consumers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let names = SUMS.map(|(name, _, _)| name).join(", ");
    let arrays = SUMS.map(|(name, sum, of_day)| {
        format!("arrayPushBack(groupArrayIf({sum}, listed), {of_day}) AS all_{name}")
    });
    let joined = SUMS.map(|(name, _, _)| format!("all_{name} AS {name}"));
    format!(
        "INSERT INTO busiest_consumers (project, day, digest, most, derived_us, {names})
         SELECT {project}, {day}, digest, {most}, {now_us}, {names}
         FROM (SELECT sum(part) AS digest, {}
             FROM (SELECT if({CONSUMER} IN ({list}), {CONSUMER}, toUInt64(0)) AS consumer, consumer != 0 AS listed,
                     {DIGEST} AS part, any(toString(user_id)) AS user, any(if(user_id = '', {IP}, toIPv6('::'))) AS ip,
                     any(if(user_id = '', {OTHER_ADDRESS}, '')) AS other, toUInt64({REQUESTS}) AS requests,
                     toUInt64({CLIENT_ERRORS}) AS client_errors, toUInt64({SERVER_ERRORS}) AS server_errors, {LAST_US} AS last,
                     maxIf((time_us, toString(country)), country != '') AS newest,
                     sumMapIf([{LATENCY}], [toUInt64(1)], {}) AS durations
                 FROM hits WHERE {} GROUP BY consumer)
             HAVING digest = {digest})
         ARRAY JOIN {}
         SETTINGS distributed_foreground_insert = 1, max_bytes_before_external_group_by = {}, max_execution_time = {}",
        arrays.join(", "),
        rollups::has_duration(),
        of_day(project, day),
        joined.join(", "),
        limits::CLICKHOUSE_GROUP_BYTES,
        limits::BUSIEST_SECONDS,
    )
}

/// number: statements that have been adding rows for at least this long.
pub fn deriving_for(seconds: f64, layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM {}
         WHERE elapsed >= {seconds:.3} AND startsWith(query, 'INSERT INTO busiest_consumers') AND current_database = {}",
        layout.system("processes"),
        layout.database(),
    )
}

/// number: the days whose rows an erasure concerns.
pub fn concerned(erasure: &Erasure, layout: &Layout, params: &mut Params) -> String {
    let has = match erasure {
        Erasure::User(_, user) => format!("user = {}", params.text(user)),
        Erasure::Address(_, text) => match to_ip(text) {
            Some(_) => format!("ip = toIPv6({})", params.text(text)),
            None => format!("other = {}", params.text(text)),
        },
        Erasure::Before(_, time_us) => format!("day * {DAY_US} < {time_us}"),
        Erasure::Project(_) | Erasure::Addresses(_) | Erasure::AddressesAndCountries(_) => {
            "1".to_owned()
        }
    };
    format!(
        "SELECT DISTINCT day AS number FROM {} WHERE project = {} AND {has}",
        layout.everywhere(&layout.parts_of(BUSIEST)),
        erasure.project().0
    )
}

/// Deletes the rows of these days, on every replica.
pub fn erase(project: u32, days: &[i64], layout: &Layout) -> String {
    let days = days.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    format!(
        "ALTER TABLE {}{} DELETE WHERE project = {project} AND day IN ({days}) SETTINGS mutations_sync = 2",
        layout.parts_of(BUSIEST),
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
fn rows(project: u32, days: &[Digest], condition: &str) -> String {
    format!("(SELECT * FROM busiest_consumers FINAL WHERE {} AND {condition})", are(project, days))
}

/// consumer, requests, seen: the consumers of these days. `seen`: `most` of a day that lists the consumer.
pub fn consumers(project: u32, days: &[Digest]) -> String {
    format!("SELECT consumer, requests, most AS seen FROM {}", rows(project, days, "consumer != 0"))
}

/// number: the days that still have their rows.
pub fn count(project: u32, days: &[Digest]) -> String {
    format!("SELECT toUInt64(count()) AS number FROM {}", rows(project, days, "consumer = 0"))
}

/// Like `sums::details` of consumers, whose hits on `days` are in the rows. `durations`: like there.
pub fn details(project: u32, days: &[Digest], consumers: &[u64], durations: bool) -> String {
    let list = consumers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let rows = rows(project, days, &format!("consumer IN ({list})"));
    // Hits without a duration, with the sums of all hits; those with one by bucket. Added up as maps they took twice as long.
    let (bucket, requests) = match durations {
        true => (NO_LATENCY, "requests - arraySum(latency_requests)"),
        false => (0, "requests"),
    };
    let mut parts = format!(
        "SELECT any(user) AS name, any(ip) AS of_ip, any(other) AS of_other, toUInt16({bucket}) AS bucket,
             toUInt64(sum({requests})) AS hits, sum(client_errors) AS clients, sum(server_errors) AS servers,
             max(last_us) AS newest_us, max((country_us, country)) AS newest
         FROM {rows} GROUP BY consumer"
    );
    if durations {
        parts = format!(
            "{parts} UNION ALL
             SELECT any(user) AS name, any(ip) AS of_ip, any(other) AS of_other, bucket, sum(with_duration) AS hits,
                 toUInt64(0) AS clients, toUInt64(0) AS servers, toInt64(0) AS newest_us, (toInt64(0), '') AS newest
             FROM {rows} ARRAY JOIN latencies AS bucket, latency_requests AS with_duration GROUP BY consumer, bucket"
        );
    }
    format!(
        "SELECT if(name != '', 'u', 'a') AS first, if(name != '', name, {}) AS second, bucket, hits AS requests,
             clients AS client_errors, servers AS server_errors, newest_us AS last_us,
             tupleElement(newest, 2) AS country, tupleElement(newest, 1) AS country_us
         FROM ({parts})",
        address("of_ip", "of_other"),
    )
}
