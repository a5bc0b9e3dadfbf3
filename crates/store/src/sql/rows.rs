//! Raw hits out of one file (DuckDB). Several files' answers are put together by the reader, which knows their order.

use analytics::hit::Text;
use analytics::period::Period;

use super::file::hit_columns;

fn in_period(period: &Period) -> String {
    let from = period.from_us.map(|from| format!(" AND h.time_us >= {from}")).unwrap_or_default();
    let to = period.to_us.map(|to| format!(" AND h.time_us < {to}")).unwrap_or_default();
    format!("{from}{to}")
}

fn columns() -> String {
    hit_columns().skip(1).map(|name| format!("h.{name}")).collect::<Vec<_>>().join(", ")
}

/// The newest hits before `after`, by (time, hit id).
pub fn newest(
    file: &str,
    project: u32,
    period: &Period,
    filter: &str,
    after: Option<(i64, i64)>,
    limit: usize,
) -> String {
    let before = after
        .map(|(time, id)| {
            format!(" AND h.time_us <= {time} AND (h.time_us < {time} OR h.hit_id < {id})")
        })
        .unwrap_or_default();
    format!(
        "SELECT {} FROM {file}.hits h WHERE h.project = {project}{}{before} AND {filter}
         ORDER BY h.time_us DESC, h.hit_id DESC LIMIT {limit}",
        columns(),
        in_period(period)
    )
}

/// Hits in order of arrival, from an id on (excluded) up to another (included), passing over some.
pub struct Arrivals<'a> {
    pub file: &'a str,
    pub project: u32,
    pub period: &'a Period,
    pub filter: &'a str,
    pub after: Option<i64>,
    pub until: Option<i64>,
}

impl Arrivals<'_> {
    fn condition(&self) -> String {
        let after = self.after.map(|id| format!(" AND h.hit_id > {id}")).unwrap_or_default();
        let until = self.until.map(|id| format!(" AND h.hit_id <= {id}")).unwrap_or_default();
        format!(
            "h.project = {}{after}{until}{} AND {}",
            self.project,
            in_period(self.period),
            self.filter
        )
    }

    pub fn rows(&self, offset: u64, limit: usize) -> String {
        format!(
            "SELECT {} FROM {}.hits h WHERE {} ORDER BY h.hit_id LIMIT {limit} OFFSET {offset}",
            columns(),
            self.file,
            self.condition()
        )
    }

    pub fn count(&self) -> String {
        format!("SELECT count(*) FROM {}.hits h WHERE {}", self.file, self.condition())
    }
}

/// A project's marks: (ordinal, hit id).
pub fn marks(file: &str, project: u32) -> String {
    format!("SELECT ordinal, hit_id FROM {file}.marks WHERE project = {project} ORDER BY ordinal")
}

/// The texts behind these ids (a list of integers is bound).
pub fn texts(file: &str, project: u32, kind: Text) -> String {
    let fields = match kind {
        Text::Agent => "text, client, os, device",
        Text::Path => "text, version",
        _ => "text",
    };
    format!(
        "SELECT id, {fields} FROM {file}.strings WHERE project = {project} AND kind = {} AND id IN (SELECT unnest(CAST(? AS UINTEGER[])))",
        kind as u8
    )
}
