//! Statements that make a sealed file out of others (DuckDB): sorting together, copying without, rolling up.

use analytics::hit::Text;

use super::file::{FORMAT, NUMBERS, WHOLE_FILE, hit_columns};

/// A mark every so many hits of a project.
pub const MARK_EVERY: u64 = 10_000;

const STRING_FIELDS: &str = "text, client, os, device, version";

/// A range of projects, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projects {
    pub first: u32,
    pub last: u32,
}

impl Projects {
    fn condition(self) -> String {
        if self.first == self.last {
            format!("project = {}", self.first)
        } else {
            format!("project BETWEEN {} AND {}", self.first, self.last)
        }
    }
}

/// What is sorted at once: projects, and of a single large one a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub projects: Projects,
    /// Included.
    pub from_us: Option<i64>,
    /// Excluded.
    pub to_us: Option<i64>,
}

impl Piece {
    fn condition(self) -> String {
        let from = self.from_us.map(|from| format!(" AND time_us >= {from}")).unwrap_or_default();
        let to = self.to_us.map(|to| format!(" AND time_us < {to}")).unwrap_or_default();
        format!("{}{from}{to}", self.projects.condition())
    }
}

/// The times of every so many hits of a project.
pub fn sample_times(file: &str, project: u32, every: u64) -> String {
    format!("SELECT time_us FROM {file}.hits WHERE project = {project} AND rowid % {every} = 0")
}

/// The texts of `from` in `into.strings`, each once, numbered in order of project and text: the ids of a project lie
/// together, which makes its columns narrow and lets a prefix be a range. `ids`: the last number given of each kind.
pub fn merge_strings(into: &str, from: &[String], projects: Projects, ids: &[u32]) -> String {
    let condition = projects.condition();
    let all = from
        .iter()
        .map(|file| {
            format!("SELECT kind, project, {STRING_FIELDS} FROM {file}.strings WHERE {condition}")
        })
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let once = if from.len() == 1 {
        all
    } else {
        format!(
            "SELECT kind, project, text, any_value(client) AS client, any_value(os) AS os, any_value(device) AS device,
             any_value(version) AS version FROM ({all}) GROUP BY kind, project, text"
        )
    };
    let before = ids
        .iter()
        .enumerate()
        .map(|(kind, id)| format!(" WHEN {kind} THEN {id}"))
        .collect::<String>();
    format!(
        "INSERT INTO {into}.strings
         SELECT kind, project, CAST(row_number() OVER (PARTITION BY kind ORDER BY project, text)
             + CASE kind{before} ELSE 0 END AS UINTEGER) AS id, {STRING_FIELDS} FROM ({once}) ORDER BY kind, id"
    )
}

/// The last number given of each kind.
pub fn last_ids(into: &str, projects: Projects) -> String {
    format!("SELECT kind, max(id) FROM {into}.strings WHERE {} GROUP BY kind", projects.condition())
}

/// Where `from`'s ids went, as the temporary table `map_N`.
pub fn map_strings(into: &str, from: &str, n: usize, projects: Projects) -> String {
    let condition = projects.condition();
    format!(
        "CREATE OR REPLACE TEMP TABLE map_{n} AS
         SELECT was.kind, was.id AS was, now.id AS now FROM (SELECT * FROM {from}.strings WHERE {condition}) was
         JOIN (SELECT * FROM {into}.strings WHERE {condition}) now
         ON was.kind = now.kind AND was.project = now.project AND was.text = now.text"
    )
}

pub fn drop_map(n: usize) -> String {
    format!("DROP TABLE IF EXISTS map_{n}")
}

