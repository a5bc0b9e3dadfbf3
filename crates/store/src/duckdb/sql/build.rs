//! Statements that make a sealed file from others (DuckDB): merging sorted, and copying with an edit. Derived tables
//! are in `derive`.

use analytics::hit::{Country, HitId, TextKind};
use analytics::hit_fields::{Stored, not_kept_at};

use super::engine::RENUMBER;
use super::file::{CONSUMERS_LISTED, FORMAT, NUMBERS, Tables};

/// One mark per this many hits of a project.
pub const MARK_EVERY: u64 = 10_000;

const STRING_FIELDS: &str = "literal, ipv4, client, os, device, version";

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

/// A unit of sorting: projects, or a stretch of time of a single large one.
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

/// The times of every `every`-th hit of a project.
pub fn sample_times(file: &str, project: u32, every: u64) -> String {
    format!("SELECT time_us FROM {file}.hits WHERE project = {project} AND rowid % {every} = 0")
}

/// Memory of a text besides its bytes, roughly.
const TEXT_OVERHEAD: u64 = 32;

/// A unit of sorting of texts: all of some projects, or a stretch of one kind of a single one. Its statements take the
/// values of `values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub projects: Projects,
    pub part: Option<Part>,
}

/// Texts of a kind from one on, included, to another, excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub kind: u8,
    pub from: Option<Place>,
    pub to: Option<Place>,
}

/// The rank of a text in its kind: its `literal` and its `ipv4`.
pub type Place = (String, u32);

impl Stretch {
    fn condition(&self) -> String {
        let part = self.part.as_ref().map(|part| {
            let bound = |place: &Option<Place>, n: usize, than: &str, ipv4_than: &str| {
                place.as_ref().map_or_else(String::new, |(_, ipv4)| {
                    format!(
                        " AND (literal {than} ${n} OR (literal = ${n} AND ipv4 {ipv4_than} {ipv4}))"
                    )
                })
            };
            let from = bound(&part.from, 1, ">", ">=");
            let to = bound(&part.to, if part.from.is_some() { 2 } else { 1 }, "<", "<");
            format!(" AND kind = {}{from}{to}", part.kind)
        });
        format!("{}{}", self.projects.condition(), part.unwrap_or_default())
    }

    pub fn values(&self) -> Vec<String> {
        let part = self.part.iter().flat_map(|part| [&part.from, &part.to]);
        part.flatten().map(|(literal, _)| literal.clone()).collect()
    }

    pub fn may_have(&self, kind: TextKind) -> bool {
        self.part.as_ref().is_none_or(|part| part.kind == kind as u8)
    }
}

/// project, bytes: about how many its texts take.
pub fn text_bytes(of: Tables<'_>) -> String {
    format!(
        "SELECT project, sum(strlen(literal) + {TEXT_OVERHEAD})::BIGINT FROM {} GROUP BY project",
        of.strings()
    )
}

/// kind, bytes: about how many a project's texts of the kind take.
pub fn text_bytes_by_kind(of: Tables<'_>, project: u32) -> String {
    format!(
        "SELECT kind::BIGINT, sum(strlen(literal) + {TEXT_OVERHEAD})::BIGINT FROM {} WHERE project = {project} GROUP BY kind",
        of.strings()
    )
}

/// literal, ipv4: a sample of a project's texts of a kind, about one per `every_bytes`. A long text is as likely as the
/// short ones that take as much, and the sample does not depend on their order.
pub fn sample_texts(of: Tables<'_>, project: u32, kind: u8, every_bytes: u64) -> String {
    format!(
        "SELECT literal, ipv4 FROM {} WHERE project = {project} AND kind = {kind}
         AND hash(literal, ipv4) % {every_bytes} < strlen(literal) + {TEXT_OVERHEAD}",
        of.strings()
    )
}

/// kind, project, id, literal, client, os, device, version: a stretch of a file's texts but for IPv4 addresses.
pub fn literals_of(of: Tables<'_>, stretch: &Stretch) -> String {
    format!(
        "SELECT kind, project, id, literal, client, os, device, version FROM {} WHERE {} AND ipv4 = 0",
        of.strings(),
        stretch.condition()
    )
}

