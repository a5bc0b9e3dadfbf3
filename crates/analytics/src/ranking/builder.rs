//! Builds a list file by file: maps the rows of each file to row numbers that all files share, and collects their sums.

use std::sync::Arc;

use super::ids::{ByRow, FoundRows, RowId};
use super::names::{Names, RowName, TextNumbers};
use super::rows::Ranking;
use super::sums::{FileRows, RankingSums, RowSum};
use super::{Ranked, RankedRows, RankingLimits};
use crate::hit::Country;
use crate::latency::Histogram;
use crate::slots::Slots;
use crate::tally::{Dimension, DistinctCount};

/// There are more rows than a list may have, or longer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are too many rows to list all of them")]
pub struct TooManyRows;

pub struct RankingBuilder {
    of: Ranked,
    limits: RankingLimits,
    names: Names,
    numbers: [TextNumbers; 2],
    /// Row number plus 1, by the numbers of the row's texts; 0 for no row.
    places: ByRow<u32>,
    rows: usize,
    sums: Arc<RankingSums>,
}

/// Maps text ids of a file to the list's text numbers plus 1; 0 for texts that no row needs.
pub struct FileTexts {
    numbers: [Slots<u32>; 2],
}

/// New rows are added to the sums in batches of this size.
const NEW_ROWS: usize = 16_384;

impl FileTexts {
    /// An empty map for the texts of these rows.
    pub fn new(found: &FoundRows) -> FileTexts {
        FileTexts { numbers: std::array::from_fn(|_| found.slots()) }
    }
}

impl RankingBuilder {
    pub fn new(of: Ranked, limits: RankingLimits) -> RankingBuilder {
        RankingBuilder {
            of,
            limits,
            names: Names::new(of),
            numbers: Default::default(),
            places: ByRow::default(),
            rows: 0,
            sums: Arc::new(RankingSums::new(of, limits)),
        }
    }

    /// An error if this file alone has more rows than a list may have.
    pub fn check_rows(&self, found: &FoundRows) -> Result<(), TooManyRows> {
        // Many ids share a word, so few rows remain after naming.
        match found.count() > self.limits.rows && !self.of.is_of_words() {
            true => Err(TooManyRows),
            false => Ok(()),
        }
    }

    /// Reserves memory for this many texts. `place`: index of their kind in `Ranked::texts`.
    pub fn reserve(&mut self, place: usize, texts: usize) {
        // Many texts share a word, so their number says nothing.
        if !self.of.is_of_words() {
            self.numbers[place].reserve(&mut self.names.texts[place], texts);
        }
    }

    /// Adds a text of a file. `place`: index of its kind in `Ranked::texts`.
    pub fn put_text(
        &mut self,
        texts: &mut FileTexts,
        place: usize,
        id: u32,
        text: &str,
    ) -> Result<(), TooManyRows> {
        let number = self.numbers[place].number(&mut self.names.texts[place], text)?;
        *texts.numbers[place].slot(id) = number + 1;
        Ok(())
    }

    /// Numbers the rows of a file, whose texts were put before. Adds new rows to the list.
    pub fn name_rows(
        &mut self,
        found: &FoundRows,
        texts: &FileTexts,
    ) -> Result<Arc<FileRows>, TooManyRows> {
        let mut rows = if found.are_few() { ByRow::sparse() } else { ByRow::default() };
        if self.rows == 0 && !self.of.is_of_words() {
            self.sums.reserve(found.count() as usize);
        }
        let mut new = Vec::new();
        let mut first = self.rows;
        for id in found.iter() {
            let named = self.named(id, texts)?;
            *rows.slot(id) = self.place(named, &mut new)? + 1;
            if new.len() >= NEW_ROWS {
                self.sums.add_rows(first, &new);
                first = self.rows;
                new.clear();
            }
        }
        self.sums.add_rows(first, &new);
        match self.sums.is_too_large() {
            true => Err(TooManyRows),
            false => Ok(Arc::new(FileRows(rows))),
        }
    }

    /// Translates a file's row id to the list's text numbers.
    fn named(&mut self, id: RowId, texts: &FileTexts) -> Result<RowId, TooManyRows> {
        let RowId { first, second } = id;
        let mut number = |place: usize, id: u32| match texts.numbers[place].get(id) {
            Some(number) if *number > 0 => Ok(number - 1),
            // The file has no such text.
            _ => self.numbers[place].number(&mut self.names.texts[place], ""),
        };
        Ok(match self.of {
            Ranked::Endpoints => RowId { first: number(0, first)?, second: number(1, second)? },
            Ranked::Consumers => RowId { first, second: number(first as usize, second)? },
            Ranked::Statuses => self.number_named(&second.to_string())?,
            Ranked::Value(Dimension::Country) => {
                self.number_named(Country::from_number(second as u16).as_str())?
            }
            Ranked::Value(_) => RowId { first: 0, second: number(0, second)? },
        })
    }

    fn number_named(&mut self, text: &str) -> Result<RowId, TooManyRows> {
        let second = self.numbers[0].number(&mut self.names.texts[0], text)?;
        Ok(RowId { first: 0, second })
    }

    /// The number of a row, the next free one if it is new.
    fn place(&mut self, named: RowId, new: &mut Vec<RowId>) -> Result<u32, TooManyRows> {
        let place = self.places.slot(named);
        if *place == 0 {
            if self.rows as u64 >= self.limits.rows {
                return Err(TooManyRows);
            }
            self.rows += 1;
            *place = self.rows as u32;
            new.push(named);
        }
        Ok(*place - 1)
    }

    pub fn sums(&self) -> &Arc<RankingSums> {
        &self.sums
    }

    /// Adds sums to the row with this name, which may be new.
    pub fn add(
        &mut self,
        name: RowName<'_>,
        sum: &RowSum,
        durations: &Histogram,
    ) -> Result<(), TooManyRows> {
        let mut number = |place: usize, text: &str| {
            self.numbers[place].number(&mut self.names.texts[place], text)
        };
        let named = match self.of {
            Ranked::Endpoints => {
                RowId { first: number(0, name.first)?, second: number(1, name.second)? }
            }
            Ranked::Consumers => {
                let first = u32::from(name.first != "u");
                RowId { first, second: number(first as usize, name.second)? }
            }
            Ranked::Statuses | Ranked::Value(_) => {
                RowId { first: 0, second: number(0, name.second)? }
            }
        };
        let first = self.rows;
        let mut new = Vec::new();
        let row = self.place(named, &mut new)?;
        self.sums.add_rows(first, &new);
        self.sums.add(row, sum);
        durations
            .iter()
            .for_each(|(bucket, count)| self.sums.add_durations(row, &[bucket], &[count]));
        Ok(())
    }

    /// A list of all rows.
    pub fn finish(self) -> Result<Ranking, TooManyRows> {
        let count = DistinctCount { count: self.rows as u64, about: false };
        match self.sums.is_too_large() {
            true => Err(TooManyRows),
            false => Ok(self.finish_as(RankedRows { count, missing_up_to: 0, low_by_up_to: 0 })),
        }
    }

    /// `all`: the rows that exist; the added ones are the busiest of them.
    pub fn finish_as(self, all: RankedRows) -> Ranking {
        let RankingBuilder { of, mut names, numbers, places, sums, .. } = self;
        drop((numbers, places));
        let parts = sums.finish();
        names.texts.iter_mut().for_each(|texts| texts.shrink());
        Ranking::new(of, parts, names, all)
    }
}
