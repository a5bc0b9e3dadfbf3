//! A hit of an inbox record, as filters see it and as it would be read from a file.

use std::sync::Arc;

use analytics::filter::{Field, HitView};
use analytics::hit::{Country, HitId, TextKind};
use analytics::hit_fields::{Number, Stored, Word};

use crate::record::{
    self, BatchRecord, COUNTRY, DURATION, FIRST_TEXT, REQUEST_SIZE, RESPONSE_SIZE, STATUS, TIME,
};
use crate::types::HitRow;

/// A record with decoded columns.
pub struct Batch<'a> {
    record: &'a BatchRecord<'a>,
    columns: Vec<Vec<u64>>,
    ids: Vec<i64>,
}

/// One hit of it.
pub struct Row<'a> {
    batch: &'a Batch<'a>,
    place: usize,
    country: Country,
}

impl<'a> Batch<'a> {
    /// Without the rows in `skips`, which are ascending.
    pub fn new(node: u8, seq: u64, record: &'a BatchRecord<'a>, skips: &[u32]) -> Batch<'a> {
        let columns = record.columns.iter().map(|column| {
            let mut values = Vec::with_capacity(record.hits);
            column.read(record.hits, skips, &mut values);
            values
        });
        let mut skipped = skips.iter().copied().peekable();
        let kept = (0..record.hits as u32).filter(|index| skipped.next_if_eq(index).is_none());
        let ids = kept.map(|index| HitId::new(node, seq, index).0).collect();
        Batch { record, columns: columns.collect(), ids }
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn times(&self) -> impl Iterator<Item = i64> + '_ {
        self.columns[TIME].iter().map(|time| record::to_time_us(*time))
    }

    pub fn row(&'a self, place: usize) -> Row<'a> {
        // Two zero bytes mean no country.
        let country = Country((self.columns[COUNTRY][place] as u16).to_be_bytes());
        Row { batch: self, place, country }
    }
}

impl Row<'_> {
    fn value(&self, column: usize) -> u64 {
        self.batch.columns[column][self.place]
    }

    fn id_of(&self, kind: TextKind) -> usize {
        self.value(FIRST_TEXT + kind as usize) as usize
    }

    fn text_of(&self, kind: TextKind) -> &str {
        self.batch.record.texts[kind as usize][self.id_of(kind)]
    }

    fn word_of(&self, word: Word) -> &str {
        let at = self.id_of(word.source());
        let traits = || self.batch.record.traits[at];
        match word {
            Word::Client => traits()[0],
            Word::Os => traits()[1],
            Word::Device => traits()[2],
            Word::Version => self.batch.record.versions[at],
        }
    }

    fn number_of(&self, number: Number) -> Option<u64> {
        match number {
            Number::Status => Some(self.value(STATUS)),
            Number::Duration => record::to_optional(self.value(DURATION)),
            Number::RequestSize => record::to_optional(self.value(REQUEST_SIZE)),
            Number::ResponseSize => record::to_optional(self.value(RESPONSE_SIZE)),
        }
    }

    pub fn to_hit(&self) -> HitRow {
        let words = [Word::Client, Word::Os, Word::Device, Word::Version];
        HitRow {
            hit_id: self.batch.ids[self.place],
            time_us: record::to_time_us(self.value(TIME)),
            duration_us: self.number_of(Number::Duration),
            status: self.value(STATUS) as u16,
            country: self.country,
            request_size: self.number_of(Number::RequestSize),
            response_size: self.number_of(Number::ResponseSize),
            texts: TextKind::ALL.map(|kind| Arc::from(self.text_of(kind))),
            words: words.map(|word| Arc::from(self.word_of(word))),
        }
    }
}

impl HitView for Row<'_> {
    fn text(&self, field: Field) -> &str {
        match field.info().stored {
            Stored::Text(kind) => self.text_of(kind),
            Stored::Word(word) => self.word_of(word),
            Stored::Country => self.country.as_str(),
            Stored::Time | Stored::Number(_) | Stored::Nothing => "",
        }
    }

    fn number(&self, field: Field) -> Option<u64> {
        match field.info().stored {
            Stored::Number(number) => self.number_of(number),
            _ => None,
        }
    }
}

impl HitView for HitRow {
    fn text(&self, field: Field) -> &str {
        match field.info().stored {
            Stored::Text(kind) => HitRow::text(self, kind),
            Stored::Word(word) => &self.words[word as usize],
            Stored::Country => self.country.as_str(),
            Stored::Time | Stored::Number(_) | Stored::Nothing => "",
        }
    }

    fn number(&self, field: Field) -> Option<u64> {
        match field.info().stored {
            Stored::Number(Number::Status) => Some(u64::from(self.status)),
            Stored::Number(Number::Duration) => self.duration_us,
            Stored::Number(Number::RequestSize) => self.request_size,
            Stored::Number(Number::ResponseSize) => self.response_size,
            _ => None,
        }
    }
}
