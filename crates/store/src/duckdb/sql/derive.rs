//! Statements that fill a sealed file's derived tables (DuckDB): counts per project, and rollups.
//!
//! A statement covers a slice of the hits, so that none takes long or much memory. Rows of two slices add up: if a
//! slice ends within a day, that day has two rows of a kind, and readers sum them.

pub mod consumers;

use analytics::hit::{Country, TextKind};

use super::engine::RENUMBER;
use super::file::WHOLE_FILE;

const HOUR_US: i64 = 3_600_000_000;

/// Of a hit with a duration; of one without it is unused, but must not fail.
const BUCKET: &str = "latency_of(coalesce(duration_us, -1))";

/// The consumers of a project whose durations a file's rollup stores: more than a table of the busiest shows, so that
/// their hits need not be read again.
const BUSIEST: u32 = 100;

/// More consumers have theirs stored while they have at most this many hits together: if hardly anybody calls twice,
/// hundreds are as busy as the busiest, and a row takes about ten bytes.
const BUSIEST_HITS: u32 = 50_000;

/// `by_value.kind` of countries; texts use their kind's number.
pub const BY_COUNTRY: u8 = 100;

/// Projects (ascending), or a stretch of time of a single large one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    pub projects: Vec<u32>,
    /// Included.
    pub from_us: Option<i64>,
    /// Excluded.
    pub to_us: Option<i64>,
}

/// Ids from one to another, both included.
pub type Ids = (u32, u32);

/// The tables with rows for the whole file, and the column whose ids split them.
pub const WHOLE: [(&str, &str); 5] = [
    ("by_endpoint", "route"),
    ("by_endpoint_latency", "route"),
    ("by_value", "value"),
    (BY_CONSUMER, "address"),
    (BY_CONSUMER, "user_id"),
];

pub const BY_CONSUMER: &str = "by_consumer";

impl Slice {
    fn condition(&self) -> String {
        let from = self.from_us.map(|from| format!(" AND time_us >= {from}")).unwrap_or_default();
        let to = self.to_us.map(|to| format!(" AND time_us < {to}")).unwrap_or_default();
        format!("{}{from}{to}", among(&self.projects))
    }
}

fn among(projects: &[u32]) -> String {
    match projects {
        [] => "FALSE".to_owned(),
        [one] => format!("project = {one}"),
        [first, .., last] => {
            let list = projects.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            // The range lets the engine skip everything outside it.
            format!("project BETWEEN {first} AND {last} AND project IN ({list})")
        }
    }
}

/// Counts per project, or of one project.
pub fn projects(into: &str, only: Option<u32>) -> String {
    let only = only.map(|project| format!(" WHERE project = {project}")).unwrap_or_default();
    format!(
        "INSERT INTO {into}.projects SELECT project, count(*), min(time_us), max(time_us), min(hit_id), max(hit_id)
         FROM {into}.hits{only} GROUP BY project ORDER BY project"
    )
}

/// project, hits: projects with at least this many hits.
pub fn large_projects(into: &str, least: u64, only: Option<u32>) -> String {
    let only = only.map(|project| format!(" AND project = {project}")).unwrap_or_default();
    format!(
        "SELECT project, rows FROM {into}.projects WHERE rows >= {least}{only} ORDER BY project"
    )
}

/// hour (since 1970), hits of a project.
pub fn hours(into: &str, project: u32) -> String {
    format!(
        "SELECT time_us // {HOUR_US} AS hour, count(*) FROM {into}.hits WHERE project = {project} GROUP BY hour ORDER BY hour"
    )
}

/// The latest time of hits with a known country, and that country, as one number; NULL if none is known. Of two countries
/// at the same moment the greater number counts, so that the order of hits does not matter. Times that do not fit beside a
/// country (before 1970, after 2255) count as the nearest that does.
fn seen(time_us: &str, country: &str) -> String {
    let (numbers, latest) = (Country::NUMBERS, i64::MAX / i64::from(Country::NUMBERS) - 1);
    format!(
        "max(greatest(least({time_us}, {latest}), 0) * {numbers} + {country}) FILTER ({country} > 0)"
    )
}

/// The country of `seen`, 0 if none is known, and how long before `last_us` the consumer was there, microseconds.
fn country_and_ago() -> String {
    let (bits, most) = (Country::NUMBERS.ilog2(), Country::NUMBERS - 1);
    format!(
        "coalesce(seen & {most}, 0)::USMALLINT AS country, coalesce(last_us - (seen >> {bits}), 0) AS country_ago"
    )
}

/// The columns of `slice_columns`, in order.
#[derive(Clone, Copy)]
pub enum SliceColumn {
    Project,
    Time,
    Status,
    /// Negative if there is none, as are sizes.
    Duration,
    RequestSize,
    ResponseSize,
    Method,
    Route,
    User,
    Address,
    /// The first of `SLICE_VALUES`; the others follow.
    Country,
}

