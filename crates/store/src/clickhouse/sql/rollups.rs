//! Rollups: sums that the server keeps beside the hits of each part, as projections of the table `hits`. It derives them
//! when it inserts, merges, erases and changes hits, so they are never apart from the hits.
//!
//! A statement is answered from a projection if it groups hits by the same expressions and adds up the same sums, so both
//! are made of the texts here. A part without it (of a table that is just being brought up to date) is read hit by hit.
//!
//! Whether a unit is long or short was measured on a year of 3 million hits (kind), bytes a hit: durations by hour 2.0, by
//! 3 hours 0.9; endpoints by day 0.2; their durations by week 0.5; statuses by quarter 0.15; sketches by day 0.2; all
//! words by day 0.03. Consumers by day took 18 bytes a hit where each hit has its own, and gained nothing there.

use analytics::grid::{DAY_US, Grid, QUARTER_US};
use analytics::hit::TextKind;
use analytics::tally::{Dimension, NO_LATENCY};

/// Sums of hits by some columns and by units of time, counted from 1970 in UTC.
#[derive(Debug, PartialEq, Eq)]
pub struct Rollup {
    pub name: &'static str,
    unit_us: i64,
    columns: &'static [&'static str],
    sums: &'static [&'static str],
}

pub const REQUESTS: &str = "count()";
pub const CLIENT_ERRORS: &str = "countIf(status BETWEEN 400 AND 499)";
pub const SERVER_ERRORS: &str = "countIf(status >= 500)";
pub const REQUEST_BYTES: &str = "sum(ifNull(request_size, 0))";
pub const RESPONSE_BYTES: &str = "sum(ifNull(response_size, 0))";
pub const SIZED: &str = "countIf(request_size IS NOT NULL OR response_size IS NOT NULL)";
pub const LAST_US: &str = "max(time_us)";
pub const DURATION_US: &str = "sum(ifNull(duration_us, 0))";

/// A consumer as a number. All hits without one have the same (`nobody`).
macro_rules! consumer {
    () => {
        "if(user_id != '', cityHash64(user_id), cityHash64(address_ip, address_other))"
    };
}
/// The consumer of `::` and "".
macro_rules! nobody {
    () => {
        "14693004795507234827"
    };
}
pub const CONSUMER: &str = consumer!();
pub const HAS_CONSUMER: &str =
    "(user_id != '' OR address_ip != toIPv6('::') OR address_other != '')";

/// A sketch of consumers with 8,192 registers: its standard error is 1.2 %.
pub const SKETCH: &str = concat!("uniqCombined64State(13)(", consumer!(), ")");
pub const WITHOUT_CONSUMER: &str = concat!("countIf(", consumer!(), " = ", nobody!(), ")");
/// A sketch is exact up to 256 values.
pub const SKETCHED_EXACTLY: u64 = 200;

const COUNTS: &[&str] = &[REQUESTS, CLIENT_ERRORS, SERVER_ERRORS];

const fn rollup(
    name: &'static str,
    unit_us: i64,
    columns: &'static [&'static str],
    sums: &'static [&'static str],
) -> Rollup {
    Rollup { name, unit_us, columns, sums }
}

pub static STATUSES: Rollup =
    rollup("statuses", QUARTER_US, &["status"], &[REQUESTS, REQUEST_BYTES, RESPONSE_BYTES, SIZED]);
/// An edge of a bucket may lie in a unit, for instance midnight in most zones: these units are read from hits.
pub static DURATIONS: Rollup =
    rollup("durations", DAY_US / 8, &["latency"], &[REQUESTS, DURATION_US]);
/// The digest of some hits: another one if hits have come or gone, or have another consumer, country or route. Nothing else
/// of a stored hit changes.
pub const DIGEST: &str = concat!("sum(cityHash64(hit_id, country, route, ", consumer!(), "))");
pub static DAYS: Rollup = rollup("digests", DAY_US, &[], &[REQUESTS, DIGEST]);
pub static CONSUMERS: Rollup = rollup("consumers", DAY_US, &[], &[SKETCH, WITHOUT_CONSUMER]);
pub static ENDPOINTS: Rollup = rollup(
    "endpoints",
    DAY_US,
    &["method", "route"],
    &[REQUESTS, CLIENT_ERRORS, SERVER_ERRORS, LAST_US, REQUEST_BYTES, RESPONSE_BYTES],
);
pub static ENDPOINT_DURATIONS: Rollup =
    rollup("endpoint_durations", 7 * DAY_US, &["method", "route", "latency"], &[REQUESTS]);
