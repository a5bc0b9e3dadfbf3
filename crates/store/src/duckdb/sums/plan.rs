//! Plans the reads of a file: its rollups for whole days of the period, its hits for the rest.

use std::sync::Arc;

use analytics::filter::Filter;
use analytics::grid::{DAY_US, Grid, QUARTER_US, Step};
use analytics::hit::TextKind;
use analytics::query::SumsQuery;
use analytics::tally::{Dimension, Needs};

use crate::duckdb::files::Entry;
use crate::duckdb::sql::sums::Days;
use crate::duckdb::stats::ProjectStats;
use crate::duckdb::sums::SumsLimits;
use crate::inbox::FileKind;

const HOUR_US: i64 = DAY_US / 24;

/// Beyond this many short stretches, everything between them is read as well: each is a statement.
const STRETCHES: usize = 64;

/// The needs that each rollup table answers: each is read by itself, so that threads can share the work.
const TABLES: [Needs; 5] = [
    Needs::STATUSES.and(Needs::HOURS).and(Needs::TRAFFIC),
    Needs::LATENCY.and(Needs::LATENCY_SERIES),
    Needs::ENDPOINTS,
    Needs::CONSUMERS.and(Needs::CONSUMER_SERIES),
    Needs::all_texts().and(Needs::COUNTRIES),
];

/// A part of a file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Hits in this range (from, to excluded). `consumers`: needs of consumers that are looked up later.
    Hits { range: (i64, i64), needs: Needs, consumers: Needs },
    /// `split_hours` and `split_days` (numbers since 1970): those whose series are read from hits. `consumers_listed`:
    /// it has only the busiest consumers.
    Rollup {
        days: Days,
        needs: Needs,
        split_hours: Arc<[i32]>,
        split_days: Arc<[i32]>,
        consumers_listed: bool,
    },
}

impl Piece {
    pub fn hits(range: (i64, i64), needs: Needs) -> Piece {
        Piece::Hits { range, needs, consumers: Needs::default() }
    }

    /// The hits whose consumers are looked up later.
    pub fn later(&self) -> Option<((i64, i64), Needs)> {
        match self {
            Piece::Hits { range, consumers, .. } if !consumers.is_empty() => {
                Some((*range, *consumers))
            }
            _ => None,
        }
    }
}

/// Has the consumers of hits looked up later: they are very many.
pub fn put_off_consumers(pieces: &mut [Piece]) {
    let all = Needs::CONSUMERS | Needs::CONSUMER_SERIES | Needs::CONSUMER_LATENCY;
    for piece in pieces {
        if let Piece::Hits { needs, consumers, .. } = piece {
            (*needs, *consumers) = (needs.without(all), needs.only(all));
        }
    }
}

/// The part of the period in which the file has hits.
pub fn range(stats: &ProjectStats, query: &SumsQuery) -> (i64, i64) {
    (
        query.grid.from_us.max(stats.min_time_us),
        query.grid.to_us.min(stats.max_time_us.saturating_add(1)),
    )
}

