//! Pieces of files, summed up as they come.

use analytics::hit::Text;
use analytics::tally::{ConsumerRow, Count, EndpointRow, Needs, Tally};
use duckdb::Connection;
use duckdb::arrow::array::{AsArray, RecordBatch};
use duckdb::arrow::datatypes::{
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::filter::{FileFilter, Kept};
use super::plan::Piece;
use super::rows::{each, to_columns};
use crate::read::Reading;
use crate::sql::derive::BY_COUNTRY;
use crate::sql::sums::{self, Days};
use crate::types::StoreError;

const DAY_US: i64 = analytics::grid::DAY_US;

pub fn piece(
    reading: &Reading<'_>,
    connection: &Connection,
    file: &str,
    project: u32,
    piece: &Piece,
    filter: &FileFilter,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    match piece {
        Piece::Hits { ranges, needs } => {
            let columns = sums::columns(needs.and(filter.needs()));
            let (mut rows, mut kept) = (Vec::new(), Kept::default());
            for range in ranges {
                let text = sums::hits(file, project, *range, &filter.numbers.sql, &columns);
                each(reading, connection, &text, &filter.numbers.values, |batch| {
                    let hits = to_columns(batch, &columns);
                    if filter.select(&hits, batch.num_rows(), &mut rows) {
                        tally.add_hits(&kept.take(&hits, &rows), *needs);
                    } else {
                        tally.add_hits(&hits, *needs);
                    }
                })?;
            }
            Ok(())
        }
        Piece::Rollup { days, needs, split_hours, split_days } => {
            let rollup = Rollup { reading, connection, file, project, days: *days, needs: *needs };
            rollup.read(tally, split_hours, split_days)
        }
    }
}

struct Rollup<'a> {
    reading: &'a Reading<'a>,
    connection: &'a Connection,
    file: &'a str,
    project: u32,
    days: Days,
    needs: Needs,
}

