//! Merges several files, or an unsorted one, into one sorted file, piece by piece.
//!
//! Sorting many millions of hits at once takes memory that readers need, or fails for lack of it. Sealed inputs are
//! sorted already, so a piece of (project, time) is a short stretch of each, and consecutive pieces make a file that is
//! sorted as a whole. A range of projects is finished, texts and hits, before the next begins: the arrays that map old
//! text ids to new ones (`renumber`) are as small as the range.
//!
//! Statistics of the inputs in memory (`FileStats`) split the projects; a project that is larger than a piece is split
//! by time, at times sampled from its hits. Its texts are split too, by kind and by text, if they take more than a
//! piece may: a text can be two thousand times as long as another. Nothing here decides what is merged, or when.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::hit::ProjectId;
use duckdb::Connection;

use super::job_end::{EarlyEnd, Pause};
use crate::duckdb::derive::Target;
use crate::duckdb::failure::failed;
use crate::duckdb::files::format_of;
use crate::duckdb::sql;
use crate::duckdb::sql::build::{Part, Piece, Place, Projects, Stretch};
use crate::duckdb::sql::file::Tables;
use crate::duckdb::stats::FileStats;
use crate::types::{RouteRules, StoreError};

/// One hit in this many is sampled to split a project by time; a piece exceeds its size by about as many per input.
const SAMPLE_EVERY: u64 = 8_192;

/// Samples per stretch of texts; a stretch exceeds its size by about an eighth at most.
const SAMPLES_OF_TEXTS: u64 = 64;

/// Inputs of a merge, and the sizes of its pieces.
pub struct Inputs<'a> {
    /// The files' names in the engine, in order of arrival.
    pub files: &'a [String],
    /// Parallel to `files`.
    pub stats: &'a [Arc<FileStats>],
    /// Hits sorted at once, roughly.
    pub piece_rows: u64,
    /// Texts sorted at once, bytes, roughly.
    pub piece_text_bytes: u64,
    /// None: routes stay as they are.
    pub routes: Option<&'a dyn RouteRules>,
}

/// About how many bytes each project's texts take, in all files together.
pub fn text_bytes(
    connection: &Connection,
    files: &[String],
) -> Result<BTreeMap<u32, u64>, StoreError> {
    count(connection, files, sql::build::text_bytes)
}

fn tables<'a>(connection: &Connection, files: &'a [String]) -> Result<Vec<Tables<'a>>, StoreError> {
    let tables = |file: &'a String| Ok(Tables { file, format: format_of(connection, file)? });
    files.iter().map(tables).collect()
}

