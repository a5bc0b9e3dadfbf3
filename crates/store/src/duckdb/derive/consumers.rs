//! The consumers of a project that has too many in a file for a row each: rows of the busiest, per day and for the
//! whole file, and a sketch of all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::tally::{ConsumerCounts, Distinct, Identities, TallyLimits};
use duckdb::{Row, params};

use super::{CONTEXT, Target};
use crate::duckdb::failure::failed;
use crate::duckdb::sql::derive::{Slice, consumers};
use crate::duckdb::sql::file::{FORMAT, Tables, WHOLE_FILE};
use crate::duckdb::sql::sums;
use crate::types::StoreError;

pub struct ListedConsumers<'a> {
    target: Target<'a>,
    project: u32,
    limits: TallyLimits,
    counts: ConsumerCounts,
    identities: Arc<Identities>,
}

impl<'a> ListedConsumers<'a> {
    /// None if the project has few enough for a row each.
    pub fn find(
        target: Target<'a>,
        project: u32,
        limits: TallyLimits,
    ) -> Result<Option<ListedConsumers<'a>>, StoreError> {
        let counts = Arc::new(Mutex::new(ConsumerCounts::default()));
        let into = counts.clone();
        target.scan_columns(&consumers::of_hits(target.into, project), move |chunk| {
            let mut counts = into.lock().unwrap_or_else(PoisonError::into_inner);
            counts.add(chunk.column(0), chunk.column(1));
        })?;
        let counts = std::mem::take(&mut *counts.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.count() <= limits.listed_whole {
            return Ok(None);
        }
        let identities = Arc::new(Mutex::new(Identities::default()));
        let into = identities.clone();
        let made = Tables { file: target.into, format: FORMAT };
        let texts = sums::identities(made, project, &[TextKind::User, TextKind::Address]);
        target.scan_columns(&texts, move |chunk| {
            let mut identities = into.lock().unwrap_or_else(PoisonError::into_inner);
            let (kind, id) = (chunk.column(0), chunk.column(1));
            identities.put_all(kind, id, chunk.column(2), chunk.column(3));
        })?;
        let mut identities = identities.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = Arc::new(std::mem::take(&mut *identities));
        Ok(Some(ListedConsumers { target, project, limits, counts, identities }))
    }

    /// The days of a slice. A day split between two slices has two lists and two sketches, which add up.
    pub fn derive_days(&self, slice: &Slice) -> Result<(), StoreError> {
        let slice = Slice { projects: vec![self.project], ..slice.clone() };
        self.run(&consumers::gather_days(self.target.into, &slice))?;
        self.append_listed(self.limits.listed_of_day)?;
        let sketches = Arc::new(Mutex::new(BTreeMap::<i32, Distinct>::new()));
        let (into, identities) = (sketches.clone(), self.identities.clone());
        let exact = self.limits.bucket_consumers_exact;
        self.target.scan_columns(consumers::GATHERED, move |chunk| {
            let mut sketches = into.lock().unwrap_or_else(PoisonError::into_inner);
            let (day, user, address) = (chunk.column::<i32>(0), chunk.column(1), chunk.column(2));
            for (n, day) in day.iter().enumerate() {
                let sketch = sketches.entry(*day).or_insert_with(|| Distinct::new(exact));
                sketch.add(identities.of_consumer(user[n], address[n]));
            }
        })?;
        let mut rest: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
        self.each(&consumers::unlisted(self.limits.listed_of_day), |row| {
            rest.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
            Ok(())
        })?;
        let sketches = sketches.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = sketches.iter().map(|(day, sketch)| {
            let (most, requests) = rest.get(day).copied().unwrap_or_default();
            (*day, most, requests, sketch)
        });
        self.append_rest(rows)?;
        self.run(consumers::FORGET)
    }

    pub fn derive_whole(&self) -> Result<(), StoreError> {
        let (busiest, rest) = self.counts.busiest(self.limits.listed_of_file);
        self.run(&consumers::gather_whole(self.target.into, self.project, &busiest))?;
        self.append_listed(self.limits.listed_of_file)?;
        let mut sketch = Distinct::new(self.limits.distinct_exact);
        for (kind, id) in self.counts.all() {
            sketch.add(self.identities.get(kind, id));
        }
        self.append_rest(std::iter::once((WHOLE_FILE, rest.most, rest.requests, &sketch)))?;
        self.run(consumers::FORGET)
    }

    fn append_listed(&self, most: u64) -> Result<(), StoreError> {
        let mut appender = self
            .target
            .connection
            .appender_to_catalog_and_db("by_consumer", self.target.into, "main")
            .map_err(failed(CONTEXT))?;
        self.each(&consumers::listed(most), |row| {
            let (user, address): (u32, u32) = (row.get(1)?, row.get(2)?);
            let identity = self.identities.of_consumer(user, address);
            appender.append_row(params![
                self.project,
                row.get::<_, i32>(0)?,
                user,
                address,
                row.get::<_, u16>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, u64>(5)?,
                row.get::<_, u64>(6)?,
                row.get::<_, u64>(7)?,
                row.get::<_, i64>(8)?,
                identity
            ])
        })?;
        // TRICKY: dropping an appender flushes too, but hides the error.
        appender.flush().map_err(failed(CONTEXT))
    }

    /// Day, most hits of a consumer not listed, hits of all of those, and a sketch of all consumers.
    fn append_rest<'b>(
        &self,
        rows: impl Iterator<Item = (i32, u64, u64, &'b Distinct)>,
    ) -> Result<(), StoreError> {
        let mut appender = self
            .target
            .connection
            .appender_to_catalog_and_db("by_consumer_rest", self.target.into, "main")
            .map_err(failed(CONTEXT))?;
        for (day, most, requests, sketch) in rows {
            appender
                .append_row(params![self.project, day, most, requests, sketch.to_bytes()])
                .map_err(failed(CONTEXT))?;
        }
        appender.flush().map_err(failed(CONTEXT))
    }

    fn run(&self, statement: &str) -> Result<(), StoreError> {
        self.target.connection.execute_batch(statement).map_err(failed(CONTEXT))
    }

    fn each(
        &self,
        statement: &str,
        mut take: impl FnMut(&Row<'_>) -> duckdb::Result<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.target.connection.prepare(statement).map_err(failed(CONTEXT))?;
        let mut rows = statement.query([]).map_err(failed(CONTEXT))?;
        while let Some(row) = rows.next().map_err(failed(CONTEXT))? {
            take(row).map_err(failed(CONTEXT))?;
        }
        Ok(())
    }
}
