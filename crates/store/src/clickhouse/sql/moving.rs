//! Hits that move into the database, and those that must leave it again because the files have others by now.

use analytics::period::Period;

use super::layout::Layout;

/// project, hits, first_us, last_us: the times of each project's oldest and newest hit.
pub const PROJECTS: &str =
    "SELECT project, toUInt64(count()) AS hits, min(time_us) AS first_us, max(time_us) AS last_us
     FROM hits GROUP BY project ORDER BY project";

/// The condition on the hits of a project in a period.
pub fn of_period(project: u32, period: Period) -> String {
    let from = period.from_us.map_or(String::new(), |us| format!(" AND time_us >= {us}"));
    let to = period.to_us.map_or(String::new(), |us| format!(" AND time_us < {us}"));
    format!("(project = {project}{from}{to})")
}

/// The condition on the hits of a project from one id to another, both included.
pub fn of_ids(project: u32, (first, last): (i64, i64)) -> String {
    format!("(project = {project} AND hit_id >= {first} AND hit_id <= {last})")
}

/// Deletes hits that meet any of the conditions, and waits for the parts to be rewritten on every replica.
pub fn delete(conditions: &[String], layout: &Layout) -> String {
    format!(
        "ALTER TABLE {}{} DELETE WHERE {} SETTINGS mutations_sync = 2",
        layout.hits(),
        layout.on_cluster(),
        conditions.join(" OR "),
    )
}
