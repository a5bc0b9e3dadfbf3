//! Reads and sums up pieces of files, on the engine's threads.

use std::ops::Range;
use std::sync::Arc;

use analytics::grid::{DAY_US, QUARTER_US};
use analytics::hit::TextKind;
use analytics::tally::{ConsumerRow, Count, Distinct, EndpointRow, Needs, Subset, Tally, Unlisted};
use duckdb::arrow::array::AsArray;
use duckdb::arrow::datatypes::{Int32Type, UInt64Type};

use super::later::{Later, Room};
use super::plan::Piece;
use super::rows::to_columns;
use crate::duckdb::column_scan::Chunk;
use crate::duckdb::filter::{FileFilter, Kept};
use crate::duckdb::joined_routes::JoinedRoutes;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql::derive::BY_COUNTRY;
use crate::duckdb::sql::file::WHOLE_FILE;
use crate::duckdb::sql::sums::{self, Column, Days};
use crate::types::StoreError;

/// One thread's sums of a file, with buffers for the rows of a chunk that pass the filter.
pub struct Summing {
    pub tally: Tally,
    /// Hits whose consumers are looked up later.
    pub later: Later,
    rows: Vec<u32>,
    routes: Vec<u32>,
    kept: Kept,
}

impl Summing {
    pub fn new(tally: Tally) -> Summing {
        let (later, kept) = (Later::default(), Kept::default());
        Summing { tally, later, rows: Vec::new(), routes: Vec::new(), kept }
    }
}

/// A file that is read for one project.
pub struct Source<'a> {
    pub file: OpenFile<'a>,
    pub project: u32,
    pub sums: &'a Arc<Pool<Summing>>,
    /// Of hits, only those of these consumers and endpoints.
    pub only: Option<Arc<Subset>>,
    /// For hits whose consumers are looked up later.
    pub room: Option<Arc<Room>>,
    /// Routes that are counted as another one.
    pub joined: Option<Arc<JoinedRoutes>>,
}