/// A piece of `into.hits` out of the hits of `from` (each with its map), sorted by (project, time, hit id).
pub fn merge_hits(into: &str, from: &[String], piece: Piece) -> String {
    let numbers =
        NUMBERS.iter().map(|(name, _)| format!("h.{name}")).collect::<Vec<_>>().join(", ");
    let condition = piece.condition();
    let parts = from
        .iter()
        .enumerate()
        .map(|(n, file)| {
            let texts = Text::ALL.map(|kind| format!("coalesce(m{0}.now, 0) AS {1}", kind as u8, kind.name())).join(", ");
            let joins = Text::ALL
                .map(|kind| {
                    format!(
                        "LEFT JOIN (SELECT was, now FROM map_{n} WHERE kind = {0}) m{0} ON h.{1} = m{0}.was",
                        kind as u8,
                        kind.name()
                    )
                })
                .join(" ");
            format!("SELECT {numbers}, {texts} FROM (SELECT * FROM {file}.hits WHERE {condition}) h {joins}")
        })
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    format!("INSERT INTO {into}.hits SELECT * FROM ({parts}) ORDER BY project, time_us, hit_id")
}

/// `into.marks` out of those of `from`, whose records follow each other: ordinals go on counting.
pub fn merge_marks(into: &str, from: &[String]) -> String {
    let parts = (0..from.len())
        .map(|n| {
            let before = from[..n]
                .iter()
                .map(|file| format!("SELECT project, count(*) AS rows FROM {file}.hits GROUP BY project"))
                .collect::<Vec<_>>()
                .join(" UNION ALL ");
            let file = &from[n];
            if before.is_empty() {
                format!("SELECT project, ordinal, hit_id FROM {file}.marks")
            } else {
                format!(
                    "SELECT m.project, m.ordinal + coalesce(b.rows, 0), m.hit_id FROM {file}.marks m
                     LEFT JOIN (SELECT project, sum(rows)::BIGINT AS rows FROM ({before}) GROUP BY project) b USING (project)"
                )
            }
        })
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    format!("INSERT INTO {into}.marks SELECT * FROM ({parts}) ORDER BY 1, 2")
}

/// What an erasure does to the rows of one file. Conditions speak of the columns of `hits`; none: untouched.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub project: u32,
    /// Rows that go.
    pub drop_rows: Option<String>,
    /// Rows that lose their address, their country.
    pub clear_address: Option<String>,
    pub clear_country: Option<String>,
}

