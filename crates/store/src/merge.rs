//! Several files, or one unsorted, as one sorted file, piece by piece.
//!
//! Sorting many millions of hits at once takes memory that readers need, or fails for want of it. Inputs that are sealed
//! are sorted already, so a piece of (project, time) is a short stretch of each, and pieces that follow each other make a
//! file that is sorted as a whole. A range of projects is finished, texts and hits, before the next begins: the tables
//! that lead from old text numbers to new ones are as small as the range.
//!
//! What is known of the inputs in memory (`Shares`) cuts the projects; a project that is larger than a piece is cut by
//! time, at times found by looking at every so many of its hits. Nothing here decides what is merged, or when.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::hit::ProjectId;
use duckdb::Connection;

use crate::engine::failed;
use crate::files::Shares;
use crate::sql;
use crate::sql::build::{Piece, Projects};
use crate::types::StoreError;

/// A project that is cut by time is looked at every so many hits; a piece is larger than wanted by about as many per
/// input.
const SAMPLE_EVERY: u64 = 8_192;

/// What a merge reads, and how.
pub struct Inputs<'a> {
    /// The files' names in the engine, in order of arrival.
    pub files: &'a [String],
    /// Parallel to `files`.
    pub shares: &'a [Arc<Shares>],
    /// Hits that are sorted at once, roughly.
    pub piece_rows: u64,
}

/// Fills the tables of `into` that hold what was posted; what follows from them is derived afterwards. `pause` is called
/// between pieces, nothing is held open meanwhile.
pub fn merge(
    connection: &Connection,
    into: &str,
    inputs: &Inputs<'_>,
    pause: &dyn Fn() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let context = "building a sealed file";
    let run = |statement: &str| connection.execute_batch(statement).map_err(failed(context));
    let mut began = false;
    for (projects, rows) in ranges(inputs.shares, inputs.piece_rows) {
        let filled = (|| {
            run(&sql::build::merge_strings(into, inputs.files, projects))?;
            for (n, file) in inputs.files.iter().enumerate() {
                run(&sql::build::map_strings(into, file, n, projects))?;
            }
            for piece in pieces(connection, inputs, projects, rows)? {
                if began {
                    // What the last piece has in memory for want of a full row group goes to the file.
                    run(&sql::file::checkpoint(into))?;
                    pause()?;
                }
                began = true;
                run(&sql::build::merge_hits(into, inputs.files, piece))?;
            }
            Ok(())
        })();
        for n in 0..inputs.files.len() {
            run(&sql::build::drop_map(n))?;
        }
        filled?;
    }
    run(&sql::build::merge_marks(into, inputs.files))
}

/// Ranges of projects that together hold all hits, with their hits; of about a piece each where no project alone is
/// larger. A project that is has a range of its own.
fn ranges(shares: &[Arc<Shares>], piece_rows: u64) -> Vec<(Projects, u64)> {
    let mut rows: BTreeMap<ProjectId, u64> = BTreeMap::new();
    for (project, share) in shares.iter().flat_map(|shares| shares.iter()) {
        *rows.entry(*project).or_default() += share.rows;
    }
    let mut ranges: Vec<(Projects, u64)> = Vec::new();
    for (ProjectId(project), rows) in rows {
        match ranges.last_mut() {
            Some((range, sum)) if *sum + rows <= piece_rows => {
                range.last = project;
                *sum += rows;
            }
            _ => ranges.push((Projects { first: project, last: project }, rows)),
        }
    }
    ranges
}

/// A range of projects as pieces, in order.
fn pieces(
    connection: &Connection,
    inputs: &Inputs<'_>,
    projects: Projects,
    rows: u64,
) -> Result<Vec<Piece>, StoreError> {
    let whole = Piece { projects, from_us: None, to_us: None };
    if rows <= inputs.piece_rows || projects.first != projects.last {
        return Ok(vec![whole]);
    }
    let context = "looking where to cut a merge";
    let every = SAMPLE_EVERY.min(inputs.piece_rows.div_ceil(8)).max(1);
    let mut times: Vec<i64> = Vec::new();
    for file in inputs.files {
        let mut statement = connection
            .prepare(&sql::build::sample_times(file, projects.first, every))
            .map_err(failed(context))?;
        let found = statement.query_map([], |row| row.get::<_, i64>(0)).map_err(failed(context))?;
        for time in found {
            times.push(time.map_err(failed(context))?);
        }
    }
    let cuts = cuts(times, (inputs.piece_rows / every).max(1) as usize);
    let from = std::iter::once(None).chain(cuts.iter().copied().map(Some));
    let to = cuts.iter().copied().map(Some).chain([None]);
    Ok(from.zip(to).map(|(from_us, to_us)| Piece { projects, from_us, to_us }).collect())
}

