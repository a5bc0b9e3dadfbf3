//! Inputs of sums from one file (DuckDB): columns of hits, rows of rollups, names.
//!
//! Hits are not grouped here: their columns are handed out as numbers and summed up for all panels in one pass
//! (`analytics::tally`), which evaluates a filter once and took a third of the time of a statement per panel.

use std::ops::{Range, RangeInclusive};

use analytics::hit::TextKind;
use analytics::hit_fields::Word;
use analytics::tally::{NO_SIZE, Needs};

use super::derive::BY_COUNTRY;
use super::engine::{IDENTITY, LATENCY};
use super::file::{ADDRESSES_AS_NUMBERS, Tables, WHOLE_FILE};

/// A column of hits for sums, in the order of selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Time,
    Status,
    Latency,
    Duration,
    Country,
    RequestSize,
    ResponseSize,
    Text(TextKind),
}

/// The columns that these sums need.
pub fn columns(needs: Needs) -> Vec<Column> {
    let consumers = Needs::CONSUMERS | Needs::CONSUMER_SERIES;
    // Every stretch has times, which define its length.
    let mut columns = vec![Column::Time];
    let texts =
        TextKind::ALL.iter().fold(Needs::default(), |all, kind| all.and(Needs::text(*kind)));
    let mut add = |column, wanted: Needs| {
        if needs.has(wanted) {
            columns.push(column);
        }
    };
    add(
        Column::Status,
        Needs::STATUSES | Needs::ENDPOINTS | Needs::CONSUMERS | Needs::COUNTRIES | texts,
    );
    add(
        Column::Latency,
        Needs::LATENCY | Needs::LATENCY_SERIES | Needs::ENDPOINTS | Needs::CONSUMER_LATENCY,
    );
    add(Column::Duration, Needs::LATENCY);
    add(Column::Country, Needs::COUNTRIES | Needs::CONSUMERS);
    add(Column::RequestSize, Needs::TRAFFIC);
    add(Column::ResponseSize, Needs::TRAFFIC);
    for kind in TextKind::ALL {
        let also = match kind {
            TextKind::Method | TextKind::Route => Needs::ENDPOINTS,
            TextKind::User | TextKind::Address => consumers,
            _ => Needs::default(),
        };
        add(Column::Text(kind), Needs::text(kind) | also);
    }
    columns
}

impl Column {
    /// Without NULLs.
    fn select(self, hits: Tables<'_>) -> String {
        match self {
            Column::Time => "h.time_us".into(),
            Column::Status => "h.status".into(),
            Column::Latency => format!("{LATENCY}(coalesce(h.duration_us, -1))"),
            Column::Duration => "coalesce(h.duration_us, 0)".into(),
            Column::Country => "h.country".into(),
            Column::RequestSize => format!("coalesce(h.request_size, {NO_SIZE})"),
            Column::ResponseSize => format!("coalesce(h.response_size, {NO_SIZE})"),
            Column::Text(kind) => hits.text(kind),
        }
    }
}

/// Hits from `from_us` to before `to_us` that pass the filter.
pub fn hits(
    hits: Tables<'_>,
    project: u32,
    (from_us, to_us): (i64, i64),
    filter: &str,
    columns: &[Column],
) -> String {
    let columns = columns.iter().map(|column| column.select(hits)).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT {columns} FROM {}.hits h
         WHERE h.project = {project} AND h.time_us >= {from_us} AND h.time_us < {to_us} AND {filter}",
        hits.file
    )
}

/// A project's rows of a rollup: those about all days of the file, or those of days from one to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    Whole,
    Range(i32, i32),
}

impl Days {
    fn condition(self) -> String {
        match self {
            Days::Whole => format!("day = {WHOLE_FILE}"),
            Days::Range(from, to) => format!("day >= {from} AND day < {to}"),
        }
    }

    /// The same in a finer unit, of which a day has `parts`: it has no row for the whole file.
    fn condition_of(self, column: &str, parts: i32) -> String {
        match self {
            Days::Whole => "TRUE".into(),
            Days::Range(from, to) => {
                format!(
                    "{column} >= {} AND {column} < {}",
                    from.saturating_mul(parts),
                    to.saturating_mul(parts)
                )
            }
        }
    }
}

/// quarter, status, requests, request bytes, response bytes, hits with a size.
pub fn quarters(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT quarter, status, requests, request_bytes, response_bytes, sized FROM {file}.by_quarter
         WHERE project = {project} AND {}",
        days.condition_of("quarter", 96)
    )
}

