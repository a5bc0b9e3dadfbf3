//! What follows from a sealed file's hits, counts and rollups, made slice by slice: deriving all at once takes memory that
//! readers need, and nothing else can be done meanwhile.
//!
//! Small projects go together, a large one is cut by days; its rows for the whole file are made of those of its days, some
//! ids at a time. Nothing here decides what is merged, or when.

use duckdb::Connection;

use crate::engine::failed;
use crate::sql::derive::{self, Ids, Slice, WHOLE};
use crate::sql::file::checkpoint;
use crate::types::StoreError;
use analytics::hit::ProjectId;

const CONTEXT: &str = "deriving rollups";
const HOUR_US: i64 = 3_600_000_000;
const HOURS_OF_DAY: i64 = 24;

/// Which rollups are made, and how.
#[derive(Clone, Copy, Debug)]
pub struct Rollups {
    /// Hits of a project from which it has rollups.
    pub from_rows: u64,
    /// Hits that are looked at at once, roughly.
    pub piece_rows: u64,
}

/// Fills those tables of `into` that follow from its hits; of one project only where one is given. `pause` is called
/// between slices, nothing is held open meanwhile.
pub fn derive(
    connection: &Connection,
    into: &str,
    only: Option<ProjectId>,
    rollups: Rollups,
    pause: &dyn Fn() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let only = only.map(|project| project.0);
    let run = |statement: &str| connection.execute_batch(statement).map_err(failed(CONTEXT));
    // What the last slice has in memory for want of a full row group goes to the file.
    let rest = || {
        run(&checkpoint(into))?;
        pause()
    };
    run(&derive::projects(into, only))?;
    let large = derive::large_projects(into, rollups.from_rows, only);
    let large: Vec<(u32, u64)> =
        pairs(connection, &large)?.map(|(project, rows)| (project as u32, rows as u64)).collect();
    for (projects, rows) in groups(&large, rollups.piece_rows) {
        let alone = projects.len() == 1 && rows > rollups.piece_rows;
        let cuts = if alone {
            let hours: Vec<(i64, u64)> = pairs(connection, &derive::hours(into, projects[0]))?
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
            for statement in derive::by_day(into, &slice) {
                run(&statement)?;
            }
        }
        for n in 0..WHOLE.len() {
            let ranges = if alone {
                let greatest: u32 = connection
                    .query_row(&derive::greatest(into, projects[0])[n], [], |row| row.get(0))
                    .map_err(failed(CONTEXT))?;
                id_ranges(greatest, rollups.piece_rows)
            } else {
                vec![None]
            };
            for ids in ranges {
                if alone {
                    rest()?;
                }
                run(&derive::whole(into, &projects, n, ids))?;
            }
        }
        for project in projects {
            if alone {
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

/// Projects that are looked at together, with their hits. A project that is larger than a piece is alone.
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

/// Times at which slices begin, out of the hits of each hour: about `piece_rows` lie between two. Slices begin with a day;
/// of a day that alone is larger, with an hour.
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

/// Ids up to the greatest in ranges of so many; none where one statement may look at all of them.
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

    use super::*;

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

    const TABLES: [(&str, &str); 7] = [
        (
            "by_quarter",
            "project, quarter, status, sum(requests), sum(request_bytes), sum(response_bytes), sum(sized)",
        ),
        ("by_latency", "project, hour, latency, sum(requests), sum(duration_us)"),
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
    ];

    /// A file with hits of two projects over some days, and what was derived from them.
    fn derived(
        piece_rows: u64,
        from_rows: u64,
        pause: &dyn Fn() -> Result<(), StoreError>,
    ) -> Result<Vec<Vec<String>>, StoreError> {
        let connection = Connection::open_in_memory().unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run("ATTACH ':memory:' AS f");
        run(&crate::sql::file::create_sealed("f"));
        run("INSERT INTO f.hits SELECT CASE WHEN i < 700 THEN 1 ELSE 2 END, i * 3_600_000_000 // 7, i // 10, i % 10,
                 (i * 37) % 1_000, (i * 37) % 1_000 // 4, 200 + 100 * (i % 4), (i % 3) * 40, NULL, i % 5,
                 i % 2 + 1, 0, i % 90 + 1, i % 6 + 1, i % 4, i % 8, i % 30, 1, 1, 0
             FROM range(1_000) r(i) ORDER BY ALL");
        run("INSERT INTO f.strings SELECT 2, p, i, 0, 'text ' || i, NULL, NULL, NULL, CASE WHEN i % 3 > 0 THEN 'v' || i % 3 END
             FROM range(1, 91) r(i), (VALUES (1), (2)) t(p)");
        derive(&connection, "f", None, Rollups { from_rows, piece_rows }, pause)?;
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

    #[test]
    fn however_it_is_cut_the_same_follows() {
        let whole = derived(10_000, 0, &|| Ok(())).unwrap();
        for (rows, (table, _)) in whole.iter().zip(TABLES) {
            assert!(rows.len() > 20, "{table} has {} rows", rows.len());
        }
        for piece_rows in [400, 60] {
            let pauses = Cell::new(0);
            let cut = derived(piece_rows, 0, &|| {
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
        derived(200, 0, &count).unwrap();
        let all = pauses.get();
        assert!(all > 15, "{all} pauses");
        for stop in [1, 2, all / 2, all - 1, all] {
            pauses.set(0);
            let interrupted = derived(200, 0, &|| {
                pauses.set(pauses.get() + 1);
                if pauses.get() == stop { Err(StoreError::Closing) } else { Ok(()) }
            });
            assert!(matches!(interrupted, Err(StoreError::Closing)));
            assert_eq!(pauses.get(), stop, "nothing is done after it");
        }
    }

    #[test]
    fn of_small_projects_nothing_is_rolled_up() {
        let both = derived(100, 300, &|| Ok(())).unwrap();
        let large = derived(100, 301, &|| Ok(())).unwrap();
        for ((both, large), (table, _)) in both.iter().zip(&large).zip(TABLES) {
            assert!(both.iter().any(|row| row.starts_with("(2,")), "{table}");
            assert!(large.iter().any(|row| row.starts_with("(1,")), "{table}");
            assert!(!large.iter().any(|row| row.starts_with("(2,")), "{table}");
        }
        assert!(derived(100, 701, &|| Ok(())).unwrap().iter().all(Vec::is_empty));
    }
}