pub static COUNTRIES: Rollup = rollup("countries", DAY_US, &["country"], COUNTS);
pub static VERSIONS: Rollup = rollup("versions", DAY_US, &["version"], COUNTS);
pub static REFERRERS: Rollup = rollup("referrers", DAY_US, &["referrer"], COUNTS);
// These go together: a pair or three of them has few values, and one projection costs an insert less than three.
pub static AGENTS: Rollup = rollup("agents", DAY_US, &["client", "os", "device"], COUNTS);
pub static SENDERS: Rollup = rollup("senders", DAY_US, &["host", "framework", "sdk"], COUNTS);

pub static ALL: [&Rollup; 11] = [
    &DAYS,
    &STATUSES,
    &DURATIONS,
    &CONSUMERS,
    &ENDPOINTS,
    &ENDPOINT_DURATIONS,
    &COUNTRIES,
    &VERSIONS,
    &REFERRERS,
    &AGENTS,
    &SENDERS,
];

/// The columns of the values that rollups have.
pub fn value_columns() -> impl Iterator<Item = &'static str> {
    let rollups = [&COUNTRIES, &VERSIONS, &REFERRERS, &AGENTS, &SENDERS];
    rollups.into_iter().flat_map(|rollup| rollup.columns.iter().copied())
}

/// The rollup that has the hits by this value; none of texts that may be as many as hits.
pub fn of_value(value: Dimension) -> Option<&'static Rollup> {
    match value {
        Dimension::Country => Some(&COUNTRIES),
        Dimension::Version => Some(&VERSIONS),
        Dimension::Client | Dimension::Os | Dimension::Device => Some(&AGENTS),
        Dimension::Text(TextKind::Referrer) => Some(&REFERRERS),
        Dimension::Text(TextKind::Host | TextKind::Framework | TextKind::Sdk) => Some(&SENDERS),
        Dimension::Text(_) => None,
    }
}

/// requests, client_errors, server_errors.
pub fn counts() -> String {
    format!(
        "toUInt64({REQUESTS}) AS requests, toUInt64({CLIENT_ERRORS}) AS client_errors,
             toUInt64({SERVER_ERRORS}) AS server_errors"
    )
}

/// The condition that a hit has a duration, by a column of `DURATIONS`.
pub fn has_duration() -> String {
    format!("latency != {NO_LATENCY}")
}

/// The settings of a statement that no rollup answers. In a subquery the server ignores the first and looks for one all the
/// same, so it is told of the smallest alone: planning took 11 ms of processor time with all of them, and 7 with one.
pub const FROM_HITS: &str =
    "optimize_use_projections = 0, preferred_optimize_projection_name = 'digests'";

/// A part of a question's hits that one statement reads: `time` is the expression of a hit's time in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub time: String,
    pub condition: String,
    /// The rollup that has it.
    pub rollup: Option<&'static Rollup>,
}

impl Stretch {
    /// The setting of a statement that reads it.
    pub fn setting(&self) -> String {
        self.rollup.map_or_else(|| FROM_HITS.to_owned(), Rollup::setting)
    }
}

impl Rollup {
    /// The setting of a statement that is answered from it. By default the server compares the statement with each of its
    /// projections: that took a fifth of the time of a statement that reads few rows.
    pub fn setting(&self) -> String {
        format!("preferred_optimize_projection_name = '{}'", self.name)
    }

    /// The unit of a hit's time.
    pub fn unit(&self) -> String {
        format!("intDiv(time_us, {})", self.unit_us)
    }

    /// `table`: also with `ON CLUSTER`.
    pub fn add(&self, table: &str) -> String {
        format!("ALTER TABLE {table} ADD PROJECTION IF NOT EXISTS {}", self.definition())
    }

    /// Its name and what it has.
    pub fn definition(&self) -> String {
        let groups: Vec<String> = ["project".to_owned(), self.unit()]
            .into_iter()
            .chain(self.columns.iter().map(|column| (*column).to_owned()))
            .collect();
        let groups = groups.join(", ");
        format!("{} (SELECT {groups}, {} GROUP BY {groups})", self.name, self.sums.join(", "))
    }

    /// Derives it for parts that were written before it was added. Goes on in the background.
    pub fn materialize(&self, table: &str) -> String {
        format!(
            "ALTER TABLE {table} MATERIALIZE PROJECTION {} SETTINGS mutations_sync = 0",
            self.name
        )
    }

