//! Records that are no longer in any file: stored, so that a restart does not forget them, until an operator
//! acknowledges them (`repair`).

use std::fmt;

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::failed;
use crate::sql;
use crate::types::StoreError;

/// Records from the first to the last seq, both included; without a last one: any that came after `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    pub first: u64,
    pub last: Option<u64>,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first;
        match self.last {
            Some(last) if last == first => write!(f, "record {first} is in no file"),
            Some(last) => write!(f, "records {first} to {last} are in no file"),
            None => write!(
                f,
                "the inbox's log was cut: records after {first}, where any had been acknowledged, are in no file"
            ),
        }
    }
}

pub async fn read(db: &mut SqliteConnection) -> Result<Vec<Dropped>, StoreError> {
    let context = "reading what was lost";
    // An old inbox has no such table.
    let count: i64 = sqlx::query_scalar(sql::inbox::HAS_DROPPED)
        .fetch_one(&mut *db)
        .await
        .map_err(failed(context))?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(sql::inbox::DROPPED).fetch_all(db).await.map_err(failed(context))?;
    let dropped = rows.iter().map(|row| Dropped {
        first: row.get::<i64, _>(0) as u64,
        last: row.get::<Option<i64>, _>(1).map(|last| last as u64),
    });
    Ok(dropped.collect())
}

pub async fn add(db: &mut SqliteConnection, dropped: Dropped) -> Result<(), StoreError> {
    sqlx::query(sql::inbox::ADD_DROPPED)
        .bind(dropped.first as i64)
        .bind(dropped.last.map(|last| last as i64))
        .execute(db)
        .await
        .map(drop)
        .map_err(failed("writing down what was lost"))
}
