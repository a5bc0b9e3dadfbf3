//! `identity(text)`: 64 bits that stand for a text in every file.
//!
//! Files keep some of them (`by_consumer`, `by_consumer_rest`), so it must never change: the engine's own `hash` may with any
//! of its versions.

use std::hash::Hasher;

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::ffi::duckdb_string_t;
use duckdb::types::DuckString;
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;
use siphasher::sip::SipHasher13;

use crate::duckdb::sql;

/// SipHash-1-3 with a key of zeros.
pub fn identity(text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    hasher.finish()
}

/// To be called once for an engine.
pub fn register(connection: &Connection) -> duckdb::Result<()> {
    connection.register_scalar_function::<IdentityFunction>(sql::engine::IDENTITY)
}

struct IdentityFunction;

impl VScalar for IdentityFunction {
    type State = ();

    fn invoke(
        _: &(),
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let rows = input.len();
        let texts = input.flat_vector(0);
        let mut identities = output.flat_vector();
        #[expect(unsafe_code, reason = "the engine's memory, read where it is")]
        // SAFETY: the engine flattens what it hands to such a function, and a VARCHAR vector has as many of these as the chunk
        // has rows.
        let texts = unsafe { texts.as_slice_with_len::<duckdb_string_t>(rows) };
        #[expect(unsafe_code, reason = "the engine's memory, written where it is")]
        // SAFETY: the function returns UBIGINT, and the engine has room for as many as there are rows.
        let identities = unsafe { identities.as_mut_slice_with_len::<u64>(rows) };
        for (text, out) in texts.iter().zip(identities) {
            let mut text = *text;
            *out = identity(DuckString::new(&mut text).as_bytes());
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::exact(
            vec![LogicalTypeHandle::from(LogicalTypeId::Varchar)],
            LogicalTypeHandle::from(LogicalTypeId::UBigint),
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_files_of_before_have() {
        assert_eq!(identity(b""), 0xd1fb_a762_150c_532c);
        assert_eq!(identity(b"203.0.113.7"), 0x8b2e_f1b1_0220_8939);
    }

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
}
