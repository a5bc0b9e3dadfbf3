//! Reads and writes the inbox's data beside records: single values by name, and erasures that wait.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::failed;
use crate::record;
use crate::sql;
use crate::types::{Erasure, StoreError};

/// The last seq in the file.
pub async fn last_seq(db: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = sqlx::query(sql::inbox::LAST_SEQ)
        .fetch_one(&mut *db)
        .await
        .map_err(failed("reading the inbox"))?;
    Ok((row.get::<i64, _>(0) as u64).max(get_number(db, "trimmed_to").await?))
}

pub async fn read_erasures(db: &mut SqliteConnection) -> Result<Vec<(u64, Erasure)>, StoreError> {
    let rows = sqlx::query(sql::inbox::ERASURES)
        .fetch_all(db)
        .await
        .map_err(failed("reading erasures"))?;
    let mut erasures = Vec::new();
    for row in rows {
        let bytes: Vec<u8> = row.get(1);
        match record::decode(&bytes) {
            Ok(record::Record::Erasure(erasure)) => {
                erasures.push((row.get::<i64, _>(0) as u64, erasure))
            }
            _ => return Err(StoreError::Damaged("an erasure in the inbox cannot be read".into())),
        }
    }
    Ok(erasures)
}

pub async fn get_state(
    db: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query(sql::inbox::GET_STATE)
        .bind(name)
        .fetch_optional(db)
        .await
        .map_err(failed("reading the inbox"))?;
    Ok(row.map(|row| row.get(0)))
}

pub async fn get_number(db: &mut SqliteConnection, name: &str) -> Result<u64, StoreError> {
    let bytes = get_state(db, name).await?.unwrap_or_else(|| vec![0; 8]);
    bytes
        .try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| StoreError::Damaged(format!("the inbox's {name} is broken")))
}

pub fn to_range(first: u64, last: u64) -> Vec<u8> {
    [first.to_le_bytes(), last.to_le_bytes()].concat()
}

pub async fn get_range(
    db: &mut SqliteConnection,
    name: &str,
) -> Result<Option<(u64, u64)>, StoreError> {
    let Some(bytes) = get_state(db, name).await? else { return Ok(None) };
    let ([first, last], []) = bytes.as_chunks() else {
        return Err(StoreError::Damaged(format!("the inbox's {name} is broken")));
    };
    Ok(Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last))))
}

pub async fn put_state(
    db: &mut SqliteConnection,
    name: &str,
    value: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(sql::inbox::PUT_STATE)
        .bind(name)
        .bind(value)
        .execute(db)
        .await
        .map_err(failed("writing the inbox"))?;
    Ok(())
}
