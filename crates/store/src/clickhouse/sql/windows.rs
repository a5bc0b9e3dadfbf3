//! Counts of many projects in one pass, for rules. Nothing is filtered but projects and time.

use super::params::Params;
use super::schema::{IP, OTHER_ADDRESS, address};

fn of(projects: &[u32], (from_us, to_us): (i64, i64)) -> String {
    let projects: Vec<String> = projects.iter().map(u32::to_string).collect();
    // Without projects: no row.
    let list = if projects.is_empty() { "NULL".to_owned() } else { projects.join(", ") };
    format!("project IN ({list}) AND time_us >= {from_us} AND time_us < {to_us}")
}

/// Hits by status class; `denied`: refused for who asks or how often.
const COUNTS: &str = "toUInt64(count()) AS requests, toUInt64(countIf(status BETWEEN 400 AND 499)) AS client_errors,
     toUInt64(countIf(status >= 500)) AS server_errors, toUInt64(countIf(status IN (401, 403, 429))) AS denied";

/// project, cell, counts. Cells are counted from 1970.
pub fn cells(projects: &[u32], range: (i64, i64), cell_us: i64) -> String {
    format!(
        "SELECT project, intDiv(time_us - positiveModulo(time_us, {cell_us}), {cell_us}) AS cell, {COUNTS}
         FROM hits WHERE {} GROUP BY project, cell",
        of(projects, range)
    )
}

/// project, method, route, latency, counts.
pub fn endpoints(projects: &[u32], range: (i64, i64)) -> String {
    format!(
        "SELECT project, toString(method) AS method, toString(route) AS route, latency, {COUNTS}
         FROM hits WHERE {} GROUP BY project, method, route, latency",
        of(projects, range)
    )
}

/// project, name, newest: the newest hit of each consumer in each stretch of `cell_us`.
pub fn consumers(
    projects: &[u32],
    range: (i64, i64),
    cell_us: i64,
    names: Vec<String>,
    params: &mut Params,
) -> String {
    format!(
        "SELECT project, if(user_id != '', toString(user_id), {}) AS name, max(time_us) AS newest
         FROM hits WHERE {} AND name IN {}
         GROUP BY project, name, intDiv(time_us - positiveModulo(time_us, {cell_us}), {cell_us})",
        address(IP, OTHER_ADDRESS),
        of(projects, range),
        params.texts(names),
    )
}