/// The sum of durations.
pub fn durations(of: Tables<'_>, project: u32, days: Days) -> String {
    format!(
        "SELECT coalesce(sum(duration_us), 0)::UBIGINT FROM {} WHERE project = {project} AND {}",
        of.durations(),
        days.condition_of("hour", 24)
    )
}

/// hour, latency, requests.
pub fn latencies(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT hour, latency, requests FROM {file}.by_latency WHERE project = {project} AND {}",
        days.condition_of("hour", 24)
    )
}

/// method, route, requests, client errors, server errors, last, request bytes, response bytes.
pub fn endpoints(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT method, route, requests, client_errors, server_errors, last_us, request_bytes, response_bytes
         FROM {file}.by_endpoint WHERE project = {project} AND {}",
        days.condition()
    )
}

/// method, route, latency, requests.
pub fn endpoint_latencies(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT method, route, latency, sum(requests)::UBIGINT FROM {file}.by_endpoint_latency
         WHERE project = {project} AND {} GROUP BY method, route, latency",
        days.condition()
    )
}

/// The same without grouping: an endpoint and bucket may have several rows.
pub fn endpoint_latencies_by_row(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT method, route, latency, requests FROM {file}.by_endpoint_latency WHERE project = {project} AND {}",
        days.condition()
    )
}

/// kind, value, requests, errors.
pub fn values(file: &str, project: u32, days: Days, needs: Needs) -> String {
    let mut kinds: Vec<String> = TextKind::ALL
        .iter()
        .filter(|kind| needs.has(Needs::text(**kind)))
        .map(|kind| (*kind as u8).to_string())
        .collect();
    if needs.has(Needs::COUNTRIES) {
        kinds.push(BY_COUNTRY.to_string());
    }
    format!(
        "SELECT kind, value, sum(requests)::UBIGINT, sum(errors)::UBIGINT FROM {file}.by_value
         WHERE project = {project} AND {} AND kind IN ({}) GROUP BY kind, value",
        days.condition(),
        kinds.join(", ")
    )
}

/// day, user, address, country, its time, requests, client errors, server errors, last.
pub fn consumers(file: &str, project: u32, days: Days) -> String {
    format!(
        "SELECT day, user_id, address, country, country_us, requests, client_errors, server_errors, last_us
         FROM {file}.by_consumer WHERE project = {project} AND {}",
        days.condition()
    )
}

/// day, user, address: the consumers of each day, first to last.
pub fn consumers_of_days(file: &str, project: u32, days: Days) -> String {
    let days = match days {
        Days::Whole => "day >= 0".to_owned(),
        days => days.condition(),
    };
    format!(
        "SELECT day, user_id, address FROM {file}.by_consumer WHERE project = {project} AND {days}"
    )
}

/// day, most hits of a consumer without a row, hits of all of those, a sketch of all consumers.
pub fn consumers_rest(file: &str, project: u32, days: Option<Days>) -> String {
    let days = days.map_or_else(|| "TRUE".to_owned(), Days::condition);
    format!(
        "SELECT day, most, requests, sketch FROM {file}.by_consumer_rest WHERE project = {project} AND {days}"
    )
}

/// kind, id, identity of the consumers that have rows.
pub fn listed_identities(file: &str, project: u32) -> String {
    format!(
        "SELECT (CASE WHEN user_id > 0 THEN {} ELSE {} END)::UTINYINT, CASE WHEN user_id > 0 THEN user_id ELSE address END, identity
         FROM {file}.by_consumer WHERE project = {project}",
        TextKind::User as u8,
        TextKind::Address as u8
    )
}

/// kind, id, and the text's identity or the address as a number: the texts of these kinds.
pub fn identities(of: Tables<'_>, project: u32, kinds: &[TextKind]) -> String {
    let condition = format!("project = {project} AND kind IN ({})", numbers(kinds));
    let numbers =
        kinds.contains(&TextKind::Address).then(|| condition_of(project, TextKind::Address));
    identities_where(of, &condition, numbers)
}

/// The same of texts with these ids.
pub fn identities_between(
    of: Tables<'_>,
    project: u32,
    stretch: &[(TextKind, Range<u32>)],
) -> String {
    let one = |(kind, ids): &(TextKind, Range<u32>)| {
        let condition = condition_of(project, *kind);
        let condition = format!("{condition} AND id >= {} AND id < {}", ids.start, ids.end);
        let numbers = (*kind == TextKind::Address).then(|| condition.clone());
        identities_where(of, &condition, numbers)
    };
    stretch.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ")
}

