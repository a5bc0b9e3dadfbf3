//! Hits by status, by hour of the week and by duration, in one statement. Those of the three that are read from the same
//! hits are read at once.

use analytics::grid::{DAY_US, Grid, QUARTER_US};
use analytics::tally::NO_LATENCY;

use super::rollups::{
    self, DURATION_US, REQUEST_BYTES, REQUESTS, RESPONSE_BYTES, Rollup, SIZED, Stretch,
};
use super::schema::LATENCY;
use super::sums::{Hits, bucket};

/// A kind of groups of hits. The numbers are in the rows of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    Statuses = 0,
    /// Of the local week, from Monday.
    Hours = 1,
    /// Buckets of durations, without hits that have none.
    Durations = 2,
}

/// The sums of a row in their order.
const SUMS: [(&str, &str); 5] = [
    (REQUESTS, "requests"),
    (REQUEST_BYTES, "request_bytes"),
    (RESPONSE_BYTES, "response_bytes"),
    (SIZED, "sized"),
    (DURATION_US, "duration_us"),
];

impl Series {
    pub const ALL: [Series; 3] = [Series::Statuses, Series::Hours, Series::Durations];

    pub fn number(self) -> u8 {
        self as u8
    }

    /// Those that its rows have; other sums are 0.
    fn sums(self) -> &'static [&'static str] {
        match self {
            Series::Statuses => &[REQUESTS, REQUEST_BYTES, RESPONSE_BYTES, SIZED],
            Series::Hours => &[REQUESTS],
            Series::Durations => &[REQUESTS, DURATION_US],
        }
    }

    fn rollup(self, grid: &Grid) -> Option<&'static Rollup> {
        match self {
            Series::Statuses => Some(&rollups::STATUSES),
            // All offsets of today's zones are whole quarters.
            Series::Hours => {
                let offsets = grid.offsets();
                let are_quarters = offsets.iter().all(|(_, offset)| offset % QUARTER_US == 0)
                    && offsets[1..].iter().all(|(from, _)| from % QUARTER_US == 0);
                are_quarters.then_some(&rollups::STATUSES)
            }
            Series::Durations => Some(&rollups::DURATIONS),
        }
    }

    /// The expression of what hits are grouped by. `time`: of a hit.
    fn key(self, grid: &Grid, time: &str) -> String {
        match self {
            Series::Statuses => "status".to_owned(),
            Series::Hours => hour(grid, time),
            Series::Durations => LATENCY.to_owned(),
        }
    }
}

fn hour(grid: &Grid, time: &str) -> String {
    let offsets = grid.offsets();
    let mut local = offsets[0].1.to_string();
    for (from, offset) in &offsets[1..] {
        local = format!("if({time} < {from}, {local}, {offset})");
    }
    let (local, hour_us) = (format!("({time} + {local})"), DAY_US / 24);
    // The first of January 1970 was a Thursday.
    format!(
        "toUInt16(positiveModulo(intDiv({local} - positiveModulo({local}, {hour_us}), {hour_us}) + 72, 168))"
    )
}

