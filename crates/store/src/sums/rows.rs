//! Rows of a statement as they come, as columns of numbers.

use analytics::tally::Columns;
use duckdb::Connection;
use duckdb::arrow::array::{AsArray, RecordBatch};
use duckdb::arrow::datatypes::{Int64Type, UInt16Type, UInt32Type};

use crate::engine::failed;
use crate::read::Reading;
use crate::sql::sums::Column;
use crate::types::StoreError;

/// Runs a statement and hands out its rows as they come. Stops where the asker has gone.
pub fn each(
    reading: &Reading<'_>,
    connection: &Connection,
    text: &str,
    values: &[String],
    mut take: impl FnMut(&RecordBatch),
) -> Result<(), StoreError> {
    let context = "summing up hits";
    reading.check()?;
    let mut statement = connection.prepare(text).map_err(failed(context))?;
    // TRICKY: the iterator that this returns panics where a read is interrupted; `step` says so.
    drop(statement.stream_arrow(duckdb::params_from_iter(values.iter())).map_err(failed(context))?);
    while let Some(rows) = statement.step().map_err(failed(context))? {
        take(&RecordBatch::from(&rows));
    }
    Ok(())
}

pub fn to_columns<'a>(batch: &'a RecordBatch, columns: &[Column]) -> Columns<'a> {
    let mut out = Columns::default();
    for (column, of) in batch.columns().iter().zip(columns) {
        match of {
            Column::Time => out.time_us = column.as_primitive::<Int64Type>().values(),
            Column::Status => out.status = column.as_primitive::<UInt16Type>().values(),
            Column::Latency => out.latency = column.as_primitive::<UInt16Type>().values(),
            Column::Duration => out.duration_us = column.as_primitive::<Int64Type>().values(),
            Column::Country => out.country = column.as_primitive::<UInt16Type>().values(),
            Column::RequestSize => out.request_size = column.as_primitive::<Int64Type>().values(),
            Column::ResponseSize => out.response_size = column.as_primitive::<Int64Type>().values(),
            Column::Text(kind) => {
                out.texts[*kind as usize] = column.as_primitive::<UInt32Type>().values();
            }
        }
    }
    out
}
