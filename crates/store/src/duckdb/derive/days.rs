//! Rows per quarter, hour and day: one look at each hit of a slice fills them all. A statement for each table took twice
//! the processor time, since each read, hashed and sorted the hits anew.

use std::sync::{Arc, Mutex, PoisonError};

use duckdb::arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use duckdb::arrow::datatypes::{
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::day_sums::{Day, DaySums, sorted};
use super::{CONTEXT, Target};
use crate::duckdb::columns;
use crate::duckdb::failure::failed;
use crate::duckdb::sql::derive::{BY_CONSUMER, SLICE_VALUES, Slice, slice_columns};
use crate::types::StoreError;

/// Looks at the hits of a slice.
pub fn sum_up(target: Target<'_>, slice: &Slice) -> Result<DaySums, StoreError> {
    let sums = Arc::new(Mutex::new(DaySums::default()));
    let into = sums.clone();
    target.scan_columns(&slice_columns(target.into, slice), move |chunk| {
        into.lock().unwrap_or_else(PoisonError::into_inner).add(chunk);
    })?;
    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *sums))
}

/// Adds the rows of these sums, each table's in the order of its columns.
pub fn append(target: Target<'_>, mut sums: DaySums) -> Result<(), StoreError> {
    for make in [by_quarter, by_hour, by_latency, by_endpoint_latency, by_endpoint, by_consumer] {
        make(&mut sums).append(target)?;
    }
    for n in 0..SLICE_VALUES.len() {
        by_value(&mut sums, n).append(target)?;
    }
    Ok(())
}

/// Rows for a table.
struct Rows {
    table: &'static str,
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Rows {
    fn append(self, target: Target<'_>) -> Result<(), StoreError> {
        let batch = columns::to_batch(self.columns)
            .map_err(|cause| StoreError::Engine { context: CONTEXT, cause: Box::new(cause) })?;
        let mut appender = target
            .connection
            .appender_to_catalog_and_db(self.table, target.into, "main")
            .map_err(failed(CONTEXT))?;
        appender.append_record_batch(batch).map_err(failed(CONTEXT))?;
        // TRICKY: dropping an appender flushes too, but hides the error.
        appender.flush().map_err(failed(CONTEXT))
    }
}

/// A row that is about a project and a day.
struct OfDay<K, V> {
    project: u32,
    day: i32,
    key: K,
    value: V,
}

/// The entries that `entries` takes from each day's sums, in order.
fn rows<K, V>(
    sums: &mut DaySums,
    mut entries: impl FnMut(&mut Day) -> Vec<(K, V)>,
) -> Vec<OfDay<K, V>> {
    let days = sums.days.iter_mut();
    days.flat_map(|((project, day), sums)| {
        let of = |(key, value)| OfDay { project: *project, day: *day, key, value };
        entries(sums).into_iter().map(of)
    })
    .collect()
}

/// A column of numbers: what `of` takes from each row.
fn column<R, T: ArrowPrimitiveType>(rows: &[R], of: impl Fn(&R) -> T::Native) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter_values(rows.iter().map(of)))
}

fn by_quarter(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, |day| sorted(&mut day.quarters));
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("quarter", column::<_, Int32Type>(&rows, |row| row.key.0)),
        ("status", column::<_, UInt16Type>(&rows, |row| row.key.1)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value.requests)),
        ("request_bytes", column::<_, UInt64Type>(&rows, |row| row.value.bytes.request)),
        ("response_bytes", column::<_, UInt64Type>(&rows, |row| row.value.bytes.response)),
        ("sized", column::<_, UInt64Type>(&rows, |row| row.value.sized)),
    ];
    Rows { table: "by_quarter", columns }
}

fn by_hour(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, |day| sorted(&mut day.hours));
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("hour", column::<_, Int32Type>(&rows, |row| row.key)),
        ("duration_us", column::<_, UInt64Type>(&rows, |row| row.value)),
    ];
    Rows { table: "by_hour", columns }
}

fn by_latency(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, |day| sorted(&mut day.latencies));
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("hour", column::<_, Int32Type>(&rows, |row| row.key.0)),
        ("latency", column::<_, UInt16Type>(&rows, |row| row.key.1)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value)),
    ];
    Rows { table: "by_latency", columns }
}

