//! Statements about the consumers of a project that has too many in a file for a row each (DuckDB).

use analytics::hit::TextKind;

use super::consumers_of;
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
    let consumers = consumers_of(
        &format!("{WHOLE_FILE} AS day"),
        &format!(
            "{into}.hits WHERE project = {project}
             AND (user_id IN {users} OR (user_id = 0 AND address IN {addresses}))"
        ),
    );
    format!("SELECT * EXCLUDE (project, day) FROM ({consumers}) ORDER BY user_id, address")
}