/// series, bucket, number (the status, the hour, or the bucket of durations), and sums. There may be several rows of a bucket and
/// number, to be added up. `asked`: with true by the grid's buckets, else all in one.
pub fn series(hits: &Hits, grid: &Grid, asked: &[(Series, bool)]) -> String {
    let of = |(series, by_bucket): &(Series, bool)| {
        hits.stretches(series.rollup(grid), by_bucket.then_some(grid))
    };
    let mut stretches: Vec<Vec<Stretch>> = asked.iter().map(of).collect();
    // Once all hits are read for one of them, rollups would only cost more.
    let is_all = |stretches: &Vec<Stretch>| stretches.iter().all(|part| part.rollup.is_none());
    if stretches.iter().any(is_all) {
        stretches.fill(hits.stretches(None, None));
    }
    let mut reads: Vec<(&Stretch, Vec<(Series, bool)>)> = Vec::new();
    for (part, stretches) in asked.iter().zip(&stretches) {
        for stretch in stretches {
            let same = |(other, _): &&mut (&Stretch, Vec<(Series, bool)>)| {
                *other == stretch && stretch.rollup.is_none()
            };
            match reads.iter_mut().find(same) {
                Some((_, parts)) => parts.push(*part),
                None => reads.push((stretch, vec![*part])),
            }
        }
    }
    let read = |(stretch, parts): &(&Stretch, Vec<(Series, bool)>)| match parts.as_slice() {
        [part] => one(stretch, grid, *part),
        parts => several(stretch, grid, parts),
    };
    reads.iter().map(read).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Of which the rows of these series have what they need.
fn sums(of: &[(Series, bool)]) -> String {
    let sum = |(sum, name): &(&str, &str)| match of.iter().any(|(one, _)| one.sums().contains(sum))
    {
        true => format!("toUInt64({sum}) AS {name}"),
        false => format!("toUInt64(0) AS {name}"),
    };
    SUMS.iter().map(sum).collect::<Vec<_>>().join(", ")
}

fn one(stretch: &Stretch, grid: &Grid, (series, by_bucket): (Series, bool)) -> String {
    let has_number = match series {
        Series::Durations => format!(" AND {}", rollups::has_duration()),
        _ => String::new(),
    };
    format!(
        "SELECT * FROM (SELECT toUInt8({}) AS series, {} AS bucket, toUInt16({}) AS number, {}
             FROM hits WHERE {}{has_number} GROUP BY bucket, number SETTINGS {})",
        series.number(),
        bucket(by_bucket.then_some(grid), &stretch.time),
        series.key(grid, &stretch.time),
        sums(&[(series, by_bucket)]),
        stretch.condition,
        stretch.setting(),
    )
}

fn several(stretch: &Stretch, grid: &Grid, parts: &[(Series, bool)]) -> String {
    let has_buckets = grid.buckets() > 1 && parts.iter().any(|(_, by_bucket)| *by_bucket);
    let (mut keys, mut sets) = (Vec::new(), Vec::new());
    if has_buckets {
        keys.push(format!("{} AS at", bucket(Some(grid), &stretch.time)));
    }
    let (mut which, mut number) = (String::new(), String::new());
    for (series, by_bucket) in parts {
        let n = series.number();
        keys.push(format!("{} AS k{n}", series.key(grid, &stretch.time)));
        sets.push(if *by_bucket && has_buckets {
            format!("(at, k{n})")
        } else {
            format!("(k{n})")
        });
        which = format!("{which}grouping(k{n}) = 0, {n}, ");
        number = format!("{number}series = {n}, k{n}, ");
    }
    format!(
        "SELECT series, {} AS bucket, toUInt16(multiIf({number}0)) AS number, {}
         FROM (SELECT toUInt8(multiIf({which}0)) AS series, {}, {}
             FROM hits WHERE {} GROUP BY GROUPING SETS ({}) SETTINGS {})
         WHERE NOT (series = {} AND number = {NO_LATENCY})",
        if has_buckets { "at" } else { "toInt64(0)" },
        SUMS.map(|(_, name)| name).join(", "),
        keys.join(", "),
        sums(parts),
        stretch.condition,
        sets.join(", "),
        stretch.setting(),
        Series::Durations.number(),
    )
}

#[cfg(test)]
mod tests {
    use analytics::filter;
    use analytics::hit::ProjectId;
    use analytics::period::parse_zone;
    use analytics::query::ProjectScope;

    use super::*;

    #[test]
    fn hits_are_read_once_where_one_series_needs_all_of_them() {
        let scope = ProjectScope::granted(ProjectId(1), filter::parse("").unwrap());
        let reads = |days: i64, q: &str| {
            let range = (400 * DAY_US, (400 + days) * DAY_US);
            let grid = Grid::over(range.0, range.1, &parse_zone("UTC").unwrap()).unwrap();
            let hits = Hits::of(&scope, range, &filter::parse(q).unwrap());
            series(&hits, &grid, &Series::ALL.map(|series| (series, series != Series::Hours)))
                .matches("FROM hits")
                .count()
        };
        assert_eq!(reads(100, "status:5xx"), 1);
        assert_eq!(reads(100, ""), 3);
        // Buckets of an hour are shorter than the units of durations.
        assert_eq!(reads(3, ""), 1);
    }
}