fn by_endpoint(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, Day::take_endpoints);
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("day", column::<_, Int32Type>(&rows, |row| row.day)),
        ("method", column::<_, UInt32Type>(&rows, |row| row.key.0)),
        ("route", column::<_, UInt32Type>(&rows, |row| row.key.1)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value.requests.into())),
        ("client_errors", column::<_, UInt64Type>(&rows, |row| row.value.client_errors.into())),
        ("server_errors", column::<_, UInt64Type>(&rows, |row| row.value.server_errors.into())),
        ("last_us", column::<_, Int64Type>(&rows, |row| row.value.last_us)),
        ("request_bytes", column::<_, UInt64Type>(&rows, |row| row.value.bytes.request)),
        ("response_bytes", column::<_, UInt64Type>(&rows, |row| row.value.bytes.response)),
    ];
    Rows { table: "by_endpoint", columns }
}

fn by_endpoint_latency(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, Day::take_endpoint_latencies);
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("day", column::<_, Int32Type>(&rows, |row| row.day)),
        ("method", column::<_, UInt32Type>(&rows, |row| row.key.0.0)),
        ("route", column::<_, UInt32Type>(&rows, |row| row.key.0.1)),
        ("latency", column::<_, UInt16Type>(&rows, |row| row.key.1)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value)),
    ];
    Rows { table: "by_endpoint_latency", columns }
}

/// All consumers: those of projects with lists were taken out before.
fn by_consumer(sums: &mut DaySums) -> Rows {
    let rows = rows(sums, |day| day.consumers.take_sorted());
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("day", column::<_, Int32Type>(&rows, |row| row.day)),
        ("user_id", column::<_, UInt32Type>(&rows, |row| row.key.0)),
        ("address", column::<_, UInt32Type>(&rows, |row| row.key.1)),
        ("country", column::<_, UInt16Type>(&rows, |row| row.value.country_and_ago().0)),
        ("country_ago", column::<_, Int64Type>(&rows, |row| row.value.country_and_ago().1)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value.requests.into())),
        ("client_errors", column::<_, UInt64Type>(&rows, |row| row.value.client_errors.into())),
        ("server_errors", column::<_, UInt64Type>(&rows, |row| row.value.server_errors.into())),
        ("last_us", column::<_, Int64Type>(&rows, |row| row.value.last_us)),
        ("identity", column::<_, UInt64Type>(&rows, |_| 0)),
    ];
    Rows { table: BY_CONSUMER, columns }
}

/// The rows of the `n`th of `SLICE_VALUES`.
fn by_value(sums: &mut DaySums, n: usize) -> Rows {
    let rows = rows(sums, |day| sorted(&mut day.values[n]));
    let columns = vec![
        ("project", column::<_, UInt32Type>(&rows, |row| row.project)),
        ("day", column::<_, Int32Type>(&rows, |row| row.day)),
        ("kind", column::<_, UInt8Type>(&rows, |_| SLICE_VALUES[n])),
        ("value", column::<_, UInt32Type>(&rows, |row| row.key)),
        ("requests", column::<_, UInt64Type>(&rows, |row| row.value.requests.into())),
        ("errors", column::<_, UInt64Type>(&rows, |row| row.value.errors.into())),
    ];
    Rows { table: "by_value", columns }
}

#[cfg(test)]
mod tests {
    use analytics::hit::TextKind;
    use duckdb::Connection;

    use super::*;
    use crate::duckdb::derive::tests::empty_file;
    use crate::duckdb::sql::derive::BY_COUNTRY;

    const DAY: &str = "time_us // 86400000000";
    const HOUR: &str = "time_us // 3600000000";
    const BYTES: &str = "coalesce(sum(request_size), 0), coalesce(sum(response_size), 0)";
    const ERRORS: &str =
        "count(*) FILTER (status BETWEEN 400 AND 499), count(*) FILTER (status >= 500)";

