//! Chunks of hits as columns for sums.

use analytics::tally::Columns;

use crate::duckdb::column_scan::Chunk;
use crate::duckdb::sql::sums::Column;

/// A stretch of hits. The selected columns have no NULL.
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