/// project, id, ipv4: the IPv4 addresses of a stretch of a file's texts.
pub fn addresses_of(of: Tables<'_>, stretch: &Stretch) -> String {
    format!(
        "SELECT project, id, ipv4 FROM {} WHERE {} AND kind = {} AND ipv4 > 0",
        of.strings(),
        stretch.condition(),
        TextKind::Address as u8
    )
}

/// `rows` are in order.
fn put_strings(into: &str, rows: &str) -> String {
    format!(
        "INSERT INTO {into}.strings SELECT kind, project, number, number - id, {STRING_FIELDS}
         FROM (SELECT *, row_number() OVER () AS number FROM ({rows}))"
    )
}

/// The columns of a sealed file's hit, computed from those read from any file, in order.
fn stored() -> String {
    let (bits, last) = (HitId::INDEX_BITS, (1u64 << HitId::INDEX_BITS) - 1);
    let numbers = NUMBERS.iter().map(|(name, _)| match *name {
        "hit_id" => format!("hit_id >> {bits}, CAST(hit_id & {last} AS UINTEGER)"),
        "country" => format!(
            "CASE WHEN country < {} THEN country ELSE (country // 256 - 64) * 32 + country % 256 - 64 END",
            Country::NUMBERS
        ),
        name => name.to_owned(),
    });
    let texts = TextKind::ALL.map(|kind| kind.column().to_owned());
    numbers.chain(texts).collect::<Vec<_>>().join(", ")
}

/// Inserts a piece of `into.hits` from the hits of `from`, sorted by (project, time, hit id). Texts get their new ids.
pub fn merge_hits(into: &str, from: &[Tables<'_>], piece: Piece) -> String {
    let numbers = NUMBERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let condition = piece.condition();
    let parts = from.iter().enumerate().map(|(n, hits)| {
        let text = |kind: TextKind| {
            let (number, name, was) = (kind as u8, kind.column(), hits.text(kind));
            match hits.has(kind) {
                true => format!(
                    "{RENUMBER}({n}::UINTEGER, {number}::UINTEGER, project, {was}) AS {name}"
                ),
                false => format!("{was} AS {name}"),
            }
        };
        let texts = TextKind::ALL.map(text).join(", ");
        format!("SELECT {numbers}, {texts} FROM {}.hits h WHERE {condition}", hits.file)
    });
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    format!(
        "INSERT INTO {into}.hits SELECT {} FROM (SELECT * FROM ({parts}) ORDER BY project, time_us, hit_id)",
        stored()
    )
}

/// `into.marks` from those of `from`, whose records are consecutive: ordinals go on counting.
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

/// An erasure's effect on the rows of one file. Conditions are on the columns of `hits`; none: untouched.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub project: u32,
    /// Rows to delete.
    pub drop_rows: Option<String>,
    /// Rows in which some columns are cleared.
    pub clear_rows: Option<String>,
    /// The columns to clear: texts and the country, where 0 is none.
    pub cleared: Vec<&'static str>,
}

impl Edit {
    /// Clears the columns that this privacy level does not keep.
    pub fn clear(&mut self, privacy_level: u8, rows: String) {
        // A word is cleared with the text that it derives from.
        let columns = not_kept_at(privacy_level)
            .filter(|info| matches!(info.stored, Stored::Text(_) | Stored::Country));
        self.cleared = columns.map(|info| info.column).collect();
        self.clear_rows = Some(rows);
    }

    /// The rows that change; none if the edit has no condition.
    pub fn touched(&self, hits: Tables<'_>) -> Option<String> {
        if let Some(rows) = &self.drop_rows {
            return Some(rows.clone());
        }
        let rows = self.clear_rows.as_ref()?;
        let is_missing = |column: &str| {
            TextKind::ALL.iter().any(|kind| kind.column() == column && !hits.has(*kind))
        };
        let there = self.cleared.iter().filter(|column| !is_missing(column));
        let any = there.map(|column| format!("{column} <> 0")).collect::<Vec<_>>().join(" OR ");
        Some(format!("{rows} AND ({any})"))
    }
}

