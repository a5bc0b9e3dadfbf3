//! Rows of a statement as they come: texts by Arrow, hits as columns of numbers.

use analytics::tally::Columns;
use duckdb::Connection;
use duckdb::arrow::array::RecordBatch;

use crate::engine::failed;
use crate::hand_out::Chunk;
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

/// A stretch of hits. What is selected has no NULL.
pub fn to_columns<'a>(chunk: &'a Chunk<'_>, columns: &[Column]) -> Columns<'a> {
    let mut out = Columns::default();
    for (place, column) in columns.iter().enumerate() {
        match column {
            Column::Time => out.time_us = chunk.column(place),
            Column::Status => out.status = chunk.column(place),
            Column::Latency => out.latency = chunk.column(place),
            Column::Duration => out.duration_us = chunk.column(place),
            Column::Country => out.country = chunk.column(place),
            Column::RequestSize => out.request_size = chunk.column(place),
            Column::ResponseSize => out.response_size = chunk.column(place),
            Column::Text(kind) => out.texts[*kind as usize] = chunk.column(place),
        }
    }
    out
}
