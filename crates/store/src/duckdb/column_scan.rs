//! Hands the rows of a statement to our own code as columns of numbers, on the engine's own threads.
//!
//! The engine's usual interface builds a result and converts it row by row or to Arrow, on one thread, piece by piece:
//! for sums over millions of hits that took three times as long as reading them. Instead, a scalar function of ours
//! wraps the statement's columns (`sql::engine::scan_columns`), receives each chunk and counts its rows, to verify that
//! none was missed. Not for texts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::duckdb::sql;
use crate::types::StoreError;

/// Receives chunks of rows, on any thread and on several at a time.
type Receiver = Arc<dyn Fn(&Chunk<'_>) + Send + Sync>;

/// The receivers of running statements, by statement id.
#[derive(Clone, Default)]
pub struct ColumnScans(Arc<Receivers>);

#[derive(Default)]
struct Receivers {
    last: AtomicU64,
    receivers: Mutex<HashMap<u64, Receiver>>,
}

/// A number as the engine stores it in a column.
///
/// # Safety
///
/// The engine must store a column of type `KIND` as an array of `Self`: values of this size and alignment, of which
/// every bit pattern is valid. `Chunk::column` reads the engine's memory as such an array.
#[expect(unsafe_code, reason = "whoever adds a type vouches for its layout")]
pub unsafe trait Number: Copy + 'static {
    const KIND: LogicalTypeId;
}

macro_rules! numbers {
    ($($number:ty = $kind:ident),*) => {
        $(
            #[expect(unsafe_code, reason = "the layout is the engine's")]
            // SAFETY: in DuckDB's C API the data of such a vector is an array of this C type, which equals the Rust
            // type.
            unsafe impl Number for $number {
                const KIND: LogicalTypeId = LogicalTypeId::$kind;
            }
        )*
    };
}
numbers!(
    u8 = UTinyint,
    u16 = USmallint,
    u32 = UInteger,
    u64 = UBigint,
    i32 = Integer,
    i64 = Bigint
);

/// A chunk of a statement's rows.
pub struct Chunk<'a> {
    data: &'a DataChunkHandle,
}

impl Chunk<'_> {
    pub fn rows(&self) -> usize {
        self.data.len()
    }

    fn number(&self) -> u64 {
        self.at::<u64>(0)[0]
    }

    /// A column of the statement, by index. It must have this type and no NULL: another type fails the statement, and a
    /// NULL reads as an arbitrary number.
    pub fn column<T: Number>(&self, place: usize) -> &[T] {
        // Column 0 is the statement id.
        self.at(place + 1)
    }

    fn at<T: Number>(&self, place: usize) -> &[T] {
        let vector = self.data.flat_vector(place);
        let kind = vector.logical_type().id();
        assert_eq!(kind, T::KIND, "column {place} of the statement");
        #[expect(unsafe_code, reason = "the engine's memory, read where it is")]
        // SAFETY: the column is of `T::KIND`, so `Number` vouches for an array of `T`. The engine flattens a function's
        // arguments, so the array has at least as many elements as the chunk has rows, and does not change it before
        // the function returns; the chunk's borrow ends before.
        unsafe {
            std::slice::from_raw_parts(vector.as_mut_ptr::<T>(), self.rows())
        }
    }
}

impl ColumnScans {
    /// Call it once per engine.
    pub fn register(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .register_scalar_function_with_state::<ScanColumns>(sql::engine::SCAN_COLUMNS, self)
            .map_err(|cause| failed("starting the engine", cause))
    }