/// Counts by key, summed over all files: `statement` makes the query for one file.
fn count(
    connection: &Connection,
    files: &[String],
    statement: impl Fn(Tables<'_>) -> String,
) -> Result<BTreeMap<u32, u64>, StoreError> {
    let context = "looking how large texts are";
    let mut counts = BTreeMap::new();
    for file in tables(connection, files)? {
        let mut statement = connection.prepare(&statement(file)).map_err(failed(context))?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .map_err(failed(context))?;
        for row in rows {
            let (key, count) = row.map_err(failed(context))?;
            *counts.entry(key as u32).or_default() += count as u64;
        }
    }
    Ok(counts)
}

/// Fills the tables of posted data; the derived ones are filled afterwards. `pause` is called between pieces, while
/// nothing is held open.
pub fn merge(target: Target<'_>, inputs: &Inputs<'_>, pause: Pause<'_>) -> Result<(), EarlyEnd> {
    let Target { connection, scans, new_numbers, into } = target;
    let context = "building a sealed file";
    let run = |statement: &str| connection.execute_batch(statement).map_err(failed(context));
    let mut began = false;
    // Writes the last piece's incomplete row group from memory to the file.
    let rest = || {
        run(&sql::file::checkpoint(into))?;
        pause()
    };
    let text_bytes = text_bytes(connection, inputs.files)?;
    let files = tables(connection, inputs.files)?;
    for (projects, rows) in ranges(inputs, &text_bytes) {
        new_numbers.begin(inputs.files.len());
        let mut numbered = 0;
        let mut kind = None;
        for stretch in stretches(connection, inputs, projects, &text_bytes)? {
            let of_kind = stretch.part.as_ref().map(|part| part.kind);
            if of_kind.is_some() {
                rest()?;
            }
            if of_kind != kind {
                (kind, numbered) = (of_kind, 0);
            }
            numbered += new_numbers.merge_texts(
                connection,
                scans,
                into,
                &files,
                &stretch,
                numbered,
                inputs.routes,
            )?;
        }
        for piece in pieces(connection, inputs, projects, rows)? {
            if began {
                rest()?;
            }
            began = true;
            run(&sql::build::merge_hits(into, &files, piece))?;
        }
    }
    new_numbers.end();
    Ok(run(&sql::build::merge_marks(into, inputs.files))?)
}

/// Ranges of projects that together hold all hits, with their hits, of about a piece each. A project that alone exceeds
/// a piece, in hits or in texts, has its own range.
fn ranges(inputs: &Inputs<'_>, text_bytes: &BTreeMap<u32, u64>) -> Vec<(Projects, u64)> {
    let mut rows: BTreeMap<ProjectId, u64> = BTreeMap::new();
    for (project, stats) in inputs.stats.iter().flat_map(|stats| stats.iter()) {
        *rows.entry(*project).or_default() += stats.rows;
    }
    let mut ranges: Vec<(Projects, u64)> = Vec::new();
    let mut texts = 0;
    for (ProjectId(project), rows) in rows {
        let more = text_bytes.get(&project).copied().unwrap_or_default();
        texts += more;
        match ranges.last_mut() {
            Some((range, sum))
                if *sum + rows <= inputs.piece_rows && texts <= inputs.piece_text_bytes =>
            {
                range.last = project;
                *sum += rows;
            }
            _ => {
                ranges.push((Projects { first: project, last: project }, rows));
                texts = more;
            }
        }
    }
    ranges
}

/// The texts of a range of projects as stretches, in order.
fn stretches(
    connection: &Connection,
    inputs: &Inputs<'_>,
    projects: Projects,
    text_bytes: &BTreeMap<u32, u64>,
) -> Result<Vec<Stretch>, StoreError> {
    let bytes: u64 = text_bytes.range(projects.first..=projects.last).map(|(_, bytes)| bytes).sum();
    if bytes <= inputs.piece_text_bytes || projects.first != projects.last {
        return Ok(vec![Stretch { projects, part: None }]);
    }
    let context = "looking where to cut texts";
    let project = projects.first;
    let by_kind =
        count(connection, inputs.files, |file| sql::build::text_bytes_by_kind(file, project))?;
    let every = (inputs.piece_text_bytes / SAMPLES_OF_TEXTS).max(1);
    let mut stretches = Vec::new();
    for (kind, bytes) in by_kind {
        let kind = kind as u8;
        let mut samples: Vec<Place> = Vec::new();
        if bytes > inputs.piece_text_bytes {
            for file in tables(connection, inputs.files)? {
                let mut statement = connection
                    .prepare(&sql::build::sample_texts(file, project, kind, every))
                    .map_err(failed(context))?;
                let found = statement
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .map_err(failed(context))?;
                for text in found {
                    samples.push(text.map_err(failed(context))?);
                }
            }
        }
        let cuts = cuts(samples, SAMPLES_OF_TEXTS as usize);
        let from = std::iter::once(None).chain(cuts.iter().cloned().map(Some));
        let to = cuts.iter().cloned().map(Some).chain([None]);
        stretches.extend(
            from.zip(to)
                .map(|(from, to)| Stretch { projects, part: Some(Part { kind, from, to }) }),
        );
    }
    Ok(stretches)
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

/// Starts of pieces, ascending and distinct; about `samples` of the samples lie between two. Equal ones stay together,
/// however many they are.
fn cuts<T: Ord + Clone>(mut sampled: Vec<T>, samples: usize) -> Vec<T> {
    sampled.sort_unstable();
    let mut cuts: Vec<T> = sampled.chunks(samples).skip(1).map(|chunk| chunk[0].clone()).collect();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests;