/// Times at which pieces begin, ascending and each once; about `samples` of the samples lie between two. Hits of one
/// time stay together, however many they are.
fn cuts(mut times: Vec<i64>, samples: usize) -> Vec<i64> {
    times.sort_unstable();
    let mut cuts: Vec<i64> = times.chunks(samples).skip(1).map(|chunk| chunk[0]).collect();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use analytics::hit::Text;

    use super::*;
    use crate::files::Share;

    fn shares(rows: &[(u32, u64)]) -> Arc<Shares> {
        let share = |&(project, rows)| (ProjectId(project), Share { rows, ..Share::none() });
        Arc::new(rows.iter().map(share).collect())
    }

    #[test]
    fn small_projects_share_a_range_and_a_large_one_has_its_own() {
        let files =
            [shares(&[(1, 30), (2, 300), (3, 10)]), shares(&[(1, 30), (3, 10), (7, 20), (9, 61)])];
        let ranges: Vec<_> = ranges(&files, 100)
            .into_iter()
            .map(|(range, rows)| (range.first, range.last, rows))
            .collect();
        assert_eq!(ranges, [(1, 1, 60), (2, 2, 300), (3, 7, 40), (9, 9, 61)]);
    }

    #[test]
    fn cuts_are_times_and_each_is_there_once() {
        assert_eq!(cuts(vec![5, 1, 4, 2, 3, 6, 7], 3), [4, 7]);
        assert_eq!(cuts(vec![1, 1, 1, 1, 1, 1, 2], 2), [1, 2]);
        assert_eq!(cuts(vec![1, 2], 3), Vec::<i64>::new());
        assert_eq!(cuts(Vec::new(), 3), Vec::<i64>::new());
    }

    /// What is read of a file's hits, with the texts in the place of their numbers, in its order.
    fn hits(connection: &Connection, file: &str) -> Vec<String> {
        let text = |kind: Text| {
            format!(
                "(SELECT s.text FROM {file}.strings s WHERE s.kind = {} AND s.project = h.project AND s.id = h.{})",
                kind as u8,
                kind.name()
            )
        };
        let statement = format!(
            "SELECT row(h.project, h.time_us, h.hit_id, h.status, h.duration_us, {}, {}, {})::VARCHAR FROM {file}.hits h ORDER BY h.rowid",
            text(Text::Path),
            text(Text::User),
            "CASE WHEN h.country = 0 THEN '' WHEN h.country < 1024 THEN chr((h.country // 32 + 64)::INTEGER) || chr((h.country % 32 + 64)::INTEGER)
             ELSE chr((h.country // 256)::INTEGER) || chr((h.country % 256)::INTEGER) END",
        );
        let mut statement = connection.prepare(&statement).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// A file as active ones are, and as sealed ones of the first format were.
    fn fill(connection: &Connection, file: &str, first: u64) {
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run(&format!("ATTACH ':memory:' AS {file}"));
        run(&sql::file::create(file));
        let letters = |code: &[u8; 2]| u16::from_be_bytes(*code);
        run(&format!(
            "INSERT INTO {file}.hits SELECT 1 + i % 3, 1000 - i % 50, ((i + {first}) // 10) * 131072 + i % 10, i, 5, 200 + i % 9,
                 CASE i % 4 WHEN 0 THEN 0 WHEN 1 THEN {} WHEN 2 THEN {} ELSE {} END, NULL, 3,
                 0, 0, 1 + (i % 3) * 10 + (i // 3) % 10, 0, 0, 0, CASE WHEN i % 2 = 0 THEN 0 ELSE 1 + i % 3 END, 0, 0, 0
             FROM range({first}, {first} + 120) r(i)",
            letters(b"AA"),
            letters(b"NZ"),
            letters(b"ZZ")
        ));
        run(&format!(
            "INSERT INTO {file}.strings SELECT {}, 1 + n // 10, n + 1, '/things/' || (n * 7 + {first}) % 31, NULL, NULL, NULL, 'v1' FROM range(30) r(n)",
            Text::Path as u8
        ));
        run(&format!(
            "INSERT INTO {file}.strings SELECT {}, 1 + n, n + 1, 'user ' || n, NULL, NULL, NULL, NULL FROM range(3) r(n)",
            Text::User as u8
        ));
    }

    #[test]
    fn files_of_either_shape_are_merged_and_copied_alike() {
        let connection = Connection::open_in_memory().unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        for file in ["sealed", "merged", "copied", "copied_again"] {
            run(&format!("ATTACH ':memory:' AS {file}"));
            run(&sql::file::create_sealed(file));
        }
        fill(&connection, "one", 0);
        fill(&connection, "two", 1_000);
        let all = shares(&[(1, 40), (2, 40), (3, 40)]);
        let merge = |into: &str, files: &[&str], piece_rows: u64| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            let shares: Vec<_> = files.iter().map(|_| all.clone()).collect();
            let inputs = Inputs { files: &files, shares: &shares, piece_rows };
            merge(&connection, into, &inputs, &|| Ok(())).unwrap();
        };
        // Several projects in a range, and one alone in two pieces.
        merge("sealed", &["one"], 90);
        merge("merged", &["sealed", "two"], 50);
        let sorted = |files: &[&str]| {
            let mut rows: Vec<String> =
                files.iter().flat_map(|file| hits(&connection, file)).collect();
            rows.sort();
            rows
        };
        assert_eq!(sorted(&["one"]).len(), 120);
        assert!(sorted(&["one"]).iter().any(|row| row.contains("AA") && row.contains("user 1")));
        assert_eq!(sorted(&["sealed"]), sorted(&["one"]));
        assert_eq!(sorted(&["merged"]), sorted(&["one", "two"]));
        let order: Vec<String> = {
            let text = "SELECT row(project, time_us, hit_id)::VARCHAR FROM merged.hits ORDER BY project, time_us, hit_id";
            let mut statement = connection.prepare(text).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        for (row, wanted) in hits(&connection, "merged").iter().zip(&order) {
            assert!(row.starts_with(wanted.trim_end_matches(')')), "{row} is not {wanted}");
        }
        // An erasure of a file of either shape leaves the same.
        let edit = sql::build::Edit {
            project: 2,
            drop_rows: Some("project = 2 AND (status > 203 OR hit_id < 524288)".into()),
            clear_country: Some("project = 2 AND status = 201".into()),
            ..Default::default()
        };
        for (into, from) in [("copied", "one"), ("copied_again", "sealed")] {
            run(&sql::build::copy_hits(into, from, &edit));
            run(&sql::build::copy_strings(into, from, 2));
        }
        assert_eq!(sorted(&["copied"]), sorted(&["copied_again"]));
        let left = sorted(&["copied"]);
        let wanted: Vec<String> = sorted(&["one"])
            .into_iter()
            .filter(|row| {
                let number = |n: usize| row.split(", ").nth(n).unwrap().parse::<u64>().unwrap();
                !row.starts_with("(2,") || (number(3) <= 203 && number(2) >= 524_288)
            })
            .collect();
        assert!(left.len() == wanted.len() && left.len() < 120);
        for (row, wanted) in left.iter().zip(&wanted) {
            let cleared = row.starts_with("(2,") && row.split(", ").nth(3) == Some("201");
            let country = if cleared {
                ""
            } else {
                wanted.rsplit(", ").next().unwrap().trim_matches([')', '\''])
            };
            assert_eq!(
                row.rsplit(", ").next().unwrap().trim_matches([')', '\'']),
                country,
                "{row}"
            );
        }
        let texts = |file: &str| -> u64 {
            connection
                .query_row(
                    &format!("SELECT count(DISTINCT (kind, project, id)) FROM {file}.strings"),
                    [],
                    |row| row.get(0),
                )
                .unwrap()
        };
        assert!(texts("copied") < texts("one") && texts("copied") == texts("copied_again"));
    }
}
