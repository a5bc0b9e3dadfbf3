//! Statements about the consumers of a project that has too many in a file for a row each (DuckDB).

use analytics::hit::TextKind;

use super::{DAY, Slice, consumers_of};
use crate::duckdb::sql::file::WHOLE_FILE;

/// project, count: projects with more than this many texts that may name consumers.
pub fn with_many_texts(into: &str, most: u64) -> String {
    format!(
        "SELECT project, count(*) AS texts FROM {into}.strings WHERE kind IN ({}, {}) GROUP BY project HAVING texts > {most}",
        TextKind::User as u8,
        TextKind::Address as u8
    )
}

/// user, address of each hit.
pub fn of_hits(into: &str, project: u32) -> String {
    format!("SELECT user_id, address FROM {into}.hits WHERE project = {project}")
}

/// Gathers the consumers of a slice, per day, busiest first, into a temporary table.
pub fn gather_days(into: &str, slice: &Slice) -> String {
    gather(DAY, &format!("{into}.hits WHERE {}", slice.condition()))
}

/// Gathers these consumers of the whole file, busiest first, into a temporary table.
pub fn gather_whole(into: &str, project: u32, consumers: &[(TextKind, u32)]) -> String {
    let ids = |of: TextKind| {
        let ids = consumers.iter().filter(|(kind, _)| *kind == of).map(|(_, id)| id.to_string());
        let ids = ids.collect::<Vec<_>>().join(", ");
        if ids.is_empty() { "NULL".to_owned() } else { ids }
    };
    let (users, addresses) = (ids(TextKind::User), ids(TextKind::Address));
    gather(
        &format!("{WHOLE_FILE} AS day"),
        &format!(
            "{into}.hits WHERE project = {project}
             AND (user_id IN ({users}) OR (user_id = 0 AND address IN ({addresses})))"
        ),
    )
}

fn gather(day: &str, hits: &str) -> String {
    format!(
        "CREATE OR REPLACE TEMP TABLE gathered AS
         SELECT *, row_number() OVER (PARTITION BY day ORDER BY requests DESC, user_id, address) AS place
         FROM ({})",
        consumers_of(day, hits)
    )
}

/// day, user, address: all that were gathered.
pub const GATHERED: &str = "SELECT day, user_id, address FROM temp.gathered";

pub const FORGET: &str = "DROP TABLE temp.gathered";

/// day, user, address, country, how long before the last hit, requests, client errors, server errors, last: the `most`
/// busiest of each day.
pub fn listed(most: u64) -> String {
    format!(
        "SELECT day, user_id, address, country, country_ago, requests, client_errors, server_errors, last_us
         FROM temp.gathered WHERE place <= {most} ORDER BY day, user_id, address"
    )
}

/// day, most hits of a consumer not among the `most` busiest, hits of all of those.
pub fn unlisted(most: u64) -> String {
    format!(
        "SELECT day, max(requests)::UBIGINT, sum(requests)::UBIGINT FROM temp.gathered WHERE place > {most} GROUP BY day"
    )
}