/// `into.hits` = `from`'s hits after the edit, with order and ids kept.
pub fn copy_hits(into: &str, from: Tables<'_>, edit: &Edit) -> String {
    let clear = |column: &str, value: String| match &edit.clear_rows {
        Some(rows) if edit.cleared.contains(&column) => {
            format!("CASE WHEN {rows} THEN 0 ELSE {value} END AS {column}")
        }
        _ => format!("{value} AS {column}"),
    };
    let numbers = NUMBERS.iter().map(|(name, _)| clear(name, format!("h.{name}")));
    let texts = TextKind::ALL.map(|kind| clear(kind.column(), from.text(kind)));
    let columns = numbers.chain(texts).collect::<Vec<_>>().join(", ");
    let condition =
        edit.drop_rows.as_ref().map_or_else(|| "TRUE".to_owned(), |rows| format!("NOT ({rows})"));
    format!(
        "INSERT INTO {into}.hits SELECT {} FROM (SELECT {columns} FROM {}.hits h WHERE {condition})",
        stored(),
        from.file
    )
}

/// The texts still needed: all of other projects, and those of the edited project that a row still names.
pub fn copy_strings(into: &str, from: Tables<'_>, project: u32) -> String {
    let used = TextKind::ALL
        .map(|kind| {
            format!(
                "SELECT DISTINCT {} AS kind, {} AS id FROM {into}.hits WHERE project = {project}",
                kind as u8,
                kind.column()
            )
        })
        .join(" UNION ALL ");
    put_strings(
        into,
        &format!(
            "SELECT kind, project, id, {STRING_FIELDS} FROM {}
             WHERE project <> {project} OR (kind, id) IN (SELECT (kind, id) FROM ({used}))",
            from.strings()
        ),
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

/// The derived tables of a sealed file but for `by_hour`, each with the first format that has it.
const DERIVED: [(&str, u32); 9] = [
    ("projects", 1),
    ("by_quarter", 1),
    ("by_latency", 1),
    ("by_endpoint", 1),
    ("by_endpoint_latency", 1),
    ("by_value", 1),
    ("by_consumer", 1),
    ("by_consumer_latency", 1),
    ("by_consumer_rest", CONSUMERS_LISTED),
];

/// Columns that an older table lacks get their default.
pub fn copy_other_derived(into: &str, from: Tables<'_>, project: u32) -> Vec<String> {
    let there = DERIVED.iter().filter(|(_, since)| *since <= from.format);
    let copied = there.map(|(table, _)| {
        let columns = match *table {
            // Older ones have these columns, which are stored differently now.
            "by_latency" => "COLUMNS(lambda c: c <> 'duration_us')",
            "by_consumer" => {
                "COLUMNS(lambda c: c NOT IN ('country_us', 'country_ago')),
                 CASE WHEN country = 0 THEN 0 ELSE last_us - country_us END AS country_ago"
            }
            _ => "*",
        };
        format!(
            "INSERT INTO {into}.{table} BY NAME SELECT {columns} FROM {}.{table} WHERE project <> {project}",
            from.file
        )
    });
    let durations = format!(
        "INSERT INTO {into}.by_hour SELECT project, hour, sum(duration_us) FROM {} WHERE project <> {project}
         GROUP BY project, hour ORDER BY project, hour",
        from.durations()
    );
    copied.chain([durations]).collect()
}

/// The rows of a project that an erasure may affect: all of them, or its hits before a time.
pub fn concerns(project: u32, before_us: Option<i64>) -> String {
    let before = before_us.map(|us| format!(" AND time_us < {us}")).unwrap_or_default();
    format!("project = {project}{before}")
}

/// Stores the file's range of records, once it is complete.
pub fn finish(into: &str, first_seq: u64, seq: u64) -> String {
    format!("INSERT INTO {into}.progress VALUES ({seq}, {FORMAT}, {first_seq})")
}

/// The id of a text in a file: at most one. The text is bound if the condition has a parameter.
pub fn find_text(
    of: Tables<'_>,
    project: u32,
    kind: TextKind,
    text: &str,
) -> (String, Option<String>) {
    let (condition, bound) = of.is_text(kind, text);
    let (file, kind) = (of.file, kind as u8);
    let find = format!(
        "SELECT id FROM {file}.strings WHERE kind = {kind} AND project = {project} AND {condition}"
    );
    (find, bound)
}

pub fn count_rows(file: &str, condition: &str) -> String {
    format!("SELECT count(*) FROM {file}.hits WHERE {condition}")
}
