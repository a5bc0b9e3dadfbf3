//! A filter over columns of hits. Conditions on numbers are the engine's; texts are looked up once a file, and each hit's
//! number for its text is then looked up in what was found: no join, and a pattern is tried once per text.

use analytics::filter::{Condition, Field, Filter, Test};
use analytics::hit::Text;
use analytics::slots::Slots;
use analytics::tally::{Columns, Needs};
use duckdb::Connection;
use duckdb::arrow::array::AsArray;
use duckdb::arrow::datatypes::UInt32Type;

use super::rows;
use crate::read::Reading;
use crate::sql;
use crate::sql::filter::Compiled;
use crate::types::StoreError;

/// A filter as one file understands it.
pub struct FileFilter {
    /// The conditions on numbers, for the engine.
    pub numbers: Compiled,
    texts: Vec<TextCondition>,
}

struct TextCondition {
    negated: bool,
    of: Ids,
}

/// The ids that pass.
enum Ids {
    Of(Text, Slots<bool>),
    /// Users; and addresses, where there is no user.
    Consumer(Slots<bool>, Slots<bool>),
}

impl FileFilter {
    pub fn new(
        reading: &Reading<'_>,
        connection: &Connection,
        filter: &Filter,
        file: &str,
        project: u32,
    ) -> Result<FileFilter, StoreError> {
        let is_text = |condition: &&Condition| {
            condition.field == Field::Consumer || sql::filter::text_of(condition.field).is_some()
        };
        let numbers = filter.conditions.iter().filter(|one| !is_text(one)).cloned().collect();
        let numbers = sql::filter::compile(&Filter { conditions: numbers }, file, project);
        let find = |kind: Text, column: &str, tests: &[Test]| {
            let mut ids = Slots::<bool>::default();
            let text = sql::filter::ids(file, project, kind, column, tests);
            rows::each(reading, connection, &text.sql, &text.values, |batch| {
                for &id in batch.column(0).as_primitive::<UInt32Type>().values() {
                    *ids.slot(id) = true;
                }
            })?;
            Ok::<_, StoreError>(ids)
        };
        let mut texts = Vec::new();
        for condition in filter.conditions.iter().filter(is_text) {
            let of = match sql::filter::text_of(condition.field) {
                Some((kind, column)) => {
                    let mut ids = find(kind, column, &condition.tests)?;
                    if sql::filter::match_none(&condition.tests) {
                        *ids.slot(0) = true;
                    }
                    Ids::Of(kind, ids)
                }
                None => {
                    let (users, addresses): (Vec<_>, Vec<_>) =
                        condition.tests.iter().map(sql::filter::split_consumer).unzip();
                    let users: Vec<Test> = users.into_iter().flatten().collect();
                    let addresses: Vec<Test> = addresses.into_iter().flatten().collect();
                    let mut of_addresses = find(Text::Address, "text", &addresses)?;
                    if sql::filter::match_none(&addresses) {
                        *of_addresses.slot(0) = true;
                    }
                    Ids::Consumer(find(Text::User, "text", &users)?, of_addresses)
                }
            };
            texts.push(TextCondition { negated: condition.negated, of });
        }
        Ok(FileFilter { numbers, texts })
    }

    /// Texts whose columns `select` looks at.
    pub fn needs(&self) -> Needs {
        self.texts.iter().fold(Needs::default(), |needs, condition| match condition.of {
            Ids::Of(kind, _) => needs.and(Needs::text(kind)),
            Ids::Consumer(..) => needs.and(Needs::text(Text::User)).and(Needs::text(Text::Address)),
        })
    }

