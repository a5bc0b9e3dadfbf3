//! Our functions in the engine: `identity` (`analytics::identity`) and `ipv4_of` of a text, `latency_of` of a duration.

use std::marker::PhantomData;

use analytics::identity::identity;
use analytics::latency;
use analytics::tally::NO_LATENCY;
use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::ffi::duckdb_string_t;
use duckdb::types::DuckString;
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::duckdb::column_scan::Number;
use crate::duckdb::sql;

/// Call it once per engine.
pub fn register(connection: &Connection) -> duckdb::Result<()> {
    connection.register_scalar_function::<Function<Identity>>(sql::engine::IDENTITY)?;
    connection.register_scalar_function::<Function<Ipv4>>(sql::engine::IPV4)?;
    connection.register_scalar_function::<Function<Latency>>(sql::engine::LATENCY)
}

/// A number computed from one value without NULL.
trait OfOne: 'static {
    type Argument: Argument;
    type Number: Number;

    fn of(argument: Self::Argument) -> Self::Number;
}

/// # Safety
/// It has the layout of an element of the engine's vectors of `KIND`.
#[expect(unsafe_code, reason = "who implements it vouches for the layout")]
unsafe trait Argument: Copy {
    const KIND: LogicalTypeId;
}

#[expect(unsafe_code, reason = "a BIGINT")]
// SAFETY: the engine's BIGINT is an i64.
unsafe impl Argument for i64 {
    const KIND: LogicalTypeId = LogicalTypeId::Bigint;
}

#[expect(unsafe_code, reason = "a VARCHAR")]
// SAFETY: it is the engine's own type.
unsafe impl Argument for duckdb_string_t {
    const KIND: LogicalTypeId = LogicalTypeId::Varchar;
}

struct Identity;

impl OfOne for Identity {
    type Argument = duckdb_string_t;
    type Number = u64;

    fn of(mut text: duckdb_string_t) -> u64 {
        identity(DuckString::new(&mut text).as_bytes())
    }
}

/// 0 if the text is no such address.
struct Ipv4;

impl OfOne for Ipv4 {
    type Argument = duckdb_string_t;
    type Number = u32;

    fn of(mut text: duckdb_string_t) -> u32 {
        sql::file::ipv4(&DuckString::new(&mut text).as_str())
    }
}

/// `NO_LATENCY` for a negative duration.
struct Latency;

impl OfOne for Latency {
    type Argument = i64;
    type Number = u16;

    fn of(duration_us: i64) -> u16 {
        u64::try_from(duration_us).map_or(NO_LATENCY, latency::bucket)
    }
}

/// `T` as an engine function.
struct Function<T>(PhantomData<T>);

impl<T: OfOne> VScalar for Function<T> {
    type State = ();

    fn invoke(
        _: &(),
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let rows = input.len();
        let arguments = input.flat_vector(0);
        let mut numbers = output.flat_vector();
        #[expect(unsafe_code, reason = "the engine's memory, read where it is")]
        // SAFETY: the engine flattens a function's arguments, and their vector has one of these per row of the chunk.
        let arguments = unsafe { arguments.as_slice_with_len::<T::Argument>(rows) };
        #[expect(unsafe_code, reason = "the engine's memory, written where it is")]
        // SAFETY: the function returns `T::Number::KIND`, whose layout `Number` vouches for, and the engine has
        // allocated one per row.
        let numbers = unsafe { numbers.as_mut_slice_with_len::<T::Number>(rows) };
        for (argument, out) in arguments.iter().zip(numbers) {
            *out = T::of(*argument);
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::exact(
            vec![LogicalTypeHandle::from(T::Argument::KIND)],
            LogicalTypeHandle::from(T::Number::KIND),
        )]
    }
}

#[cfg(test)]
mod tests {
    use analytics::hit::TextKind;

    use super::*;
    use crate::duckdb::sql::file::Tables;

    #[test]
    fn the_engine_s_function_is_ours() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let text = "SELECT identity(t), t FROM (SELECT CASE WHEN range % 3 = 0 THEN 'repeated' ELSE repeat('x', range % 40) || range END t
                    FROM range(10000))";
        let mut statement = connection.prepare(text).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
        let rows: Vec<(u64, String)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 10_000);
        assert!(rows.iter().all(|(found, text)| *found == identity(text.as_bytes())));
    }

    #[test]
    fn a_duration_s_bucket_is_that_of_the_rollups() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let text = "SELECT d, latency_of(coalesce(d, -1)) FROM (SELECT CASE WHEN range % 7 = 0 THEN NULL ELSE range * range * range END d
                    FROM range(5000))";
        let mut statement = connection.prepare(text).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Vec<(Option<u64>, u16)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 5_000);
        for (duration_us, found) in rows {
            assert_eq!(found, duration_us.map_or(NO_LATENCY, latency::bucket), "{duration_us:?}");
        }
    }

    #[test]
    fn an_address_as_a_number_is_the_same_text() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        run(&format!("ATTACH ':memory:' AS f; {}", sql::file::create("f")));
        // Every byte in every position, and random addresses.
        let random = (0..20_000u64).map(|n| identity(&n.to_le_bytes()) as u32);
        let each = (0..=255).flat_map(|byte| (0..4).map(move |n| byte << (8 * n) | 0x0100_0000));
        let numbers: Vec<u32> = each.chain(random).chain([1, u32::MAX]).collect();
        let rows =
            numbers.iter().map(|number| format!("({number})")).collect::<Vec<_>>().join(", ");
        run(&format!(
            "INSERT INTO f.strings (kind, id, ipv4) SELECT 0, 1, n FROM (VALUES {rows}) t(n)"
        ));
        let made = Tables { file: "f", format: sql::file::FORMAT };
        let text = made.full_text(TextKind::Address);
        let texts = format!("SELECT ipv4, {text}, ipv4_of({text}) FROM f.strings");
        let mut statement = connection.prepare(&texts).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(u32, String, u32)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), numbers.len());
        for (number, text, back) in rows {
            assert_eq!(text, std::net::Ipv4Addr::from(number).to_string());
            assert_eq!(back, number, "{text}");
        }
        for text in [
            "",
            "0.0.0.0",
            "1.2.3",
            "01.2.3.4",
            "1.2.3.4 ",
            "::ffff:1.2.3.4",
            "1.2.3.4.5",
            "256.1.1.1",
        ] {
            assert_eq!(sql::file::ipv4(text), 0, "{text}");
        }
    }
}