/// `into.hits` = `from.hits` after the edit, order and ids kept.
pub fn copy_hits(into: &str, from: &str, edit: &Edit) -> String {
    let columns = hit_columns()
        .map(|name| match (name, &edit.clear_address, &edit.clear_country) {
            ("address", Some(rows), _) => {
                format!("CASE WHEN {rows} THEN 0 ELSE address END AS address")
            }
            ("country", _, Some(rows)) => {
                format!("CASE WHEN {rows} THEN 0 ELSE country END AS country")
            }
            _ => name.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(", ");
    let condition =
        edit.drop_rows.as_ref().map_or_else(|| "TRUE".to_owned(), |rows| format!("NOT ({rows})"));
    format!("INSERT INTO {into}.hits SELECT {columns} FROM {from}.hits WHERE {condition}")
}

/// The strings that are still needed: all of other projects, and of the edited one those that a row still names.
pub fn copy_strings(into: &str, from: &str, project: u32) -> String {
    let used = Text::ALL
        .map(|kind| {
            format!(
                "SELECT DISTINCT {} AS kind, {} AS id FROM {into}.hits WHERE project = {project}",
                kind as u8,
                kind.name()
            )
        })
        .join(" UNION ALL ");
    format!(
        "INSERT INTO {into}.strings SELECT s.* FROM {from}.strings s
         WHERE s.project <> {project} OR (s.kind, s.id) IN (SELECT (kind, id) FROM ({used}))"
    )
}

pub fn copy_other_marks(into: &str, from: &str, project: u32) -> String {
    format!("INSERT INTO {into}.marks SELECT * FROM {from}.marks WHERE project <> {project}")
}

pub fn make_marks(into: &str, project: u32) -> String {
    format!(
        "INSERT INTO {into}.marks SELECT project, n, hit_id FROM
         (SELECT project, hit_id, row_number() OVER (ORDER BY hit_id) - 1 AS n FROM {into}.hits WHERE project = {project})
         WHERE n % {MARK_EVERY} = 0 ORDER BY n"
    )
}

/// The tables of a sealed file that follow from its hits.
const DERIVED: [&str; 8] = [
    "projects",
    "by_quarter",
    "by_latency",
    "by_endpoint",
    "by_endpoint_latency",
    "by_value",
    "by_consumer",
    "by_consumer_latency",
];

pub fn copy_other_derived(into: &str, from: &str, project: u32) -> Vec<String> {
    DERIVED
        .iter()
        .map(|table| {
            format!(
                "INSERT INTO {into}.{table} SELECT * FROM {from}.{table} WHERE project <> {project}"
            )
        })
        .collect()
}

/// Counts and rollups over `into.hits`; of one project only where one is given.
pub fn derive(into: &str, project: Option<u32>) -> Vec<String> {
    const DAY: &str = "CAST(time_us // 86400000000 AS INTEGER) AS day";
    const CLIENT_ERRORS: &str = "count(*) FILTER (status BETWEEN 400 AND 499) AS client_errors";
    const SERVER_ERRORS: &str = "count(*) FILTER (status >= 500) AS server_errors";
    const BYTES: &str = "coalesce(sum(request_size), 0), coalesce(sum(response_size), 0)";
    let only = project.map(|project| format!(" AND project = {project}")).unwrap_or_default();
    let hits = format!("{into}.hits WHERE TRUE{only}");
    let mut statements = vec![
        format!(
            "INSERT INTO {into}.projects SELECT project, count(*), min(time_us), max(time_us), min(hit_id), max(hit_id)
             FROM {hits} GROUP BY project ORDER BY project"
        ),
        format!(
            "INSERT INTO {into}.by_quarter SELECT project, CAST(time_us // 900000000 AS INTEGER) AS quarter, status, count(*),
             {BYTES}, count(*) FILTER (request_size IS NOT NULL OR response_size IS NOT NULL)
             FROM {hits} GROUP BY project, quarter, status ORDER BY project, quarter, status"
        ),
        format!(
            "INSERT INTO {into}.by_latency SELECT project, CAST(time_us // 3600000000 AS INTEGER) AS hour, latency, count(*),
             sum(duration_us) FROM {hits} AND latency IS NOT NULL GROUP BY project, hour, latency ORDER BY project, hour, latency"
        ),
        format!(
            "INSERT INTO {into}.by_endpoint SELECT project, {DAY}, method, route, count(*), {CLIENT_ERRORS}, {SERVER_ERRORS},
             max(time_us), {BYTES} FROM {hits} GROUP BY project, day, method, route ORDER BY project, day, method, route"
        ),
        format!(
            "INSERT INTO {into}.by_endpoint_latency SELECT project, {DAY}, method, route, latency, count(*)
             FROM {hits} AND latency IS NOT NULL
             GROUP BY project, day, method, route, latency ORDER BY project, day, method, route, latency"
        ),
        // Of two countries at the same moment the greater code counts, so that no order of hits can be told from it.
        format!(
            "INSERT INTO {into}.by_consumer SELECT project, day, user_id, caller, coalesce(seen % 65536, 0),
             coalesce(seen // 65536, 0), requests, client_errors, server_errors, last_us FROM (
                 SELECT project, {DAY}, user_id, CASE WHEN user_id > 0 THEN 0 ELSE address END AS caller,
                 max(time_us::HUGEINT * 65536 + country) FILTER (country > 0) AS seen, count(*) AS requests, {CLIENT_ERRORS},
                 {SERVER_ERRORS}, max(time_us) AS last_us
                 FROM {hits} AND (user_id > 0 OR address > 0) GROUP BY project, day, user_id, caller)
             ORDER BY project, day, user_id, caller"
        ),
    ];
    // What a dashboard breaks down by, of texts that have few values. Method and route have their own table; of paths
    // only the API's version counts, and the first path that has it stands for all.
    let small = [Text::Host, Text::Agent, Text::Referrer, Text::Framework, Text::Sdk];
    let values =
        small.map(|kind| (kind as u8, kind.name())).into_iter().chain([(BY_COUNTRY, "country")]);
    statements.extend(values.map(|(kind, column)| {
        format!(
            "INSERT INTO {into}.by_value SELECT project, {DAY}, {kind}, {column}, count(*), count(*) FILTER (status >= 400)
             FROM {hits} GROUP BY ALL ORDER BY ALL"
        )
    }));
    statements.push(format!(
        "INSERT INTO {into}.by_value SELECT h.project, CAST(h.time_us // 86400000000 AS INTEGER) AS day, {kind}, coalesce(s.first, 0)
         AS path, count(*), count(*) FILTER (h.status >= 400) FROM {into}.hits h LEFT JOIN (
             SELECT id, min(id) OVER (PARTITION BY project, version) AS first FROM {into}.strings
             WHERE kind = {kind} AND version <> ''{only}) s ON h.path = s.id
         WHERE TRUE{of_hits} GROUP BY ALL ORDER BY ALL",
        kind = Text::Path as u8,
        of_hits = only.replace("project", "h.project"),
    ));
    let whole = |table: &str, keys: &str, sums: &str| {
        format!(
            "INSERT INTO {into}.{table} SELECT project, {WHOLE_FILE}, {keys}, {sums} FROM {into}.{table} WHERE TRUE{only}
             GROUP BY project, {keys} ORDER BY project, {keys}"
        )
    };
    statements.extend([
        whole(
            "by_endpoint",
            "method, route",
            "sum(requests), sum(client_errors), sum(server_errors), max(last_us), sum(request_bytes), sum(response_bytes)",
        ),
        whole("by_endpoint_latency", "method, route, latency", "sum(requests)"),
        whole("by_value", "kind, value", "sum(requests), sum(errors)"),
        format!(
            "INSERT INTO {into}.by_consumer SELECT project, {WHOLE_FILE}, user_id, address, coalesce(seen % 65536, 0),
             coalesce(seen // 65536, 0), requests, client_errors, server_errors, last_us FROM (
                 SELECT project, user_id, address, max(country_us::HUGEINT * 65536 + country) AS seen,
                 sum(requests) AS requests, sum(client_errors) AS client_errors, sum(server_errors) AS server_errors,
                 max(last_us) AS last_us FROM {into}.by_consumer WHERE TRUE{only} GROUP BY project, user_id, address)
             ORDER BY project, user_id, address"
        ),
        format!(
            "INSERT INTO {into}.by_consumer_latency SELECT h.project, b.user_id, b.address, h.latency, count(*)
             FROM {into}.hits h JOIN (
                 SELECT project, user_id, address FROM {into}.by_consumer WHERE day = {WHOLE_FILE}{only}
                 QUALIFY row_number() OVER (PARTITION BY project ORDER BY requests DESC, user_id, address) <= {BUSIEST}) b
             ON h.project = b.project AND h.user_id = b.user_id
                 AND (CASE WHEN h.user_id > 0 THEN 0 ELSE h.address END) = b.address
             WHERE h.latency IS NOT NULL{of_hits} GROUP BY h.project, b.user_id, b.address, h.latency
             ORDER BY h.project, b.user_id, b.address, h.latency",
            of_hits = only.replace("project", "h.project"),
        ),
    ]);
    statements
}

/// How many consumers of a project have their durations in a file's rollup: a table of the busiest shows fewer, so that their
/// hits need not be read again.
const BUSIEST: u32 = 100;

/// `by_value.kind` of countries; texts have their own numbers.
pub const BY_COUNTRY: u8 = 100;

pub fn finish(into: &str, seq: u64) -> String {
    format!("INSERT INTO {into}.progress VALUES ({seq}, {FORMAT})")
}

/// The ids of a text in a file: at most one.
pub fn find_text(file: &str) -> String {
    format!("SELECT id FROM {file}.strings WHERE kind = ? AND project = ? AND text = ?")
}

pub fn count_rows(file: &str, condition: &str) -> String {
    format!("SELECT count(*) FROM {file}.hits WHERE {condition}")
}