    /// Runs a statement of numbers and passes its rows to `take`, chunk by chunk, in no order.
    pub fn run(
        &self,
        connection: &Connection,
        text: &str,
        values: &[String],
        take: impl Fn(&Chunk<'_>) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        let context = "summing up hits";
        let number = self.0.last.fetch_add(1, Ordering::Relaxed);
        let seen = Arc::new(AtomicU64::new(0));
        let sum = seen.clone();
        let receiver = move |chunk: &Chunk<'_>| {
            take(chunk);
            sum.fetch_add(chunk.rows() as u64, Ordering::Relaxed);
        };
        let guard = ScanGuard { receivers: &self.0, number };
        self.0.receivers().insert(number, Arc::new(receiver));
        let text = sql::engine::scan_columns(number, text);
        let mut statement = connection.prepare(&text).map_err(|cause| failed(context, cause))?;
        let counted: (u64, u64) = statement
            .query_row(duckdb::params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|cause| failed(context, cause))?;
        drop(guard);
        let seen = seen.load(Ordering::Relaxed);
        if counted != (seen, seen) {
            let problem = format!("of {} rows {seen} were scanned", counted.0);
            return Err(failed(context, problem));
        }
        Ok(())
    }
}

fn failed(
    context: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Engine { context, cause: cause.into() }
}

impl Receivers {
    fn receivers(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Receiver>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running statement. Dropping it removes the receiver, however the statement ends.
struct ScanGuard<'a> {
    receivers: &'a Receivers,
    number: u64,
}

impl Drop for ScanGuard<'_> {
    fn drop(&mut self) {
        self.receivers.receivers().remove(&self.number);
    }
}

/// The function `scan_columns(statement id, columns...)`.
struct ScanColumns;

impl VScalar for ScanColumns {
    type State = ColumnScans;

    fn invoke(
        state: &ColumnScans,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let rows = input.len();
        let all = Chunk { data: input };
        if rows > 0 {
            let number = all.number();
            let receiver = state.0.receivers().get(&number).cloned();
            receiver.ok_or("no such statement is under way")?(&all);
        }
        let mut seen = output.flat_vector();
        #[expect(unsafe_code, reason = "the engine's memory, written where it is")]
        // SAFETY: the function returns UTINYINT, and the engine has allocated one per row.
        unsafe { seen.as_mut_slice_with_len::<u8>(rows) }.fill(1);
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::variadic(
            LogicalTypeHandle::from(LogicalTypeId::Any),
            LogicalTypeHandle::from(LogicalTypeId::UTinyint),
        )]
    }

    /// It has a side effect: the engine must run it exactly once per row, and not in advance.
    fn volatile() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_handed_out_once() {
        let connection = Connection::open_in_memory().unwrap();
        let receivers = ColumnScans::default();
        receivers.register(&connection).unwrap();
        let sums = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let into = sums.clone();
        let text = "SELECT range::UINTEGER AS n, (range % 7)::USMALLINT AS m FROM range(1000000) WHERE range % ? = 0";
        receivers
            .run(&connection, text, &["3".to_owned()], move |chunk| {
                let (n, m) = (chunk.column::<u32>(0), chunk.column::<u16>(1));
                assert_eq!(n.len(), chunk.rows());
                let own = n.iter().zip(m).filter(|(n, m)| **n % 7 == u32::from(**m)).count();
                into.0.fetch_add(own as u64, Ordering::Relaxed);
                into.1.fetch_add(n.iter().map(|n| u64::from(*n)).sum(), Ordering::Relaxed);
            })
            .unwrap();
        let all = (0..1_000_000u64).filter(|n| n % 3 == 0);
        assert_eq!(sums.0.load(Ordering::Relaxed), all.clone().count() as u64);
        assert_eq!(sums.1.load(Ordering::Relaxed), all.sum::<u64>());
        assert!(receivers.0.receivers().is_empty());
    }

    #[test]
    fn a_column_of_another_type_is_an_error_and_no_rows_are_none() {
        let connection = Connection::open_in_memory().unwrap();
        let receivers = ColumnScans::default();
        receivers.register(&connection).unwrap();
        let wrong = receivers.run(&connection, "SELECT 1::UINTEGER AS n", &[], |chunk| {
            chunk.column::<i64>(0);
        });
        assert!(wrong.unwrap_err().to_string().contains("summing up"));
        receivers.run(&connection, "SELECT 1::BIGINT AS n WHERE false", &[], |_| {}).unwrap();
        assert!(receivers.0.receivers().is_empty());
    }
}
