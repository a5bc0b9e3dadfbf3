//! Rows for `strings` of a sealed file, and how they get there.

use std::sync::Arc;

use duckdb::Connection;
use duckdb::arrow::array::{
    Array, ArrayRef, Int32Array, StringArray, StringBuilder, UInt8Array, UInt32Array,
};

use super::{ADDRESS, CONTEXT, Found, WORDS};
use crate::duckdb::columns;
use crate::duckdb::failure::failed;
use crate::types::StoreError;

/// So many addresses are inserted by a statement of their own, without the columns that they have no values for: that
/// costs a millisecond, and saves a third of what each of them takes.
const MANY: usize = 16_384;

/// Rows for `strings`, in order.
pub struct NewRows {
    many: usize,
    parts: Vec<Part>,
    rows: u32,
}

enum Part {
    Any(Box<Any>),
    Addresses(Addresses),
}

/// Texts of any kind.
#[derive(Default)]
struct Any {
    kind: Vec<u8>,
    project: Vec<u32>,
    number: Vec<i32>,
    base: Vec<i32>,
    literal: StringBuilder,
    ipv4: Vec<u32>,
    words: [StringBuilder; WORDS],
}

/// IPv4 addresses of one project.
struct Addresses {
    project: u32,
    /// `number` of the first row.
    first: i32,
    base: i32,
    ipv4: Vec<u32>,
}

impl Default for NewRows {
    fn default() -> NewRows {
        NewRows::new(MANY)
    }
}

impl NewRows {
    /// `many`: so many addresses are inserted by a statement of their own.
    pub fn new(many: usize) -> NewRows {
        NewRows { many, parts: Vec::new(), rows: 0 }
    }

    pub fn len(&self) -> u32 {
        self.rows
    }

    /// `new`: the text's id.
    pub fn push(&mut self, found: &Found<'_>, words: &[&StringArray; WORDS], new: u32) {
        let (row, place) = (found.row as usize, self.next(1));
        let any = self.any();
        any.push(found.kind, found.project, place, new);
        any.literal.append_value(&found.literal);
        any.ipv4.push(0);
        for (builder, words) in any.words.iter_mut().zip(words) {
            builder.append_option(words.is_valid(row).then(|| words.value(row)));
        }
    }

    /// `first`: the id of the first; those of the others follow.
    pub fn push_addresses(&mut self, project: u32, ipv4: Vec<u32>, first: u32) {
        let place = self.next(ipv4.len());
        if ipv4.len() >= self.many {
            let base = place - first as i32;
            self.parts.push(Part::Addresses(Addresses { project, first: place, base, ipv4 }));
            return;
        }
        let any = self.any();
        for (n, ipv4) in (0..).zip(ipv4) {
            any.push(ADDRESS, project, place + n, first + n as u32);
            any.literal.append_value("");
            any.ipv4.push(ipv4);
            any.words.iter_mut().for_each(StringBuilder::append_null);
        }
    }

    /// `number` of the next row, which counts on over all kinds and projects; the offset beside it is subtracted to get the text's
    /// id: see `sql::file`.
    fn next(&mut self, rows: usize) -> i32 {
        let next = self.rows as i32 + 1;
        self.rows += rows as u32;
        next
    }

    fn any(&mut self) -> &mut Any {
        if !matches!(self.parts.last(), Some(Part::Any(_))) {
            self.parts.push(Part::Any(Box::default()));
        }
        match self.parts.last_mut() {
            Some(Part::Any(any)) => any,
            _ => unreachable!("it was pushed"),
        }
    }

    pub fn append(self, connection: &Connection, into: &str) -> Result<(), StoreError> {
        for part in self.parts {
            let columns = match part {
                Part::Any(any) => any.into_columns(),
                Part::Addresses(addresses) => addresses.into_columns(),
            };
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            let mut appender = connection
                .appender_with_columns_to_catalog_and_db("strings", into, "main", &names)
                .map_err(failed(CONTEXT))?;
            let batch = columns::to_batch(columns).map_err(|source| StoreError::Engine {
                context: CONTEXT,
                cause: Box::new(source),
            })?;
            appender.append_record_batch(batch).map_err(failed(CONTEXT))?;
            // TRICKY: dropping an appender flushes too, but hides the error.
            appender.flush().map_err(failed(CONTEXT))?;
        }
        Ok(())
    }
}

impl Any {
    fn push(&mut self, kind: u8, project: u32, number: i32, new: u32) {
        self.kind.push(kind);
        self.project.push(project);
        self.number.push(number);
        self.base.push(number - new as i32);
    }

    fn into_columns(mut self) -> Vec<(&'static str, ArrayRef)> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("kind", Arc::new(UInt8Array::from(self.kind))),
            ("project", Arc::new(UInt32Array::from(self.project))),
            ("number", Arc::new(Int32Array::from(self.number))),
            ("base", Arc::new(Int32Array::from(self.base))),
            ("literal", Arc::new(self.literal.finish())),
            ("ipv4", Arc::new(UInt32Array::from(self.ipv4))),
        ];
        for (name, builder) in ["client", "os", "device", "version"].iter().zip(&mut self.words) {
            columns.push((name, Arc::new(builder.finish())));
        }
        columns
    }
}

impl Addresses {
    fn into_columns(self) -> Vec<(&'static str, ArrayRef)> {
        let rows = self.ipv4.len();
        let numbers = (self.first..).take(rows);
        vec![
            ("kind", Arc::new(UInt8Array::from_value(ADDRESS, rows))),
            ("project", Arc::new(UInt32Array::from_value(self.project, rows))),
            ("number", Arc::new(Int32Array::from_iter_values(numbers))),
            ("base", Arc::new(Int32Array::from_value(self.base, rows))),
            ("ipv4", Arc::new(UInt32Array::from(self.ipv4))),
        ]
    }
}
