//! Tables derived from a sealed file's hits, counts and rollups, made slice by slice: deriving all at once takes memory
//! that readers need, and blocks everything else.
//!
//! Small projects are derived together, a large one day by day; its rows for the whole file are the sums of its days'
//! rows, some ids at a time. Nothing here decides what is merged, or when.

mod consumers;
mod day_sums;
mod days;

use std::collections::HashSet;

use analytics::hit::ProjectId;
use analytics::tally::TallyLimits;
use duckdb::Connection;

use super::job_end::{EarlyEnd, Pause};
use crate::duckdb::column_scan::{Chunk, ColumnScans};
use crate::duckdb::failure::failed;
use crate::duckdb::renumber::NewNumbers;
use crate::duckdb::sql::derive::{self, BY_CONSUMER, Ids, Slice, WHOLE};
use crate::duckdb::sql::file::checkpoint;
use crate::types::StoreError;
use consumers::ListedConsumers;

const CONTEXT: &str = "deriving rollups";
const HOUR_US: i64 = 3_600_000_000;
const HOURS_OF_DAY: i64 = 24;

/// Which rollups are made, and how.
#[derive(Clone, Copy, Debug)]
pub struct Rollups {
    /// A project has rollups from this many hits.
    pub from_rows: u64,
    /// Hits processed at once, roughly.
    pub piece_rows: u64,
    /// The number of consumers beyond which they get no rows each, and how many are listed then.
    pub tally: TallyLimits,
}

/// A file that is being made.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub connection: &'a Connection,
    pub scans: &'a ColumnScans,
    pub new_numbers: &'a NewNumbers,
    /// Its name in the engine.
    pub into: &'a str,
}

impl Target<'_> {
    fn scan_columns(
        &self,
        statement: &str,
        take: impl Fn(&Chunk<'_>) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        self.scans.run(self.connection, statement, &[], take)
    }
}

/// Fills the derived tables of `into`, for one project if one is given. `pause` is called between slices, while nothing
/// is held open.
pub fn derive(
    target: Target<'_>,
    only: Option<ProjectId>,
    rollups: Rollups,
    pause: Pause<'_>,
) -> Result<(), EarlyEnd> {
    let Target { connection, into, .. } = target;
    let only = only.map(|project| project.0);
    let run = |statement: &str| connection.execute_batch(statement).map_err(failed(CONTEXT));
    // Writes the last slice's incomplete row group from memory to the file.
    let rest = || {
        run(&checkpoint(into))?;
        pause()
    };
    run(&derive::projects(into, only))?;
    let large = derive::large_projects(into, rollups.from_rows, only);
    let large: Vec<(u32, u64)> =
        pairs(connection, &large)?.map(|(project, rows)| (project as u32, rows as u64)).collect();
    let many = derive::consumers::with_many_texts(into, rollups.tally.listed_whole);
    let many: HashSet<u32> = pairs(connection, &many)?.map(|(project, _)| project as u32).collect();
    for (projects, rows) in groups(&large, rollups.piece_rows) {
        // A project processed in parts.
        let alone = (rows > rollups.piece_rows).then_some(projects[0]);
        let (mut listed, mut others) = (Vec::new(), Vec::new());
        for project in &projects {
            match many.contains(project) {
                true => match ListedConsumers::find(target, *project, rollups.tally)? {
                    Some(consumers) => listed.push(consumers),
                    None => others.push(*project),
                },
                false => others.push(*project),
            }
        }
        target.new_numbers.know_versions(connection, into, &projects)?;
        let cuts = if let Some(alone) = alone {
            let hours: Vec<(i64, u64)> = pairs(connection, &derive::hours(into, alone))?
                .map(|(hour, rows)| (hour, rows as u64))
                .collect();
            cuts(&hours, rollups.piece_rows)
        } else {
            Vec::new()
        };
        let from = std::iter::once(None).chain(cuts.iter().copied().map(Some));
        let to = cuts.iter().copied().map(Some).chain([None]);
        for (from_us, to_us) in from.zip(to) {
            rest()?;
            let slice = Slice { projects: projects.clone(), from_us, to_us };
            let mut sums = days::sum_up(target, &slice)?;
            for consumers in &listed {
                consumers.append_days(&mut sums)?;
            }
            days::append(target, sums)?;
        }
        target.new_numbers.end();
        for (n, (table, _)) in WHOLE.iter().enumerate() {
            let projects = if *table == BY_CONSUMER { &others } else { &projects };
            let ranges = if let Some(alone) = alone {
                let greatest: u32 = connection
                    .query_row(&derive::greatest(into, alone)[n], [], |row| row.get(0))
                    .map_err(failed(CONTEXT))?;
                id_ranges(greatest, rollups.piece_rows)
            } else {
                vec![None]
            };
            for ids in ranges {
                if alone.is_some() {
                    rest()?;
                }
                run(&derive::whole(into, projects, n, ids))?;
            }
        }
        for consumers in &listed {
            rest()?;
            consumers.derive_whole()?;
        }
        for project in projects {
            if alone.is_some() {
                rest()?;
            }
            run(&derive::consumer_latency(into, project))?;
        }
    }
    Ok(())
}