    /// Each table's rows as a statement over the hits.
    fn plain() -> Vec<(&'static str, String)> {
        let of = |keys: &str, sums: &str, which: &str| {
            format!(
                "SELECT project, {keys}, {sums} FROM f.hits WHERE {which} GROUP BY ALL ORDER BY ALL"
            )
        };
        let timed = "duration_us IS NOT NULL";
        let sized = "count(coalesce(request_size, response_size))";
        let mut all = vec![
            (
                "by_quarter",
                of("time_us // 900000000, status", &format!("count(*), {BYTES}, {sized}"), "TRUE"),
            ),
            ("by_hour", of(HOUR, "sum(duration_us)", timed)),
            ("by_latency", of(&format!("{HOUR}, latency_of(duration_us)"), "count(*)", timed)),
            (
                "by_endpoint",
                of(
                    &format!("{DAY}, method, route"),
                    &format!("count(*), {ERRORS}, max(time_us), {BYTES}"),
                    "TRUE",
                ),
            ),
            (
                "by_endpoint_latency",
                of(&format!("{DAY}, method, route, latency_of(duration_us)"), "count(*)", timed),
            ),
        ];
        all.push((
            "by_consumer",
            format!(
                "SELECT project, day, u, a, coalesce(country, 0), coalesce(last_us - seen_us, 0), n, c, s, last_us, 0 FROM (
                     SELECT project, {DAY} AS day, user_id AS u, if(user_id > 0, 0, address) AS a, count(*) AS n,
                         count(*) FILTER (status BETWEEN 400 AND 499) AS c, count(*) FILTER (status >= 500) AS s,
                         max(time_us) AS last_us, max(greatest(time_us, 0)) FILTER (country > 0) AS seen_us,
                         arg_max(country, (greatest(time_us, 0), country)) FILTER (country > 0) AS country
                     FROM f.hits WHERE (user_id > 0 OR address > 0) GROUP BY ALL) ORDER BY ALL"
            ),
        ));
        // Of versions 1 and 2, which the paths have in turn with none, the first paths are these.
        let (country, path) = (("country", BY_COUNTRY), ("path % 3", TextKind::Path as u8));
        let small = [
            TextKind::Host,
            TextKind::Agent,
            TextKind::Referrer,
            TextKind::Framework,
            TextKind::Sdk,
        ];
        let small = small.map(|kind| (kind.column(), kind as u8));
        let values = std::iter::once(country).chain(small).chain([path]).map(|(column, kind)| {
            let keys = format!("{DAY}, {kind}, {column}");
            format!("({})", of(&keys, "count(*), count(*) FILTER (status >= 400)", "TRUE"))
        });
        all.push(("by_value", values.collect::<Vec<_>>().join(" UNION ALL ")));
        all
    }

    fn stored(table: &str) -> String {
        let computed = if table == BY_CONSUMER { "EXCLUDE (country_us)" } else { "" };
        format!("SELECT * {computed} FROM f.{table}")
    }

    fn texts(connection: &Connection, statement: &str) -> Vec<String> {
        let text = format!("SELECT row(*COLUMNS(*))::VARCHAR FROM ({statement})");
        let mut statement = connection.prepare(&text).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn the_rows_are_those_of_a_statement_for_each_table() {
        let (connection, scans, new_numbers) = empty_file();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run("INSERT INTO f.strings (kind, project, number, base, literal, version)
             SELECT 2, p, i, 0, 'text ' || i, CASE WHEN i % 3 > 0 THEN 'v' || i % 3 END
             FROM range(1, 91) r(i), range(1, 8) t(p)");
        // Some days before 1970 and after, with hits that lack a duration, a size or both, and long stretches of a day
        // that are alike.
        run("INSERT INTO f.hits (project, time_us, batch, place, duration_us, status, country, request_size,
                 response_size, method, host, path, route, agent, address, user_id, referrer, framework, sdk)
             SELECT 1 + i % 7, (i - 9_000) * 29_000_000, i // 10, i % 10,
                 CASE WHEN i % 11 > 0 THEN (i * 7919) % 90_000 * (i % 13) END, 200 + 100 * (i % 4) + i % 3, i % 4 * 300,
                 CASE WHEN i % 3 > 0 THEN i % 3 * 40 END, CASE WHEN i % 8 > 3 THEN 5_000_000_000 + i END, i % 5,
                 i // 700 % 2 + 1, i % 90 + 1, i * i % 601, i // 50 % 40, i % 8, i % 30, i % 6, 1, i // 5_000
             FROM range(30_000) r(i) ORDER BY ALL");
        let target =
            Target { connection: &connection, scans: &scans, new_numbers: &new_numbers, into: "f" };
        new_numbers.know_versions(&connection, "f", &[1, 2, 3, 5, 6, 7]).unwrap();
        run("DELETE FROM f.hits WHERE project = 4 AND time_us < 0");
        let slices = [
            (vec![1], None, Some(86_400_000_000)),
            (vec![1], Some(86_400_000_000), None),
            (vec![2, 3, 5, 6, 7], None, None),
        ];
        for (projects, from_us, to_us) in slices {
            let sums = sum_up(target, &Slice { projects, from_us, to_us }).unwrap();
            append(target, sums).unwrap();
        }
        for (table, plain) in plain() {
            let plain = plain.replace("WHERE", "WHERE project <> 4 AND");
            let (mut found, mut wanted) =
                (texts(&connection, &stored(table)), texts(&connection, &plain));
            // Each slice has all its values of one kind, then those of the next.
            if table == "by_value" {
                found.sort();
                wanted.sort();
            }
            assert!(wanted.len() > 100, "{table} has {} rows", wanted.len());
            assert_eq!(found, wanted, "{table}");
        }
    }
}