    /// The hits of a project in a period as those of whole units, which the rollup has, and the others. None if it has
    /// too few of them. `grid`: its edges divide the hits, so a unit with an edge inside is not whole.
    pub fn stretches(
        &'static self,
        project: u32,
        (from_us, to_us): (i64, i64),
        grid: Option<&Grid>,
    ) -> Option<Vec<Stretch>> {
        let us = self.unit_us;
        // Before 1970 the server's division rounds the other way.
        if from_us <= 0 {
            return None;
        }
        let (first, last) =
            (from_us.div_euclid(us) + i64::from(from_us % us > 0), to_us.div_euclid(us));
        let mut split: Vec<i64> = grid
            .into_iter()
            .flat_map(Grid::inner_edges)
            .filter(|edge| edge % us != 0)
            .map(|edge| edge.div_euclid(us))
            .filter(|unit| (first..last).contains(unit))
            .collect();
        split.dedup();
        if last - first <= 2 * split.len() as i64 {
            return None;
        }
        let unit = self.unit();
        let (start, end) = (first * us, last * us);
        let mut whole = format!("project = {project} AND {unit} >= {first} AND {unit} < {last}");
        let mut others = format!("time_us < {start} OR time_us >= {end}");
        if !split.is_empty() {
            let list = split.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            whole = format!("{whole} AND {unit} NOT IN ({list})");
            others = format!("{others} OR {unit} IN ({list})");
        }
        let time = format!("{unit} * {us}");
        let mut stretches = vec![Stretch { time, condition: whole, rollup: Some(self) }];
        if (start, end) != (from_us, to_us) || !split.is_empty() {
            let condition = format!(
                "project = {project} AND time_us >= {from_us} AND time_us < {to_us} AND ({others})"
            );
            let time = "time_us".to_owned();
            stretches.push(Stretch { time, condition, rollup: None });
        }
        Some(stretches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analytics::period::parse_zone;

    const HOUR_US: i64 = DAY_US / 24;

    #[test]
    fn a_period_is_whole_units_and_the_rest_of_its_hits() {
        let found = STATUSES.stretches(7, (QUARTER_US + 1, 4 * QUARTER_US + 5), None).unwrap();
        assert_eq!(
            found.iter().map(|stretch| stretch.condition.as_str()).collect::<Vec<_>>(),
            [
                "project = 7 AND intDiv(time_us, 900000000) >= 2 AND intDiv(time_us, 900000000) < 4",
                "project = 7 AND time_us >= 900000001 AND time_us < 3600000005 AND (time_us < 1800000000 OR time_us >= 3600000000)"
            ]
        );
        assert_eq!(STATUSES.stretches(7, (QUARTER_US, 2 * QUARTER_US), None).unwrap().len(), 1);
        assert!(STATUSES.stretches(7, (1, QUARTER_US), None).is_none());
        assert!(STATUSES.stretches(7, (-QUARTER_US, 9 * QUARTER_US), None).is_none());
    }

    #[test]
    fn a_statement_of_hits_is_compared_with_a_rollup_that_is_there() {
        assert!(FROM_HITS.ends_with(&DAYS.setting()), "{FROM_HITS}");
    }

    #[test]
    fn a_unit_with_an_edge_of_a_bucket_inside_is_not_whole() {
        let grid = |zone: &str| {
            let days = 80 * DAY_US;
            Grid::over(365 * DAY_US - HOUR_US, 365 * DAY_US + days, &parse_zone(zone).unwrap())
                .unwrap()
        };
        let range = |grid: &Grid| (grid.from_us, grid.to_us);
        let (utc, berlin) = (grid("UTC"), grid("Europe/Berlin"));
        let found = DURATIONS.stretches(1, range(&utc), Some(&utc)).unwrap();
        let whole = &found[0];
        assert!(!whole.condition.contains("NOT IN"), "{}", whole.condition);
        let found = DURATIONS.stretches(1, range(&berlin), Some(&berlin)).unwrap();
        let [whole, others] = found.as_slice() else { panic!("{found:?}") };
        let list = whole.condition.split("NOT IN (").nth(1).expect("units with a midnight");
        assert_eq!(list.split(", ").count(), 80);
        assert!(others.condition.contains(list.trim_end_matches(')')));
        // Every day has a midnight.
        assert!(CONSUMERS.stretches(1, range(&berlin), Some(&berlin)).is_none());
        assert!(CONSUMERS.stretches(1, range(&utc), Some(&utc)).is_some());
    }
}