fn pairs(
    connection: &Connection,
    statement: &str,
) -> Result<impl Iterator<Item = (i64, i64)> + use<>, StoreError> {
    let mut statement = connection.prepare(statement).map_err(failed(CONTEXT))?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .map_err(failed(CONTEXT))?;
    Ok(rows.collect::<Result<Vec<_>, _>>().map_err(failed(CONTEXT))?.into_iter())
}

/// Projects that are processed together, with their hits. A project that is larger than a piece is alone.
fn groups(projects: &[(u32, u64)], piece_rows: u64) -> Vec<(Vec<u32>, u64)> {
    let mut groups: Vec<(Vec<u32>, u64)> = Vec::new();
    for &(project, rows) in projects {
        match groups.last_mut() {
            Some((group, sum)) if *sum + rows <= piece_rows => {
                group.push(project);
                *sum += rows;
            }
            _ => groups.push((vec![project], rows)),
        }
    }
    groups
}

/// Start times of slices, from the hits of each hour: about `piece_rows` hits lie between two. Slices begin with a day,
/// or with an hour if a day alone is larger.
fn cuts(hours: &[(i64, u64)], piece_rows: u64) -> Vec<i64> {
    let mut cuts = Vec::new();
    let mut sum = 0;
    for day in hours.chunk_by(|(one, _), (other, _)| day_of(*one) == day_of(*other)) {
        let rows: u64 = day.iter().map(|(_, rows)| rows).sum();
        if sum > 0 && sum + rows > piece_rows {
            cuts.push(day_of(day[0].0) * HOURS_OF_DAY * HOUR_US);
            sum = 0;
        }
        if rows <= piece_rows {
            sum += rows;
            continue;
        }
        for &(hour, rows) in day {
            if sum > 0 && sum + rows > piece_rows {
                cuts.push(hour * HOUR_US);
                sum = 0;
            }
            sum += rows;
        }
    }
    cuts
}

fn day_of(hour: i64) -> i64 {
    hour.div_euclid(HOURS_OF_DAY)
}

