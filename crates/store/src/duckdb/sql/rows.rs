//! Raw hits of one file (DuckDB): first the keys that select them, as numbers, then the hits of an answer in full.

use analytics::hit::TextKind;
use analytics::period::Period;
use analytics::query::SlowPlace;

use super::file::{NUMBERS, Tables};

/// Hits of a project: stretches of time and of hit ids, and a condition on their numbers.
#[derive(Clone, Debug)]
pub struct Range<'a> {
    pub project: u32,
    pub period: Period,
    /// Hit ids after this one (excluded) up to that one (included).
    pub after_id: Option<i64>,
    pub until_id: Option<i64>,
    /// Only hits before this one, by (time, hit id).
    pub before: Option<(i64, i64)>,
    /// Made by `sql::filter::compile`.
    pub numbers: &'a str,
}

impl Range<'_> {
    fn condition(&self) -> String {
        let mut all = vec![format!("h.project = {}", self.project)];
        let mut and = |condition: Option<String>| all.extend(condition);
        and(self.period.from_us.map(|from| format!("h.time_us >= {from}")));
        and(self.period.to_us.map(|to| format!("h.time_us < {to}")));
        and(self.after_id.map(|id| format!("h.hit_id > {id}")));
        and(self.until_id.map(|id| format!("h.hit_id <= {id}")));
        and(self.before.map(|(time, id)| {
            format!("h.time_us <= {time} AND (h.time_us < {time} OR h.hit_id < {id})")
        }));
        and(Some(self.numbers.to_owned()));
        all.join(" AND ")
    }
}

/// time, hit id, and the ids of these kinds of texts.
pub fn keys(hits: Tables<'_>, range: &Range<'_>, kinds: &[TextKind]) -> String {
    let texts: String = kinds.iter().map(|kind| format!(", {}", hits.text(*kind))).collect();
    format!(
        "SELECT h.time_us, h.hit_id{texts} FROM {}.hits h WHERE {}",
        hits.file,
        range.condition()
    )
}

/// Hits in the order of their durations.
pub struct Slow<'a> {
    pub range: Range<'a>,
    /// Only hits after this one: faster, or as slow and older.
    pub after: Option<SlowPlace>,
    /// Only hits that took at least this long, microseconds.
    pub least: Option<u64>,
}

/// Duration (-1 for none), time, hit id, and the ids of these kinds of texts.
pub fn slow_keys(hits: Tables<'_>, slow: &Slow<'_>, kinds: &[TextKind]) -> String {
    const DURATION: &str = "coalesce(h.duration_us, -1)::BIGINT";
    let texts: String = kinds.iter().map(|kind| format!(", {}", hits.text(*kind))).collect();
    let mut condition = slow.range.condition();
    if let Some(least) = slow.least {
        condition += &format!(" AND h.duration_us >= {least}");
    }
    if let Some((duration, time, id)) = slow.after {
        let duration = duration.map_or(-1, |us| us as i64);
        condition += &format!(
            " AND ({DURATION} < {duration} OR ({DURATION} = {duration} AND (h.time_us < {time} OR (h.time_us = {time} AND h.hit_id < {id}))))"
        );
    }
    format!(
        "SELECT {DURATION} AS duration, h.time_us, h.hit_id{texts} FROM {}.hits h WHERE {condition}",
        hits.file
    )
}

/// The number of a project's hits in a period.
pub fn count(file: &str, project: u32, from_us: i64, to_us: i64) -> String {
    format!(
        "SELECT count(*)::BIGINT AS rows FROM {file}.hits h
         WHERE h.project = {project} AND h.time_us >= {from_us} AND h.time_us < {to_us}"
    )
}

/// Hits in full, by hit id (a list of integers is bound), within this stretch of time (both ends included).
pub fn hits(hits: Tables<'_>, project: u32, from_us: i64, to_us: i64) -> String {
    let numbers = NUMBERS.iter().skip(1).map(|(name, _)| format!("h.{name}"));
    let columns = numbers.chain(TextKind::ALL.map(|kind| hits.text(kind))).collect::<Vec<_>>();
    format!(
        "SELECT {} FROM {}.hits h WHERE h.project = {project} AND h.time_us >= {from_us} AND h.time_us <= {to_us}
         AND h.hit_id IN (SELECT unnest(CAST(? AS BIGINT[])))",
        columns.join(", "),
        hits.file
    )
}

/// A project's marks: (ordinal, hit id).
pub fn marks(file: &str, project: u32) -> String {
    format!("SELECT ordinal, hit_id FROM {file}.marks WHERE project = {project} ORDER BY ordinal")
}

/// The number of rows of `strings`.
pub fn count_texts(file: &str) -> String {
    format!("SELECT count(*)::UBIGINT FROM {file}.strings")
}

/// project, text: the texts of a kind among the rows from one to before another.
pub fn texts_between(of: Tables<'_>, kind: TextKind, from: u64, to: u64) -> String {
    format!(
        "SELECT project, {} FROM {}.strings WHERE rowid >= {from} AND rowid < {to} AND kind = {}",
        of.full_text(kind),
        of.file,
        kind as u8
    )
}

/// The texts behind these ids (a list of integers is bound).
pub fn texts(of: Tables<'_>, project: u32, kind: TextKind) -> String {
    let words = match kind {
        TextKind::Agent => ", client, os, device",
        TextKind::Path => ", version",
        _ => "",
    };
    let (text, file) = (of.full_text(kind), of.file);
    format!(
        "SELECT id, {text}{words} FROM {file}.strings WHERE project = {project} AND kind = {} AND id IN (SELECT unnest(CAST(? AS UINTEGER[])))",
        kind as u8
    )
}