pub fn pieces(
    entry: &Entry,
    stats: &ProjectStats,
    query: &SumsQuery,
    filter: &Filter,
    rollup_from: u64,
) -> Vec<Piece> {
    let needs = query.all_needs();
    let (from, to) = range(stats, query);
    let Some((first, last)) = days_from_rollup(entry, stats, query, filter, rollup_from) else {
        return vec![Piece::hits((from, to), needs)];
    };

    // Not here if rollups are read: they provide it differently.
    let needs = needs.without(Needs::CONSUMER_LATENCY);
    let mut pieces = Vec::new();
    // The time before the first whole day, and after the last.
    let (start, end) = (i64::from(first) * DAY_US, i64::from(last) * DAY_US);
    let edges = edges((from, to), (start, end));
    pieces.extend(edges.into_iter().map(|range| Piece::hits(range, needs)));
    let days = if lies_in(stats, &query.grid) { Days::Whole } else { Days::Range(first, last) };
    let inside = (from.max(start), to.min(end));

    let rollable = rollable(&query.values);
    let mut rolled = needs.only(rollable);
    let rest = needs.without(rollable);
    // A bucket's edge within an hour or a day: the rollup's row belongs to two buckets.
    let mut split = [Vec::new(), Vec::new()];
    for (n, (need, unit)) in
        [(Needs::LATENCY_SERIES, HOUR_US), (Needs::CONSUMER_SERIES, DAY_US)].into_iter().enumerate()
    {
        if !needs.has(need) {
            continue;
        }
        match split_units(&query.grid, inside, unit) {
            Some(ranges) => {
                split[n] = ranges.iter().map(|(from, _)| from.div_euclid(unit) as i32).collect();
                let piece = |range| Piece::hits(range, need);
                pieces.extend(ranges.into_iter().map(piece));
            }
            None => {
                rolled = rolled.without(need);
                pieces.push(Piece::hits(inside, need));
            }
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::hits(inside, rest));
    }
    let [split_hours, split_days]: [Arc<[i32]>; 2] = split.map(Arc::from);
    for needs in
        TABLES.map(|table| rolled.only(table)).into_iter().filter(|needs| !needs.is_empty())
    {
        let (split_hours, split_days) = (split_hours.clone(), split_days.clone());
        let consumers_listed = stats.consumers_listed;
        pieces.push(Piece::Rollup { days, needs, split_hours, split_days, consumers_listed });
    }
    pieces
}

/// The parts of a file to read for a list: hits in these ranges, and rollups of these days.
pub struct ListParts {
    pub hits: Vec<(i64, i64)>,
    pub days: Option<Days>,
}

/// None if the file has no hits in the period. `query`: from `RankingQuery::busiest`.
pub fn list_parts(
    entry: &Entry,
    stats: &ProjectStats,
    query: &SumsQuery,
    filter: &Filter,
    limits: SumsLimits,
) -> Option<ListParts> {
    let (from, to) = range(stats, query);
    if stats.rows == 0 || from >= to {
        return None;
    }
    let needs = query.all_needs();
    // Only hits have the durations of all consumers.
    let is_rollable =
        needs.without(rollable(&query.values)).is_empty() && !needs.has(Needs::CONSUMERS);
    let days = days_from_rollup(entry, stats, query, filter, limits.rollup_from);
    let Some((first, last)) = days.filter(|_| is_rollable) else {
        return Some(ListParts { hits: vec![(from, to)], days: None });
    };
    let inside = (i64::from(first) * DAY_US, i64::from(last) * DAY_US);
    let days = if lies_in(stats, &query.grid) { Days::Whole } else { Days::Range(first, last) };
    Some(ListParts { hits: edges((from, to), inside), days: Some(days) })
}

/// The parts of the first range before and after the second.
fn edges((from, to): (i64, i64), (start, end): (i64, i64)) -> Vec<(i64, i64)> {
    let all = [(from, start), (end, to)];
    all.into_iter().filter(|(from, to)| from < to).collect()
}

/// Whether only the consumers listed in the file's rollups are needed: no hits are read for others.
pub fn needs_listed_consumers_alone(pieces: &[Piece]) -> bool {
    let wanted = Needs::CONSUMERS | Needs::CONSUMER_SERIES;
    let is_listed = |piece: &Piece| match piece {
        Piece::Hits { .. } => false,
        Piece::Rollup { consumers_listed, .. } => *consumers_listed,
    };
    let needs = |piece: &Piece| match piece {
        Piece::Hits { needs, .. } | Piece::Rollup { needs, .. } => needs.has(wanted),
    };
    pieces.iter().filter(|piece| needs(piece)).all(is_listed)
}

