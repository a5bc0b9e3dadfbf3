//! Statements about the consumers of a project that has too many in a file for a row each (DuckDB).

use analytics::hit::TextKind;

use super::{country_and_ago, seen};

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

/// user, address, country, how long before the last hit, requests, client errors, server errors, last: these consumers
/// of the whole file, sorted.
pub fn of_file(into: &str, project: u32, consumers: &[(TextKind, u32)]) -> String {
    let ids = |of: TextKind| {
        let ids = consumers.iter().filter(|(kind, _)| *kind == of).map(|(_, id)| id.to_string());
        let ids = ids.collect::<Vec<_>>().join(", ");
        // As a table: the engine would compare each hit with each of a list's thousands of numbers.
        format!("(SELECT unnest([{ids}]::UINTEGER[]))")
    };
    let (users, addresses) = (ids(TextKind::User), ids(TextKind::Address));
    let (seen, country_and_ago) = (seen("time_us", "country"), country_and_ago());
    format!(
        "SELECT user_id, caller AS address, {country_and_ago}, requests, client_errors, server_errors, last_us FROM (
             SELECT user_id, CASE WHEN user_id > 0 THEN 0 ELSE address END AS caller,
                 {seen} AS seen, count(*)::UBIGINT AS requests, count(*) FILTER (status BETWEEN 400 AND 499) AS client_errors,
                 count(*) FILTER (status >= 500) AS server_errors, max(time_us) AS last_us
             FROM {into}.hits WHERE project = {project}
                 AND (user_id IN {users} OR (user_id = 0 AND address IN {addresses}))
             GROUP BY user_id, caller)
         ORDER BY user_id, address"
    )
}
