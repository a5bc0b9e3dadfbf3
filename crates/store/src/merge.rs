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
}
