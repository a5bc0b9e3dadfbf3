//! Rows for an INSERT, from records of the inbox.
//!
//! A group of records is inserted with a token made of the node and the group's seqs: if the answer is lost and the same
//! group is sent again, also through another server of a cluster, the hits are stored once. That holds only for the same
//! group, so its bounds must be on disk before the first try.

mod moved;

use std::net::Ipv6Addr;

use analytics::hit::{Country, HitId, TextKind};
use analytics::hit_fields::{FIELDS, Number, Stored, Word};
use analytics::latency;
use analytics::tally::NO_LATENCY;
use bytes::Bytes;

use super::addresses::to_ip;
use super::sql::schema;
use crate::record::{self, BatchRecord};

/// Consecutive records of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub node: u8,
    pub first_seq: u64,
    /// Included.
    pub last_seq: u64,
}

impl Group {
    /// The name under which the server recognizes a repetition.
    pub fn token(&self) -> String {
        let Group { node, first_seq, last_seq } = self;
        format!("hits-{node}-{first_seq}-{last_seq}")
    }
}

/// Rows as RowBinaryWithNamesAndTypes, in the order of `schema::columns`.
pub struct Rows {
    node: u8,
    bytes: Vec<u8>,
    count: u64,
}

/// A column of a batch, ready to be written row by row.
enum Source {
    Project(u32),
    HitId,
    Latency,
    Time,
    Status,
    /// An optional number.
    Number(usize),
    /// The kind of a text, and by its number the text, or a word derived from it, with its length.
    Text(TextKind, Vec<Vec<u8>>),
    /// By the number of an address.
    Ip(Vec<Ipv6Addr>),
    OtherAddress(Vec<Vec<u8>>),
    Country,
}

impl Rows {
    pub fn new(node: u8) -> Rows {
        let columns = schema::columns();
        let mut bytes = Vec::new();
        put_length(&mut bytes, columns.len());
        columns.iter().for_each(|column| put_text(&mut bytes, column.name));
        columns.iter().for_each(|column| put_text(&mut bytes, column.kind));
        Rows { node, bytes, count: 0 }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }

    /// `skips`: hits of the batch that are not stored, ascending.
    pub fn push(&mut self, seq: u64, batch: &BatchRecord<'_>, skips: &[u32]) {
        let mut values: Vec<Vec<u64>> = Vec::with_capacity(record::COLUMNS);
        for column in &batch.columns {
            let mut all = Vec::with_capacity(batch.hits);
            column.each(batch.hits, |value| all.push(value));
            values.push(all);
        }
        let sources = sources(batch);
        let mut skips = skips.iter().copied().peekable();
        let kept = (0..batch.hits).filter(|row| skips.next_if_eq(&(*row as u32)).is_none());
        for row in kept {
            let text_of = |kind: TextKind| values[record::FIRST_TEXT + kind as usize][row] as usize;
            let out = &mut self.bytes;
            for source in &sources {
                match source {
                    Source::Project(project) => out.extend(project.to_le_bytes()),
                    Source::HitId => {
                        out.extend(HitId::new(self.node, seq, row as u32).0.to_le_bytes());
                    }
                    Source::Latency => {
                        let duration = record::to_optional(values[record::DURATION][row]);
                        out.extend(duration.map_or(NO_LATENCY, latency::bucket).to_le_bytes());
                    }
                    Source::Time => {
                        out.extend(record::to_time_us(values[record::TIME][row]).to_le_bytes());
                    }
                    Source::Status => {
                        out.extend((values[record::STATUS][row] as u16).to_le_bytes())
                    }
                    Source::Number(column) => match record::to_optional(values[*column][row]) {
                        Some(number) => {
                            out.push(0);
                            out.extend(number.to_le_bytes());
                        }
                        None => out.push(1),
                    },
                    Source::Text(kind, texts) => out.extend(&texts[text_of(*kind)]),
                    Source::Ip(ips) => out.extend(ips[text_of(TextKind::Address)].octets()),
                    Source::OtherAddress(texts) => {
                        out.extend(&texts[text_of(TextKind::Address)]);
                    }
                    Source::Country => {
                        let letters = (values[record::COUNTRY][row] as u16).to_be_bytes();
                        put_text(out, Country(letters).as_str());
                    }
                }
            }
            self.count += 1;
        }
    }
}

/// In the order of `schema::columns`, which a test compares.
fn sources(batch: &BatchRecord<'_>) -> Vec<Source> {
    let mut sources = vec![Source::Project(batch.project.0), Source::HitId, Source::Latency];
    let ready = |texts: &mut dyn Iterator<Item = &str>| -> Vec<Vec<u8>> {
        texts
            .map(|text| {
                let mut bytes = Vec::with_capacity(text.len() + 2);
                put_text(&mut bytes, text);
                bytes
            })
            .collect()
    };
    for info in FIELDS {
        let source = match info.stored {
            Stored::Nothing => continue,
            Stored::Time => Source::Time,
            Stored::Number(Number::Status) => Source::Status,
            Stored::Number(Number::Duration) => Source::Number(record::DURATION),
            Stored::Number(Number::RequestSize) => Source::Number(record::REQUEST_SIZE),
            Stored::Number(Number::ResponseSize) => Source::Number(record::RESPONSE_SIZE),
            Stored::Country => Source::Country,
            Stored::Text(TextKind::Address) => {
                let texts = &batch.texts[TextKind::Address as usize];
                let none = Ipv6Addr::UNSPECIFIED;
                sources.push(Source::Ip(
                    texts.iter().map(|text| to_ip(text).unwrap_or(none)).collect(),
                ));
                Source::OtherAddress(ready(
                    &mut texts.iter().map(|text| if to_ip(text).is_some() { "" } else { text }),
                ))
            }
            Stored::Text(kind) => {
                Source::Text(kind, ready(&mut batch.texts[kind as usize].iter().copied()))
            }
            Stored::Word(word) => {
                let of_agent = |n: usize| ready(&mut batch.traits.iter().map(|all| all[n]));
                let words = match word {
                    Word::Client => of_agent(0),
                    Word::Os => of_agent(1),
                    Word::Device => of_agent(2),
                    Word::Version => ready(&mut batch.versions.iter().copied()),
                };
                Source::Text(word.source(), words)
            }
        };
        sources.push(source);
    }
    sources
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

/// LEB128.
fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}
