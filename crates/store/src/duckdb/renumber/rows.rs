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

/// Rows for `strings`, in order.
#[derive(Default)]
pub struct NewRows {
    kind: Vec<u8>,
    project: Vec<u32>,
    number: Vec<i32>,
    base: Vec<i32>,
    literal: StringBuilder,
    ipv4: Vec<u32>,
    words: [StringBuilder; WORDS],
}

impl NewRows {
    pub fn len(&self) -> u32 {
        self.kind.len() as u32
    }

    /// `new`: the text's id.
    pub fn push(&mut self, found: &Found<'_>, words: &[&StringArray; WORDS], new: u32) {
        let row = found.row as usize;
        self.push_numbers(found.kind, found.project, new);
        self.literal.append_value(&found.literal);
        self.ipv4.push(0);
        for (builder, words) in self.words.iter_mut().zip(words) {
            builder.append_option(words.is_valid(row).then(|| words.value(row)));
        }
    }

    /// `new`: the address's id.
    pub fn push_address(&mut self, project: u32, ipv4: u32, new: u32) {
        self.push_numbers(ADDRESS, project, new);
        self.literal.append_value("");
        self.ipv4.push(ipv4);
        self.words.iter_mut().for_each(StringBuilder::append_null);
    }

    /// `number` counts on over all kinds and projects; the offset beside it is subtracted to get the text's id: see
    /// `sql::file`.
    fn push_numbers(&mut self, kind: u8, project: u32, new: u32) {
        let number = self.kind.len() as i32 + 1;
        self.kind.push(kind);
        self.project.push(project);
        self.number.push(number);
        self.base.push(number - new as i32);
    }

    pub fn append(mut self, connection: &Connection, into: &str) -> Result<(), StoreError> {
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
        let batch = columns::to_batch(columns)
            .map_err(|source| StoreError::Engine { context: CONTEXT, cause: Box::new(source) })?;
        let mut appender = connection
            .appender_to_catalog_and_db("strings", into, "main")
            .map_err(failed(CONTEXT))?;
        appender.append_record_batch(batch).map_err(failed(CONTEXT))?;
        // TRICKY: dropping an appender flushes too, but hides the error.
        appender.flush().map_err(failed(CONTEXT))
    }
}