/// `by_value.kind` of the dashboard's breakdowns by what has few values. Method and route have their own table.
pub const SLICE_VALUES: [u8; 7] = [
    BY_COUNTRY,
    TextKind::Host as u8,
    TextKind::Agent as u8,
    TextKind::Referrer as u8,
    TextKind::Framework as u8,
    TextKind::Sdk as u8,
    TextKind::Path as u8,
];

/// The columns of hits that rows per quarter, hour and day are made from, without NULLs.
pub fn slice_columns(into: &str, slice: &Slice) -> String {
    let column = |kind: u8| match TextKind::ALL.get(usize::from(kind)) {
        // Paths count only by the API's version, and the first path of a version represents all
        // (`NewNumbers::know_versions`).
        Some(TextKind::Path) => {
            format!("{RENUMBER}(0::UINTEGER, {kind}::UINTEGER, project, path)")
        }
        Some(text) => text.column().to_owned(),
        None => "country::UINTEGER".to_owned(),
    };
    format!(
        "SELECT project, time_us, status, coalesce(duration_us, -1), coalesce(request_size, -1),
         coalesce(response_size, -1), method, route, user_id, address, {} FROM {into}.hits WHERE {}",
        SLICE_VALUES.map(column).join(", "),
        slice.condition()
    )
}

/// project, id, version: the paths of these projects that have one.
pub fn versions(into: &str, projects: &[u32]) -> String {
    format!(
        "SELECT project, id, version FROM {into}.strings WHERE {} AND kind = {} AND version <> ''",
        among(projects),
        TextKind::Path as u8
    )
}

/// The greatest id in each of `WHOLE`'s columns.
pub fn greatest(into: &str, project: u32) -> [String; WHOLE.len()] {
    WHOLE.map(|(table, column)| {
        format!("SELECT coalesce(max({column}), 0)::UINTEGER FROM {into}.{table} WHERE project = {project}")
    })
}

/// Rows for the whole file, summed from those of its days: for a table of `WHOLE`, and for these ids if given.
pub fn whole(into: &str, projects: &[u32], n: usize, ids: Option<Ids>) -> String {
    let (table, column) = WHOLE[n];
    let ids =
        ids.map(|(from, to)| format!(" AND {column} BETWEEN {from} AND {to}")).unwrap_or_default();
    // A consumer is a user, or an address without one.
    let who = match column {
        "address" => " AND user_id = 0",
        "user_id" => " AND user_id > 0",
        _ => "",
    };
    let days =
        format!("{into}.{table} WHERE {} AND day <> {WHOLE_FILE}{ids}{who}", among(projects));
    let (keys, sums) = match table {
        "by_endpoint" => (
            "method, route",
            "sum(requests), sum(client_errors), sum(server_errors), max(last_us), sum(request_bytes), sum(response_bytes)",
        ),
        "by_endpoint_latency" => ("method, route, latency", "sum(requests)"),
        "by_value" => ("kind, value", "sum(requests), sum(errors)"),
        _ => {
            let (seen, country_and_ago) = (seen("country_us", "country"), country_and_ago());
            return format!(
                "INSERT INTO {into}.by_consumer SELECT project, {WHOLE_FILE}, user_id, address, {country_and_ago}, requests, client_errors, server_errors, last_us, 0 FROM (
                     SELECT project, user_id, address, {seen} AS seen,
                     sum(requests) AS requests, sum(client_errors) AS client_errors, sum(server_errors) AS server_errors,
                     max(last_us) AS last_us FROM {days} GROUP BY project, user_id, address)
                 ORDER BY project, user_id, address"
            );
        }
    };
    format!(
        "INSERT INTO {into}.{table} SELECT project, {WHOLE_FILE}, {keys}, {sums} FROM {days}
         GROUP BY project, {keys} ORDER BY project, {keys}"
    )
}

/// The durations of a project's busiest consumers, of the whole file.
pub fn consumer_latency(into: &str, project: u32) -> String {
    format!(
        "INSERT INTO {into}.by_consumer_latency SELECT {project}, b.user_id, b.address, {BUCKET} AS latency, count(*)
         FROM {into}.hits h JOIN (
             SELECT user_id, address FROM (
                 SELECT user_id, address, row_number() OVER busiest AS place, sum(requests) OVER busiest AS hits
                 FROM {into}.by_consumer WHERE project = {project} AND day = {WHOLE_FILE}
                 WINDOW busiest AS (ORDER BY requests DESC, user_id, address ROWS UNBOUNDED PRECEDING))
             WHERE place <= {BUSIEST} OR hits <= {BUSIEST_HITS}) b
         ON h.user_id = b.user_id AND (CASE WHEN h.user_id > 0 THEN 0 ELSE h.address END) = b.address
         WHERE h.project = {project} AND duration_us IS NOT NULL GROUP BY b.user_id, b.address, latency
         ORDER BY b.user_id, b.address, latency"
    )
}