fn condition_of(project: u32, kind: TextKind) -> String {
    format!("project = {project} AND kind = {}", kind as u8)
}

/// `numbers`: the condition of the rows that may be numeric addresses. These are read apart, so that their texts, which are
/// empty, are not read and hashed.
fn identities_where(of: Tables<'_>, condition: &str, numbers: Option<String>) -> String {
    let select = |identity: &str, condition: &str| {
        format!("SELECT kind, id, {identity} FROM {}.strings WHERE {condition}", of.file)
    };
    match numbers.filter(|_| of.format >= ADDRESSES_AS_NUMBERS) {
        None => select(&of.identity(), condition),
        Some(numbers) => {
            let texts = format!("{IDENTITY}(literal), 0::UINTEGER");
            let texts = select(&texts, &format!("{condition} AND ipv4 = 0"));
            let numbers = select("0::UBIGINT, ipv4", &format!("{numbers} AND ipv4 > 0"));
            format!("{numbers} UNION ALL {texts}")
        }
    }
}

/// least id, greatest id: of the texts of this kind; NULL if there is none.
pub fn id_range(file: &str, project: u32, kind: TextKind) -> String {
    format!("SELECT min(id), max(id) FROM {file}.strings WHERE {}", condition_of(project, kind))
}

/// kind, id, client, os, device, version: the words derived from the texts of these kinds, if any.
pub fn words(file: &str, project: u32, kinds: &[TextKind]) -> String {
    format!(
        "SELECT kind, id, client, os, device, version FROM {file}.strings
         WHERE project = {project} AND kind IN ({}) AND (client <> '' OR os <> '' OR device <> '' OR version <> '')",
        numbers(kinds)
    )
}

/// id, name, ipv4: the texts of a kind. A name is the text, or the word derived from it. An address stored as a number has the
/// name "". `ids`: only these; None for all.
pub fn row_names(
    of: Tables<'_>,
    project: u32,
    kind: TextKind,
    word: Option<Word>,
    ids: Option<&[u32]>,
) -> String {
    let name = match word {
        None => "literal, ipv4".to_owned(),
        Some(word) => format!("coalesce({}, ''), 0::UINTEGER", word.column()),
    };
    let only = ids.map_or_else(String::new, |ids| {
        let list = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        format!(" AND id IN ({})", if list.is_empty() { "NULL" } else { &list })
    });
    format!(
        "SELECT id, {name} FROM {} WHERE kind = {} AND project = {project}{only}",
        of.strings(),
        kind as u8
    )
}

/// id, ipv4 of the texts of a kind that begin with `?`, which is in lower case. Addresses that are stored as numbers are there
/// if they lie in `numbers`: to make a text of each takes most of the time.
pub fn with_prefix(
    of: Tables<'_>,
    project: u32,
    kind: TextKind,
    numbers: Option<RangeInclusive<u32>>,
) -> String {
    let numeric = numbers.map_or_else(String::new, |numbers| {
        format!(" OR (ipv4 > 0 AND ipv4 BETWEEN {} AND {})", numbers.start(), numbers.end())
    });
    format!(
        "SELECT id, ipv4 FROM {} WHERE kind = {} AND project = {project}
             AND ((ipv4 = 0 AND starts_with(lower(literal), ?)){numeric})",
        of.strings(),
        kind as u8
    )
}

/// kind, id, text of these ids, at least one. One statement per kind: with OR between kinds the engine reads every text
/// of the file.
pub fn texts_of(of: Tables<'_>, project: u32, ids: &[(TextKind, u32)]) -> String {
    let of_kind = |kind: TextKind| {
        let of_kind = ids.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.to_string());
        let list = of_kind.collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then(|| {
            format!(
                "SELECT kind, id, {} FROM {}.strings WHERE kind = {} AND project = {project} AND id IN ({list})",
                of.full_text(kind),
                of.file,
                kind as u8
            )
        })
    };
    TextKind::ALL.into_iter().filter_map(of_kind).collect::<Vec<_>>().join(" UNION ALL ")
}

/// user, address, latency, hits of the whole file, for the consumers in its rollup.
pub fn consumer_latencies(file: &str, project: u32) -> String {
    format!(
        "SELECT user_id, address, latency, requests FROM {file}.by_consumer_latency WHERE project = {project}"
    )
}

fn numbers(kinds: &[TextKind]) -> String {
    kinds.iter().map(|kind| (*kind as u8).to_string()).collect::<Vec<_>>().join(", ")
}