/// Ranges of this many ids up to the greatest; none if one statement may process them all.
fn id_ranges(greatest: u32, size: u64) -> Vec<Option<Ids>> {
    let size = u32::try_from(size).unwrap_or(u32::MAX).max(1);
    if greatest < size {
        return vec![None];
    }
    (0..=greatest / size).map(|n| Some((n * size, (n * size).saturating_add(size - 1)))).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use analytics::hit::TextKind;
    use analytics::tally::Distinct;

    use super::*;
    use crate::duckdb::job_end::GaveWayTo;

    #[test]
    fn slices_begin_with_days_and_only_a_large_day_is_cut_by_hours() {
        let day = |n: i64| n * HOURS_OF_DAY;
        let us = |hour: i64| hour * HOUR_US;
        let hours = [
            (day(1) + 3, 40),
            (day(1) + 9, 20),
            (day(2), 30),
            (day(3) + 23, 20),
            (day(4), 90),
            (day(4) + 1, 30),
            (day(4) + 2, 60),
            (day(9), 10),
            (day(10), 1),
        ];
        let found = cuts(&hours, 100);
        let wanted = [us(day(3)), us(day(4)), us(day(4) + 1), us(day(10))];
        assert_eq!(found, wanted);
        assert_eq!(cuts(&[(5, 1_000)], 100), [0; 0]);
        assert_eq!(cuts(&[], 100), [0; 0]);
    }

    #[test]
    fn ids_are_cut_where_they_are_many() {
        assert_eq!(id_ranges(9, 10), [None]);
        assert_eq!(id_ranges(25, 10), [Some((0, 9)), Some((10, 19)), Some((20, 29))]);
        assert_eq!(id_ranges(10, 10), [Some((0, 9)), Some((10, 19))]);
    }

    #[test]
    fn small_projects_are_looked_at_together_and_a_large_one_alone() {
        let found = groups(&[(1, 30), (2, 300), (3, 10), (7, 80), (9, 11)], 100);
        assert_eq!(found, [(vec![1], 30), (vec![2], 300), (vec![3, 7], 90), (vec![9], 11)]);
    }

    const TABLES: [(&str, &str); 9] = [
        (
            "by_quarter",
            "project, quarter, status, sum(requests), sum(request_bytes), sum(response_bytes), sum(sized)",
        ),
        ("by_hour", "project, hour, sum(duration_us)"),
        ("by_latency", "project, hour, latency, sum(requests)"),
        (
            "by_endpoint",
            "project, day, method, route, sum(requests), sum(client_errors), sum(server_errors), max(last_us)",
        ),
        ("by_endpoint_latency", "project, day, method, route, latency, sum(requests)"),
        ("by_value", "project, day, kind, value, sum(requests), sum(errors)"),
        (
            "by_consumer",
            "project, day, user_id, address, max((country_us, country)), sum(requests), max(last_us)",
        ),
        ("by_consumer_latency", "project, user_id, address, latency, sum(requests)"),
        ("by_consumer_rest", "project, day, sum(requests)"),
    ];

    /// Both projects have more consumers; the lists have room for all, so that they add up however they are cut.
    fn long_lists() -> TallyLimits {
        TallyLimits { listed_whole: 10, listed_of_day: 1_000, ..TallyLimits::default() }
    }

    /// A target with the file that `filled` makes.
    fn target<'a>(
        connection: &'a Connection,
        scans: &'a ColumnScans,
        new_numbers: &'a NewNumbers,
    ) -> Target<'a> {
        Target { connection, scans, new_numbers, into: "f" }
    }

    /// A file with some days' hits of two projects, and its derived tables.
    fn derived(
        piece_rows: u64,
        from_rows: u64,
        tally: TallyLimits,
        pause: Pause<'_>,
    ) -> Result<Vec<Vec<String>>, EarlyEnd> {
        let (connection, scans, new_numbers) = filled();
        let target = target(&connection, &scans, &new_numbers);
        derive(target, None, Rollups { from_rows, piece_rows, tally }, pause)?;
        let rows = |(table, sums): &(&str, &str)| {
            let text = format!("SELECT ({sums})::VARCHAR FROM f.{table} GROUP BY ALL ORDER BY ALL");
            let text = text.replace("SELECT (", "SELECT row(");
            let grouped = sums.split(", sum(").next().unwrap().split(", max(").next().unwrap();
            let text = text.replace("GROUP BY ALL", &format!("GROUP BY {grouped}"));
            let mut statement = connection.prepare(&text).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect::<Vec<_>>()
        };
        Ok(TABLES.iter().map(rows).collect())
    }

    /// A sealed file `f` without rows.
    pub fn empty_file() -> (Connection, ColumnScans, NewNumbers) {
        let connection = Connection::open_in_memory().unwrap();
        let scans = ColumnScans::default();
        scans.register(&connection).unwrap();
        let new_numbers = NewNumbers::default();
        new_numbers.register(&connection).unwrap();
        crate::duckdb::functions::register(&connection).unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run("ATTACH ':memory:' AS f");
        run(&crate::duckdb::sql::file::create_sealed("f"));
        (connection, scans, new_numbers)
    }

    /// A file `f` with hits.
    fn filled() -> (Connection, ColumnScans, NewNumbers) {
        let (connection, scans, new_numbers) = empty_file();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run("INSERT INTO f.hits (project, time_us, batch, place, duration_us, status, country, request_size,
                 response_size, method, host, path, route, agent, address, user_id, referrer, framework, sdk)
             SELECT CASE WHEN i < 700 THEN 1 ELSE 2 END, i * 3_600_000_000 // 7, i // 10, i % 10,
                 (i * 37) % 1_000, 200 + 100 * (i % 4), (i % 3) * 40, NULL, i % 5,
                 i % 2 + 1, 0, i % 90 + 1, i % 6 + 1, i % 4, i % 8, i % 30, 1, 1, 0
             FROM range(1_000) r(i) ORDER BY ALL");
        run("INSERT INTO f.strings (kind, project, number, base, literal, version)
             SELECT 2, p, i, 0, 'text ' || i, CASE WHEN i % 3 > 0 THEN 'v' || i % 3 END
             FROM range(1, 91) r(i), (VALUES (1), (2)) t(p)");
        for kind in [TextKind::User as u8, TextKind::Address as u8] {
            run(&format!(
                "INSERT INTO f.strings (kind, project, number, base, literal) SELECT {kind}, p, i, 0, 'who ' || i
                 FROM range(1, 31) r(i), (VALUES (1), (2)) t(p)"
            ));
        }
        (connection, scans, new_numbers)
    }

    #[test]
    fn of_many_consumers_the_busiest_have_rows_and_the_others_a_sketch() {
        let (connection, scans, new_numbers) = filled();
        let target = target(&connection, &scans, &new_numbers);
        let tally =
            TallyLimits { listed_whole: 10, listed_of_file: 5, listed_of_day: 4, ..long_lists() };
        derive(target, None, Rollups { from_rows: 0, piece_rows: 60, tally }, &|| Ok(())).unwrap();
        let numbers = |text: &str| -> Vec<[u64; 4]> {
            let mut statement = connection.prepare(text).unwrap();
            let numbers =
                |row: &duckdb::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
            statement.query_map([], numbers).unwrap().map(Result::unwrap).collect()
        };
        // day + 1 (0: the whole file), consumers, hits of the busiest, hits of all.
        let who = "CASE WHEN user_id > 0 THEN user_id ELSE 1000 + address END";
        let wanted = |day: &str| {
            format!(
                "SELECT day::UBIGINT, count(*)::UBIGINT, max(hits)::UBIGINT, sum(hits)::UBIGINT FROM (
                     SELECT project, {day} AS day, {who} AS who, count(*) AS hits FROM f.hits
                     WHERE user_id > 0 OR address > 0 GROUP BY ALL) WHERE project = 1 GROUP BY day ORDER BY day"
            )
        };
        let mut days = numbers(&wanted("0"));
        days.extend(numbers(&wanted("time_us // 86400000000 + 1")));
        assert!(days.len() > 4 && days[0][1] > 15, "{days:?}");
        for [day, consumers, busiest, hits] in days {
            let day = day as i64 - 1;
            let listed = format!(
                "SELECT count(*)::UBIGINT, max(hits)::UBIGINT, sum(hits)::UBIGINT, count(DISTINCT identity)::UBIGINT FROM (
                     SELECT user_id, address, identity, sum(requests) AS hits FROM f.by_consumer
                     WHERE project = 1 AND day = {day} GROUP BY ALL)"
            );
            let [rows, most, listed, identities] = numbers(&listed)[0];
            assert_eq!(identities, rows, "a consumer has one identity");
            let mut statement = connection
                .prepare("SELECT most, requests, sketch FROM f.by_consumer_rest WHERE project = 1 AND day = ?")
                .unwrap();
            let rest = statement.query_map([day], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, Vec<u8>>(2)?))
            });
            let (mut unlisted, mut seen) = ((0, 0), Distinct::new(1_000));
            for (most, requests, sketch) in rest.unwrap().map(Result::unwrap) {
                unlisted = (unlisted.0 + most, unlisted.1 + requests);
                seen.merge(&Distinct::from_bytes(&sketch).unwrap());
            }
            assert_eq!(seen.count().count, consumers, "day {day}");
            assert_eq!(listed + unlisted.1, hits, "day {day}");
            assert!(most <= busiest && busiest <= most + unlisted.0, "day {day}");
            assert!(unlisted.0 > 0 && rows < consumers, "day {day} lists all of its consumers");
        }
    }

    #[test]
    fn however_it_is_cut_the_same_follows() {
        let whole = derived(10_000, 0, long_lists(), &|| Ok(())).unwrap();
        for (rows, (table, _)) in whole.iter().zip(TABLES) {
            assert!(rows.len() > 8, "{table} has {} rows", rows.len());
        }
        for piece_rows in [400, 60] {
            let pauses = Cell::new(0);
            let cut = derived(piece_rows, 0, long_lists(), &|| {
                pauses.set(pauses.get() + 1);
                Ok(())
            });
            for ((cut, whole), (table, _)) in cut.unwrap().iter().zip(&whole).zip(TABLES) {
                assert_eq!(cut, whole, "{table} in pieces of {piece_rows}");
            }
            assert!(pauses.get() >= 1_000 / piece_rows, "{} pauses", pauses.get());
        }
    }

    #[test]
    fn whoever_cannot_wait_interrupts_it_between_any_two_slices() {
        let pauses = Cell::new(0);
        let count = || {
            pauses.set(pauses.get() + 1);
            Ok(())
        };
        derived(200, 0, long_lists(), &count).unwrap();
        let all = pauses.get();
        assert!(all > 15, "{all} pauses");
        for stop in [1, 2, all / 2, all - 1, all] {
            pauses.set(0);
            let interrupted = derived(200, 0, long_lists(), &|| {
                pauses.set(pauses.get() + 1);
                if pauses.get() == stop {
                    Err(EarlyEnd::GaveWay(GaveWayTo::OtherJob))
                } else {
                    Ok(())
                }
            });
            assert!(matches!(interrupted, Err(EarlyEnd::GaveWay(GaveWayTo::OtherJob))));
            assert_eq!(pauses.get(), stop, "nothing is done after it");
        }
    }

    #[test]
    fn of_small_projects_nothing_is_rolled_up() {
        let both = derived(100, 300, long_lists(), &|| Ok(())).unwrap();
        let large = derived(100, 301, long_lists(), &|| Ok(())).unwrap();
        for ((both, large), (table, _)) in both.iter().zip(&large).zip(TABLES) {
            assert!(both.iter().any(|row| row.starts_with("(2,")), "{table}");
            assert!(large.iter().any(|row| row.starts_with("(1,")), "{table}");
            assert!(!large.iter().any(|row| row.starts_with("(2,")), "{table}");
        }
        assert!(
            derived(100, 701, TallyLimits::default(), &|| Ok(()))
                .unwrap()
                .iter()
                .all(Vec::is_empty)
        );
    }
}