impl<'a> Source<'a> {
    pub fn new(file: OpenFile<'a>, project: u32, sums: &'a Arc<Pool<Summing>>) -> Source<'a> {
        Source { file, project, sums, only: None, room: None, joined: None }
    }

    pub fn read(&self, piece: &Piece, filter: &Arc<FileFilter>) -> Result<(), StoreError> {
        match piece {
            Piece::Hits { range, needs, consumers } => {
                self.read_hits(*range, *needs, *consumers, filter)
            }
            Piece::Rollup { days, needs, split_hours, split_days, consumers_listed } => {
                let consumers = needs.only(Needs::CONSUMERS | Needs::CONSUMER_SERIES);
                if !consumers.is_empty() && *consumers_listed {
                    self.read_listed_consumers(*days, consumers, split_days.clone())?;
                } else if !consumers.is_empty() {
                    self.read_consumers(*days, consumers, split_days.clone())?;
                }
                self.read_rollup(*days, *needs, split_hours)
            }
        }
    }

    fn read_hits(
        &self,
        range: (i64, i64),
        needs: Needs,
        consumers: Needs,
        filter: &Arc<FileFilter>,
    ) -> Result<(), StoreError> {
        let columns = sums::columns(needs.and(consumers).and(filter.needs()));
        let text = sums::hits(self.file.tables(), self.project, range, &filter.numbers, &columns);
        let (sums, of, only) = (self.sums.clone(), filter.clone(), self.only.clone());
        let room = self.room.clone().filter(|_| !consumers.is_empty());
        let joined = self.joined.clone();
        self.file.scan_columns(&text, &[], move |chunk| {
            sums.with(|Summing { tally, later, rows, routes, kept }| {
                let mut hits = to_columns(chunk, &columns);
                if let Some(joined) = &joined {
                    let column = &mut hits.texts[TextKind::Route as usize];
                    routes.clear();
                    routes.extend(column.iter().map(|route| joined.id(*route)));
                    *column = routes;
                }
                let is_part = match &only {
                    None => of.select(&hits, chunk.rows(), rows),
                    Some(only) => {
                        of.select_of(only, &hits, chunk.rows(), rows);
                        true
                    }
                };
                let hits = if is_part { kept.take(&hits, rows) } else { hits };
                tally.add_hits(&hits, needs);
                if let Some(room) = &room {
                    later.add(&hits, consumers, room);
                }
            });
        })
    }

    /// Counts the hits of these consumers, or of all, and adds them to the series.
    pub fn count_consumers(
        &self,
        range: (i64, i64),
        needs: Needs,
        filter: &Arc<FileFilter>,
        only: Option<&[Range<u32>; 2]>,
    ) -> Result<(), StoreError> {
        let needs = needs.only(Needs::CONSUMERS | Needs::CONSUMER_SERIES);
        let who = Needs::text(TextKind::User) | Needs::text(TextKind::Address);
        let mut columns = sums::columns(who | filter.needs());
        columns.retain(|column| *column != Column::Status);
        let text = sums::hits(self.file.tables(), self.project, range, &filter.numbers, &columns);
        let (sums, of) = (self.sums.clone(), filter.clone());
        let only = only.cloned();
        self.file.scan_columns(&text, &[], move |chunk| {
            let hits = to_columns(chunk, &columns);
            sums.with(|Summing { tally, rows, kept, .. }| {
                let user = hits.texts[TextKind::User as usize];
                let address = hits.texts[TextKind::Address as usize];
                let is_part = match &only {
                    None => of.select(&hits, chunk.rows(), rows),
                    Some([users, addresses]) => {
                        of.select_if(&hits, chunk.rows(), rows, |row| match user[row] {
                            0 => addresses.contains(&address[row]),
                            user => users.contains(&user),
                        });
                        true
                    }
                };
                let hits = if is_part { kept.take(&hits, rows) } else { hits };
                tally.add_hits(&hits, needs);
            });
        })
    }

    /// Counts the hits with these ids of a text.
    pub fn count_texts(
        &self,
        range: (i64, i64),
        kind: TextKind,
        filter: &Arc<FileFilter>,
        wanted: impl Fn(u32) -> bool + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        let needs = Needs::text(kind);
        let columns = sums::columns(needs | filter.needs());
        let text = sums::hits(self.file.tables(), self.project, range, &filter.numbers, &columns);
        let (sums, of) = (self.sums.clone(), filter.clone());
        self.file.scan_columns(&text, &[], move |chunk| {
            let hits = to_columns(chunk, &columns);
            let ids = hits.texts[kind as usize];
            sums.with(|Summing { tally, rows, kept, .. }| {
                of.select_if(&hits, chunk.rows(), rows, |row| wanted(ids[row]));
                tally.add_hits(&kept.take(&hits, rows), needs);
            });
        })
    }

    /// Passes a rollup's rows to `take`.
    fn each(
        &self,
        text: &str,
        take: impl Fn(&mut Tally, &Chunk<'_>) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        let sums = self.sums.clone();
        self.file.scan_columns(text, &[], move |chunk| {
            sums.with(|summing| take(&mut summing.tally, chunk));
        })
    }

    fn read_rollup(
        &self,
        days: Days,
        needs: Needs,
        split_hours: &Arc<[i32]>,
    ) -> Result<(), StoreError> {
        if needs.has(Needs::STATUSES | Needs::HOURS | Needs::TRAFFIC) {
            self.read_quarters(days)?;
        }
        if needs.has(Needs::LATENCY | Needs::LATENCY_SERIES) {
            let in_series = needs.has(Needs::LATENCY_SERIES);
            self.each(&sums::durations(self.file.tables(), self.project, days), |tally, chunk| {
                tally.add_durations(chunk.column(0));
            })?;
            self.read_latencies(days, in_series, split_hours.clone())?;
        }
        if needs.has(Needs::ENDPOINTS) {
            self.read_endpoints(days)?;
        }
        if needs.has(Needs::all_texts() | Needs::COUNTRIES) {
            self.read_values(days, needs)?;
        }
        Ok(())
    }

    fn read_quarters(&self, days: Days) -> Result<(), StoreError> {
        self.each(&sums::quarters(self.file.alias(), self.project, days), |tally, chunk| {
            let (quarter, status) = (chunk.column::<i32>(0), chunk.column::<u16>(1));
            let count: [&[u64]; 4] = std::array::from_fn(|n| chunk.column(2 + n));
            for row in 0..chunk.rows() {
                let time_us = i64::from(quarter[row]) * QUARTER_US;
                let bytes = (count[1][row], count[2][row], count[3][row]);
                tally.add_quarter(time_us, status[row], count[0][row], bytes);
            }
        })
    }

    fn read_latencies(
        &self,
        days: Days,
        in_series: bool,
        split_hours: Arc<[i32]>,
    ) -> Result<(), StoreError> {
        self.each(&sums::latencies(self.file.alias(), self.project, days), move |tally, chunk| {
            let (hour, latency) = (chunk.column::<i32>(0), chunk.column::<u16>(1));
            let requests = chunk.column::<u64>(2);
            // Rows of an hour are adjacent.
            let mut row = 0;
            while row < hour.len() {
                let of = hour[row];
                let end = row + hour[row..].iter().take_while(|other| **other == of).count();
                let whole = in_series && split_hours.binary_search(&of).is_err();
                let time_us = i64::from(of) * (DAY_US / 24);
                let (latency, requests) = (&latency[row..end], &requests[row..end]);
                tally.add_latencies(time_us, latency, requests, whole);
                row = end;
            }
        })
    }

    fn read_endpoints(&self, days: Days) -> Result<(), StoreError> {
        let joined = self.joined.clone();
        let route_of = move |route: u32| joined.as_ref().map_or(route, |joined| joined.id(route));
        let other = route_of.clone();
        self.each(&sums::endpoints(self.file.alias(), self.project, days), move |tally, chunk| {
            let (method, route) = (chunk.column(0), chunk.column(1));
            let requests = chunk.column(2);
            let (client_errors, server_errors) = (chunk.column(3), chunk.column(4));
            let last_us = chunk.column(5);
            let (request_bytes, response_bytes) = (chunk.column(6), chunk.column(7));
            for row in 0..chunk.rows() {
                tally.add_endpoint(&EndpointRow {
                    method: method[row],
                    route: route_of(route[row]),
                    requests: requests[row],
                    client_errors: client_errors[row],
                    server_errors: server_errors[row],
                    last_us: last_us[row],
                    request_bytes: request_bytes[row],
                    response_bytes: response_bytes[row],
                });
            }
        })?;
        self.each(
            &sums::endpoint_latencies(self.file.alias(), self.project, days),
            move |tally, chunk| {
                let (method, route) = (chunk.column(0), chunk.column(1));
                let (latency, requests) = (chunk.column(2), chunk.column(3));
                for row in 0..chunk.rows() {
                    tally.add_endpoint_latency(
                        method[row],
                        other(route[row]),
                        latency[row],
                        requests[row],
                    );
                }
            },
        )
    }

    fn read_consumers(
        &self,
        days: Days,
        needs: Needs,
        split_days: Arc<[i32]>,
    ) -> Result<(), StoreError> {
        let in_series = needs.has(Needs::CONSUMER_SERIES);
        let bucket_of = move |day: i32| {
            (in_series && split_days.binary_search(&day).is_err()).then(|| i64::from(day) * DAY_US)
        };
        // The rows of the whole file have no day, so its series are read separately.
        let by_day = days != Days::Whole;
        if needs.has(Needs::CONSUMERS) {
            let bucket_of = bucket_of.clone();
            self.each(
                &sums::consumers(self.file.alias(), self.project, days),
                move |tally, chunk| {
                    add_consumers(tally, chunk);
                    if by_day && in_series {
                        let (day, user, address) =
                            (chunk.column(0), chunk.column(1), chunk.column(2));
                        tally.see_consumers(user, address, |row| bucket_of(day[row]));
                    }
                },
            )?;
            if by_day {
                return Ok(());
            }
        }
        if !in_series {
            return Ok(());
        }
        self.each(
            &sums::consumers_of_days(self.file.alias(), self.project, days),
            move |tally, chunk| {
                let (day, user, address) = (chunk.column(0), chunk.column(1), chunk.column(2));
                tally.see_consumers(user, address, |row| bucket_of(day[row]));
            },
        )
    }

    /// The busiest consumers, and the sums of the others.
    fn read_listed_consumers(
        &self,
        days: Days,
        needs: Needs,
        split_days: Arc<[i32]>,
    ) -> Result<(), StoreError> {
        let (alias, project) = (self.file.alias(), self.project);
        let is_whole = days == Days::Whole;
        let [counted, in_series] =
            [Needs::CONSUMERS, Needs::CONSUMER_SERIES].map(|need| needs.has(need));
        if counted {
            self.each(&sums::consumers(alias, project, days), add_consumers)?;
        }
        // The row of the whole file has no day, so its series are read from the days' rows.
        let rest = sums::consumers_rest(alias, project, (!(is_whole && in_series)).then_some(days));
        let mut damaged = false;
        self.file.each(&rest, &[], |batch| {
            let day = batch.column(0).as_primitive::<Int32Type>().values();
            let most = batch.column(1).as_primitive::<UInt64Type>().values();
            let requests = batch.column(2).as_primitive::<UInt64Type>().values();
            let sketch = batch.column(3).as_binary::<i32>();
            for (row, &day) in day.iter().enumerate() {
                let Some(distinct) = Distinct::from_bytes(sketch.value(row)) else {
                    damaged = true;
                    continue;
                };
                self.sums.with(|Summing { tally, .. }| {
                    if in_series && day != WHOLE_FILE && split_days.binary_search(&day).is_err() {
                        tally.see_distinct_consumers(&distinct, i64::from(day) * DAY_US);
                    }
                    if counted && (day == WHOLE_FILE) == is_whole {
                        let (most, requests) = (most[row], requests[row]);
                        let by_days = !is_whole;
                        let unlisted = Unlisted { most, requests, distinct, by_days };
                        tally.add_unlisted_consumers(&unlisted);
                    }
                });
            }
        })?;
        match damaged {
            true => Err(StoreError::Damaged(format!("{alias} has a sketch that cannot be read"))),
            false => Ok(()),
        }
    }

    fn read_values(&self, days: Days, needs: Needs) -> Result<(), StoreError> {
        // There is none of routes, which a rule may join.
        self.each(&sums::values(self.file.alias(), self.project, days, needs), |tally, chunk| {
            let (kind, value) = (chunk.column::<u8>(0), chunk.column::<u32>(1));
            let (requests, errors) = (chunk.column(2), chunk.column(3));
            for row in 0..chunk.rows() {
                let count = Count { requests: requests[row], errors: errors[row] };
                match TextKind::ALL.iter().find(|text| **text as u8 == kind[row]) {
                    Some(text) => tally.add_text(*text, value[row], count),
                    None if kind[row] == BY_COUNTRY => tally.add_country(value[row] as u16, count),
                    None => {}
                }
            }
        })
    }
}

/// Rows of `sql::sums::consumers`.
fn add_consumers(tally: &mut Tally, chunk: &Chunk<'_>) {
    let (user, address, country) = (chunk.column(1), chunk.column(2), chunk.column(3));
    let (country_us, requests) = (chunk.column(4), chunk.column(5));
    let (client_errors, server_errors) = (chunk.column(6), chunk.column(7));
    let last_us = chunk.column(8);
    for row in 0..chunk.rows() {
        tally.add_consumer(&ConsumerRow {
            user: user[row],
            address: address[row],
            country: country[row],
            country_us: country_us[row],
            requests: requests[row],
            client_errors: client_errors[row],
            server_errors: server_errors[row],
            last_us: last_us[row],
        });
    }
}
