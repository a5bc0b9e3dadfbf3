//! Hits of all projects in a stretch of time, for alert rules (DuckDB): as numbers, to be summed up by `windows`.

use analytics::hit::TextKind;

use super::engine::LATENCY;
use super::file::Tables;

/// project, time, status.
pub fn statuses(file: &str, (from_us, to_us): (i64, i64)) -> String {
    format!(
        "SELECT h.project, h.time_us, h.status FROM {file}.hits h WHERE h.time_us >= {from_us} AND h.time_us < {to_us}"
    )
}

/// project, method, route, status, latency.
pub fn endpoints(file: &str, (from_us, to_us): (i64, i64)) -> String {
    let (method, route) = (TextKind::Method.column(), TextKind::Route.column());
    format!(
        "SELECT h.project, h.{method}, h.{route}, h.status, {LATENCY}(coalesce(h.duration_us, -1)) FROM {file}.hits h
         WHERE h.time_us >= {from_us} AND h.time_us < {to_us}"
    )
}

/// project, kind, id and text of the methods and routes of some projects (a list of integers is bound).
pub fn endpoint_names(of: Tables<'_>) -> String {
    format!(
        "SELECT project, kind, id, {} FROM {}.strings WHERE kind IN ({}, {})
         AND project IN (SELECT unnest(CAST(? AS UINTEGER[])))",
        of.full_text(TextKind::Route),
        of.file,
        TextKind::Method as u8,
        TextKind::Route as u8
    )
}

/// project, time, user, address.
pub fn consumers(file: &str, (from_us, to_us): (i64, i64)) -> String {
    let (user, address) = (TextKind::User.column(), TextKind::Address.column());
    format!(
        "SELECT h.project, h.time_us, h.{user}, h.{address} FROM {file}.hits h
         WHERE h.time_us >= {from_us} AND h.time_us < {to_us}"
    )
}

/// Separates the names bound to `consumers_named`. A name that contains it is not found.
pub const SEPARATOR: char = '\u{1f}';

/// project, kind, id and text of users and addresses. Bound: the projects, as a list of integers, and the names.
pub fn consumers_named(of: Tables<'_>) -> String {
    let (text, file) = (of.full_text_of_any_kind(), of.file);
    format!(
        "SELECT project, kind, id, {text} FROM {file}.strings WHERE kind IN ({}, {})
         AND project IN (SELECT unnest(CAST(? AS UINTEGER[])))
         AND {text} IN (SELECT unnest(string_split(?, chr({}))))",
        TextKind::User as u8,
        TextKind::Address as u8,
        SEPARATOR as u32
    )
}