    /// The rows that pass, ascending; false where all do.
    pub fn select(&self, hits: &Columns<'_>, rows: usize, out: &mut Vec<u32>) -> bool {
        out.clear();
        if self.texts.is_empty() {
            return false;
        }
        out.extend(0..rows as u32);
        for condition in &self.texts {
            match &condition.of {
                Ids::Of(kind, ids) => {
                    let column = hits.texts[*kind as usize];
                    keep(out, |row| has(ids, column[row]) != condition.negated);
                }
                Ids::Consumer(users, addresses) => {
                    let user = hits.texts[Text::User as usize];
                    let address = hits.texts[Text::Address as usize];
                    keep(out, |row| {
                        let found = match user[row] {
                            0 => has(addresses, address[row]),
                            id => has(users, id),
                        };
                        found != condition.negated
                    });
                }
            }
        }
        out.len() < rows
    }
}

#[inline]
fn has(ids: &Slots<bool>, id: u32) -> bool {
    ids.get(id).copied().unwrap_or(false)
}

/// Without a branch on what is found: it would be guessed wrongly every other time.
fn keep(rows: &mut Vec<u32>, passes: impl Fn(usize) -> bool) {
    let mut kept = 0;
    for n in 0..rows.len() {
        let row = rows[n];
        rows[kept] = row;
        kept += usize::from(passes(row as usize));
    }
    rows.truncate(kept);
}

/// Room for the rows that passed, column by column.
#[derive(Default)]
pub struct Kept {
    /// Rows that follow each other: from, to (excluded).
    runs: Vec<(u32, u32)>,
    wide: [Vec<i64>; 4],
    short: [Vec<u16>; 3],
    texts: [Vec<u32>; Text::COUNT],
}

/// Rows a run, on average, from which runs are copied at once and not row by row.
const LONG_RUNS: usize = 4;

impl Kept {
    /// `rows`: ascending.
    pub fn take<'a>(&'a mut self, hits: &Columns<'_>, rows: &[u32]) -> Columns<'a> {
        fn gather<T: Copy>(from: &[T], rows: &[u32], runs: &[(u32, u32)], to: &mut Vec<T>) {
            to.clear();
            if from.is_empty() {
                return;
            }
            if runs.len() * LONG_RUNS > rows.len() {
                to.extend(rows.iter().map(|&row| from[row as usize]));
            } else {
                for &(start, end) in runs {
                    to.extend_from_slice(&from[start as usize..end as usize]);
                }
            }
        }
        self.runs.clear();
        for &row in rows {
            match self.runs.last_mut() {
                Some((_, end)) if *end == row => *end = row + 1,
                _ => self.runs.push((row, row + 1)),
            }
        }
        let runs = &self.runs;
        let wide = [hits.time_us, hits.duration_us, hits.request_size, hits.response_size];
        wide.into_iter().zip(&mut self.wide).for_each(|(from, to)| gather(from, rows, runs, to));
        let short = [hits.status, hits.latency, hits.country];
        short.into_iter().zip(&mut self.short).for_each(|(from, to)| gather(from, rows, runs, to));
        let texts = hits.texts.iter().zip(&mut self.texts);
        texts.for_each(|(from, to)| gather(from, rows, runs, to));
        Columns {
            time_us: &self.wide[0],
            duration_us: &self.wide[1],
            request_size: &self.wide[2],
            response_size: &self.wide[3],
            status: &self.short[0],
            latency: &self.short[1],
            country: &self.short[2],
            texts: std::array::from_fn(|kind| self.texts[kind].as_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_the_same_by_rows_and_by_runs() {
        let times: Vec<i64> = (100..200).collect();
        let hits = Columns { time_us: &times, ..Columns::default() };
        let mut kept = Kept::default();
        let most: Vec<u32> = (0..100).filter(|row| row % 10 != 3).collect();
        let few: Vec<u32> = (0..100).filter(|row| row % 3 == 0).collect();
        for rows in [most, few, Vec::new(), vec![99]] {
            let expected: Vec<i64> = rows.iter().map(|row| i64::from(*row) + 100).collect();
            assert_eq!(kept.take(&hits, &rows).time_us, expected);
        }
    }
}