impl Rollup<'_> {
    fn each(&self, text: &str, take: impl FnMut(&RecordBatch)) -> Result<(), StoreError> {
        each(self.reading, self.connection, text, &[], take)
    }

    fn read(
        &self,
        tally: &mut Tally<'_>,
        split_hours: &[i32],
        split_days: &[i32],
    ) -> Result<(), StoreError> {
        let (file, project, days, needs) = (self.file, self.project, self.days, self.needs);
        if needs.has(Needs::STATUSES | Needs::HOURS | Needs::TRAFFIC) {
            self.each(&sums::quarters(file, project, days), |batch| {
                let (quarter, status) = (signed(batch, 0), short(batch, 1));
                let count: [&[u64]; 4] = std::array::from_fn(|n| long(batch, 2 + n));
                for row in 0..batch.num_rows() {
                    let time_us = i64::from(quarter[row]) * analytics::grid::QUARTER_US;
                    let bytes = (count[1][row], count[2][row], count[3][row]);
                    tally.add_quarter(time_us, status[row], count[0][row], bytes);
                }
            })?;
        }
        if needs.has(Needs::LATENCY | Needs::LATENCY_SERIES) {
            let in_series = needs.has(Needs::LATENCY_SERIES);
            self.each(&sums::latencies(file, project, days), |batch| {
                let (hour, latency) = (signed(batch, 0), short(batch, 1));
                let (requests, duration_us) = (long(batch, 2), long(batch, 3));
                for row in 0..batch.num_rows() {
                    let whole = in_series
                        && (split_hours.is_empty()
                            || split_hours.binary_search(&hour[row]).is_err());
                    let time_us = i64::from(hour[row]) * (DAY_US / 24);
                    tally.add_latency(
                        time_us,
                        latency[row],
                        requests[row],
                        u128::from(duration_us[row]),
                        whole,
                    );
                }
            })?;
        }
        if needs.has(Needs::ENDPOINTS) {
            self.read_endpoints(tally)?;
        }
        if needs.has(Needs::CONSUMERS | Needs::CONSUMER_SERIES) {
            self.read_consumers(tally, split_days)?;
        }
        let texts = Needs::all_texts() | Needs::COUNTRIES;
        if needs.has(texts) {
            self.each(&sums::values(file, project, days, needs), |batch| {
                let kind = batch.column(0).as_primitive::<UInt8Type>().values();
                let (value, requests, errors) = (number(batch, 1), long(batch, 2), long(batch, 3));
                for row in 0..batch.num_rows() {
                    let count = Count { requests: requests[row], errors: errors[row] };
                    match Text::ALL.iter().find(|text| **text as u8 == kind[row]) {
                        Some(text) => tally.add_text(*text, value[row], count),
                        None if kind[row] == BY_COUNTRY => {
                            tally.add_country(value[row] as u16, count)
                        }
                        None => {}
                    }
                }
            })?;
        }
        Ok(())
    }

    fn read_endpoints(&self, tally: &mut Tally<'_>) -> Result<(), StoreError> {
        self.each(&sums::endpoints(self.file, self.project, self.days), |batch| {
            let (method, route) = (number(batch, 0), number(batch, 1));
            let (requests, client_errors, server_errors) =
                (long(batch, 2), long(batch, 3), long(batch, 4));
            let last = batch.column(5).as_primitive::<Int64Type>().values();
            let (request_bytes, response_bytes) = (long(batch, 6), long(batch, 7));
            for row in 0..batch.num_rows() {
                tally.add_endpoint(&EndpointRow {
                    method: method[row],
                    route: route[row],
                    requests: requests[row],
                    client_errors: client_errors[row],
                    server_errors: server_errors[row],
                    last_us: last[row],
                    request_bytes: request_bytes[row],
                    response_bytes: response_bytes[row],
                });
            }
        })?;
        self.each(&sums::endpoint_latencies(self.file, self.project, self.days), |batch| {
            let (method, route) = (number(batch, 0), number(batch, 1));
            let (latency, requests) = (short(batch, 2), long(batch, 3));
            for row in 0..batch.num_rows() {
                tally.add_endpoint_latency(method[row], route[row], latency[row], requests[row]);
            }
        })
    }

    fn read_consumers(&self, tally: &mut Tally<'_>, split_days: &[i32]) -> Result<(), StoreError> {
        let (in_sums, in_series) =
            (self.needs.has(Needs::CONSUMERS), self.needs.has(Needs::CONSUMER_SERIES));
        let bucket_of = |day: i32| {
            (in_series && split_days.binary_search(&day).is_err()).then(|| i64::from(day) * DAY_US)
        };
        if in_sums {
            // The rows of the whole file have no day, so its series are read apart.
            let by_day = self.days != Days::Whole;
            self.each(&sums::consumers(self.file, self.project, self.days), |batch| {
                let day = signed(batch, 0);
                let (user, address, country) =
                    (number(batch, 1), number(batch, 2), short(batch, 3));
                let country_us = batch.column(4).as_primitive::<Int64Type>().values();
                let (requests, client_errors, server_errors) =
                    (long(batch, 5), long(batch, 6), long(batch, 7));
                let last = batch.column(8).as_primitive::<Int64Type>().values();
                for row in 0..batch.num_rows() {
                    let consumer = ConsumerRow {
                        user: user[row],
                        address: address[row],
                        country: country[row],
                        country_us: country_us[row],
                        requests: requests[row],
                        client_errors: client_errors[row],
                        server_errors: server_errors[row],
                        last_us: last[row],
                    };
                    tally.add_consumer(&consumer, if by_day { bucket_of(day[row]) } else { None });
                }
            })?;
            if by_day {
                return Ok(());
            }
        }
        if in_series {
            self.each(&sums::consumers_of_days(self.file, self.project, self.days), |batch| {
                let (day, user, address) = (signed(batch, 0), number(batch, 1), number(batch, 2));
                for row in 0..batch.num_rows() {
                    if let Some(time_us) = bucket_of(day[row]) {
                        tally.see_consumer(user[row], address[row], time_us);
                    }
                }
            })?;
        }
        Ok(())
    }
}

fn signed(batch: &RecordBatch, column: usize) -> &[i32] {
    batch.column(column).as_primitive::<Int32Type>().values()
}

fn short(batch: &RecordBatch, column: usize) -> &[u16] {
    batch.column(column).as_primitive::<UInt16Type>().values()
}

fn number(batch: &RecordBatch, column: usize) -> &[u32] {
    batch.column(column).as_primitive::<UInt32Type>().values()
}

fn long(batch: &RecordBatch, column: usize) -> &[u64] {
    batch.column(column).as_primitive::<UInt64Type>().values()
}