/// The days to read from the file's rollups; none if its hits are read.
fn days_from_rollup(
    entry: &Entry,
    stats: &ProjectStats,
    query: &SumsQuery,
    filter: &Filter,
    rollup_from: u64,
) -> Option<(i32, i32)> {
    let sealed = entry.row.kind == FileKind::Sealed;
    if !sealed || !filter.conditions.is_empty() || !query.grid.is_aligned(QUARTER_US) {
        return None;
    }
    let days = days_inside(stats, &query.grid, range(stats, query))?;
    (rows_in(stats, days) >= rollup_from).then_some(days)
}

/// Whether the rollup of the whole file answers.
pub fn is_whole(
    entry: &Entry,
    stats: &ProjectStats,
    query: &SumsQuery,
    filter: &Filter,
    rollup_from: u64,
) -> bool {
    lies_in(stats, &query.grid)
        && days_from_rollup(entry, stats, query, filter, rollup_from).is_some()
}

fn lies_in(stats: &ProjectStats, grid: &Grid) -> bool {
    grid.from_us <= stats.min_time_us && grid.to_us > stats.max_time_us
}

/// Needs that rollups can answer. Of paths they have only the version.
fn rollable(values: &[Dimension]) -> Needs {
    let mut needs = Needs::STATUSES
        | Needs::HOURS
        | Needs::ENDPOINTS
        | Needs::LATENCY
        | Needs::LATENCY_SERIES
        | Needs::CONSUMERS
        | Needs::CONSUMER_SERIES
        | Needs::TRAFFIC
        | Needs::COUNTRIES;
    for kind in
        [TextKind::Host, TextKind::Agent, TextKind::Referrer, TextKind::Framework, TextKind::Sdk]
    {
        needs |= Needs::text(kind);
    }
    if !values.contains(&Dimension::Text(TextKind::Path)) {
        needs |= Needs::text(TextKind::Path);
    }
    needs
}

/// The whole days (numbers since 1970, the last excluded) of the period that the file covers.
fn days_inside(stats: &ProjectStats, grid: &Grid, (from, to): (i64, i64)) -> Option<(i32, i32)> {
    // Nothing comes before the file's first hit or after its last, so the day counts as whole.
    let first = if grid.from_us <= stats.min_time_us {
        from.div_euclid(DAY_US)
    } else {
        -(-from).div_euclid(DAY_US)
    };
    let last = if grid.to_us > stats.max_time_us {
        -(-to).div_euclid(DAY_US)
    } else {
        to.div_euclid(DAY_US)
    };
    let (first, last) = (i32::try_from(first).ok()?, i32::try_from(last).ok()?);
    (first >= 0 && first < last).then_some((first, last))
}

/// About how many hits of the project lie in these days, if they were spread evenly.
fn rows_in(stats: &ProjectStats, (first, last): (i32, i32)) -> u64 {
    let from = (i64::from(first) * DAY_US).max(stats.min_time_us);
    let to = (i64::from(last) * DAY_US).min(stats.max_time_us + 1);
    let length = (stats.max_time_us - stats.min_time_us).max(1);
    (stats.rows as f64 * ((to - from) as f64 / length as f64).clamp(0.0, 1.0)) as u64
}

/// The units (hours, days) that an edge of the grid splits, within the range; none if there are so many that everything
/// is read. A unit counts as of its start, so an edge matters even if the range has nothing before it, or after.
fn split_units(grid: &Grid, (from, to): (i64, i64), unit: i64) -> Option<Vec<(i64, i64)>> {
    if let Step::Fixed(us) = grid.step
        && us < unit
        && to - from > unit
    {
        return None;
    }
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    let (first, end) = (from.div_euclid(unit) * unit, -(-to).div_euclid(unit) * unit);
    for edge in grid.inner_edges().filter(|edge| *edge > first && *edge < end && edge % unit != 0) {
        let start = edge.div_euclid(unit) * unit;
        let range = (start.max(from), (start + unit).min(to));
        if ranges.last() != Some(&range) {
            ranges.push(range);
        }
        if ranges.len() > STRETCHES {
            return None;
        }
    }
    Some(ranges)
}
