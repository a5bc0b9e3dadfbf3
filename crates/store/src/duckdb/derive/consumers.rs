//! The consumers of a project that has too many in a file for a row each: rows of the busiest, per day and for the
//! whole file, and a sketch of all of them.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::tally::{ConsumerCounts, Distinct, Identities, TallyLimits};
use duckdb::{Appender, Row, params};

use super::day_sums::{DaySums, OfConsumer};
use super::{CONTEXT, Target};
use crate::duckdb::failure::failed;
use crate::duckdb::sql::derive::consumers;
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

    /// The days of a slice, which are taken out of its sums. A day split between two slices has two lists and two
    /// sketches, which add up.
    pub fn append_days(&self, sums: &mut DaySums) -> Result<(), StoreError> {
        let mut listed = self.appender("by_consumer")?;
        let mut rests = Vec::new();
        let mut identities = Vec::new();
        for (day, consumers) in sums.take_consumers(self.project) {
            let mut sketch = Distinct::new(self.limits.bucket_consumers_exact);
            self.identities.of_consumers(consumers.iter().map(|(who, _)| *who), &mut identities);
            identities.iter().for_each(|identity| sketch.add(*identity));
            let (busiest, rest) = busiest(consumers, self.limits.listed_of_day);
            for (who, sums) in busiest {
                let (country, country_ago) = sums.country_and_ago();
                let row = params![
                    self.project,
                    day,
                    who.0,
                    who.1,
                    country,
                    country_ago,
                    u64::from(sums.requests),
                    u64::from(sums.client_errors),
                    u64::from(sums.server_errors),
                    sums.last_us,
                    self.identities.of_consumer(who.0, who.1)
                ];
                listed.append_row(row).map_err(failed(CONTEXT))?;
            }
            rests.push((day, rest, sketch));
        }
        // TRICKY: dropping an appender flushes too, but hides the error.
        listed.flush().map_err(failed(CONTEXT))?;
        self.append_rest(rests.iter().map(|(day, rest, sketch)| (*day, rest.0, rest.1, sketch)))
    }

    pub fn derive_whole(&self) -> Result<(), StoreError> {
        let (busiest, rest) = self.counts.busiest(self.limits.listed_of_file);
        self.append_listed(&consumers::of_file(self.target.into, self.project, &busiest))?;
        let mut sketch = Distinct::new(self.limits.distinct_exact);
        for (kind, id) in self.counts.all() {
            sketch.add(self.identities.get(kind, id));
        }
        self.append_rest(std::iter::once((WHOLE_FILE, rest.most, rest.requests, &sketch)))
    }

    /// The consumers of a statement, for the whole file.
    fn append_listed(&self, statement: &str) -> Result<(), StoreError> {
        let mut appender = self.appender("by_consumer")?;
        let mut statement = self.target.connection.prepare(statement).map_err(failed(CONTEXT))?;
        let mut rows = statement.query([]).map_err(failed(CONTEXT))?;
        while let Some(row) = rows.next().map_err(failed(CONTEXT))? {
            let mut append = |row: &Row<'_>| {
                let (user, address): (u32, u32) = (row.get(0)?, row.get(1)?);
                appender.append_row(params![
                    self.project,
                    WHOLE_FILE,
                    user,
                    address,
                    row.get::<_, u16>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, u64>(4)?,
                    row.get::<_, u64>(5)?,
                    row.get::<_, u64>(6)?,
                    row.get::<_, i64>(7)?,
                    self.identities.of_consumer(user, address)
                ])
            };
            append(row).map_err(failed(CONTEXT))?;
        }
        appender.flush().map_err(failed(CONTEXT))
    }

    /// Day, most hits of a consumer not listed, hits of all of those, and a sketch of all consumers.
    fn append_rest<'b>(
        &self,
        rows: impl Iterator<Item = (i32, u64, u64, &'b Distinct)>,
    ) -> Result<(), StoreError> {
        let mut appender = self.appender("by_consumer_rest")?;
        for (day, most, requests, sketch) in rows {
            appender
                .append_row(params![self.project, day, most, requests, sketch.to_bytes()])
                .map_err(failed(CONTEXT))?;
        }
        appender.flush().map_err(failed(CONTEXT))
    }

    fn appender(&self, table: &str) -> Result<Appender<'_>, StoreError> {
        self.target
            .connection
            .appender_to_catalog_and_db(table, self.target.into, "main")
            .map_err(failed(CONTEXT))
    }
}

/// The consumers with most hits, sorted by id, and of the others the most hits of one and those of all. On ties the lower id
/// comes first.
fn busiest(mut consumers: Vec<OfConsumer>, most: u64) -> (Vec<OfConsumer>, (u64, u64)) {
    let mut rest = (0, 0);
    if (most as usize) < consumers.len() {
        let order = |(who, sums): &OfConsumer| (Reverse(sums.requests), *who);
        let (_, first, others) = consumers.select_nth_unstable_by_key(most as usize, order);
        let requests = |(_, sums): &OfConsumer| u64::from(sums.requests);
        rest = (requests(first), requests(first) + others.iter().map(requests).sum::<u64>());
        consumers.truncate(most as usize);
    }
    consumers.sort_unstable_by_key(|(who, _)| *who);
    (consumers, rest)
}
