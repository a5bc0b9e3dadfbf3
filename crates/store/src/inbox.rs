//! The inbox: every change to hits gets a number, and is on disk before it is acknowledged.
//!
//! One thread (`sequencer`) owns the SQLite file and commits arrivals in groups. It makes all decisions that depend on
//! order: the seq, whether a batch was posted before (`receipts`), which hits a client posts again (`repeats`), whether
//! a project is gone. The manifest of data files is here too, because it changes together with the records that may be
//! trimmed. It knows nothing of DuckDB.

mod command;
pub mod dropped;
pub mod identity;
pub mod manifest;
mod numbers;
mod queue;
mod quota;
mod receipts;
mod repeats;
mod sender;
mod sequencer;
mod state;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};

pub use command::{Change, Command, EncodedBatch, Gauges, InboxOptions, Opened};
pub use dropped::Dropped;
pub use identity::{Identity, InboxFacts};
pub use manifest::{FileKind, FileRow};
pub use numbers::ProjectNumbers;
pub use queue::{Item, Queue};
pub use sender::InboxSender;
pub use sequencer::Sequencer;
pub use state::{get_number, last_seq, put_state, read_erasures};

use crate::record;
use crate::types::StoreError;

/// The group of records that is being inserted into ClickHouse, so that it is the same one after a crash.
const INSERTING: &str = "inserting";

/// Where the hits of this inbox's records go: into ClickHouse, if it is 1.
const IN_CLICKHOUSE: &str = "in_clickhouse";

/// The newest format of the data files that this inbox has listed, so that an older program notices before it opens
/// one.
const DATA_FORMAT: &str = "data_format";

/// Records after a position, up to another, from the file at `path`: some of them, in order, unless there are none.
pub async fn read_records(path: &Path, position: u64, until: u64) -> Result<Vec<Item>, StoreError> {
    let context = "reading the inbox";
    let mut db = connect_options(path).connect().await.map_err(failed(context))?;
    let rows = sqlx::query(crate::sql::inbox::RECORDS_AFTER)
        .bind(position as i64)
        .fetch_all(&mut db)
        .await
        .map_err(failed(context))?;
    db.close().await.map_err(failed(context))?;
    let mut items = Vec::new();
    for row in rows {
        let first = row.get::<i64, _>(0) as u64;
        let (bytes, hashes): (Vec<u8>, Option<Vec<u8>>) = (row.get(1), row.get(2));
        let records = split_framed(&bytes).ok_or_else(|| {
            StoreError::Damaged(format!("record {first} in the inbox cannot be read"))
        })?;
        let hashes = hashes.unwrap_or_default();
        let mut hashes = hashes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        for (n, (record, skips)) in records.into_iter().enumerate() {
            let seq = first + n as u64;
            let batch_hash = hashes.next().filter(|hash| *hash != 0);
            if seq > position && seq <= until {
                items.push(Item { seq, record: record.into(), skips, batch_hash });
            }
        }
    }
    Ok(items)
}

/// From now on the hits are in ClickHouse, or in these data files.
pub async fn hand_over(
    db: &mut SqliteConnection,
    in_clickhouse: bool,
    files: &[FileRow],
) -> Result<(), StoreError> {
    let context = "noting where the hits are";
    let mut changing = db.begin().await.map_err(failed(context))?;
    put_state(&mut changing, IN_CLICKHOUSE, &u64::from(in_clickhouse).to_le_bytes()).await?;
    sqlx::query(crate::sql::inbox::DROP_FILES)
        .execute(&mut *changing)
        .await
        .map_err(failed(context))?;
    for file in files {
        manifest::put(&mut changing, file).await?;
    }
    changing.commit().await.map_err(failed(context))
}

/// Drops records and erasures that wait to be applied: in a copy, for files that get their hits from elsewhere.
pub async fn forget_waiting(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let context = "dropping what waits";
    for statement in [crate::sql::inbox::DROP_RECORDS, crate::sql::inbox::DROP_ERASURES] {
        sqlx::query(statement).execute(&mut *db).await.map_err(failed(context))?;
    }
    Ok(())
}

/// An SQLite error with its context.
pub(crate) fn failed(context: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |cause| StoreError::Sqlite { context, cause }
}

/// Reads the file's facts without changing it; none if it has no tables of ours. The caller checks whether the files of
/// the manifest exist.
pub async fn look(db: &mut SqliteConnection) -> Result<Option<InboxFacts>, StoreError> {
    let tables: i64 = sqlx::query_scalar(crate::sql::inbox::COUNT_TABLES)
        .fetch_one(&mut *db)
        .await
        .map_err(failed("reading the inbox"))?;
    if tables < crate::sql::inbox::TABLES {
        return Ok(None);
    }
    let files = manifest::read(db).await?;
    Ok(Some(InboxFacts {
        identity: identity::read(db).await?,
        highest_project: identity::highest_project(db).await?,
        given_project: identity::given_project(db).await?,
        last_seq: last_seq(db).await?.max(get_number(db, "count_from").await?),
        trimmed_to: get_number(db, "trimmed_to").await?,
        is_in_clickhouse: get_number(db, IN_CLICKHOUSE).await? == 1,
        dropped: dropped::read(db).await?,
        named: files.into_iter().map(|row| (row, false)).collect(),
    }))
}

/// `StoreError::Newer` if a later version of this program has written data files (`data_format`: the newest known), or
/// records or erasures that wait to be applied.
pub async fn check_versions(db: &mut SqliteConnection, data_format: u32) -> Result<(), StoreError> {
    let found = get_number(db, DATA_FORMAT).await?;
    if found > u64::from(data_format) {
        return Err(StoreError::Newer(format!(
            "the data files have format {found}, and this program knows {data_format}"
        )));
    }
    check_records(db).await?;
    check_erasures(db).await
}

async fn check_erasures(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let rows = sqlx::query(crate::sql::inbox::ERASURES)
        .fetch_all(db)
        .await
        .map_err(failed("reading erasures"))?;
    for row in rows {
        let (seq, bytes): (i64, Vec<u8>) = (row.get(0), row.get(1));
        check_version(seq, bytes.first().copied())?;
    }
    Ok(())
}

fn check_version(seq: i64, version: Option<u8>) -> Result<(), StoreError> {
    match version {
        Some(version) if version > record::VERSION => Err(StoreError::Newer(format!(
            "record {seq} in inbox.sqlite has version {version}, and this program knows {}",
            record::VERSION
        ))),
        _ => Ok(()),
    }
}

/// Checks the first record of each group: one process wrote all of them.
async fn check_records(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let context = "reading the inbox";
    let heads = sqlx::query(crate::sql::inbox::RECORD_HEADS)
        .fetch_all(&mut *db)
        .await
        .map_err(failed(context))?;
    for head in heads {
        let (first_seq, bytes): (i64, Vec<u8>) = (head.get(0), head.get(1));
        let Some((frame, record)) = bytes.split_at_checked(8) else { continue };
        let skips = u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]);
        let version = match skips {
            0 => record.first().copied(),
            _ => sqlx::query_scalar::<_, Vec<u8>>(crate::sql::inbox::RECORD_BYTE)
                .bind(9 + 4 * i64::from(skips))
                .bind(first_seq)
                .fetch_one(&mut *db)
                .await
                .map_err(failed(context))?
                .first()
                .copied(),
        };
        check_version(first_seq, version)?;
    }
    Ok(())
}

/// The key of the ledger of erasures.
pub async fn ledger_key(db: &mut SqliteConnection) -> Result<[u8; 32], StoreError> {
    let key = state::get_state(db, "key").await?;
    let broken = || StoreError::Damaged("the inbox's key is broken".into());
    key.ok_or_else(broken)?.try_into().map_err(|_| broken())
}

/// 32 KB pages: measured at 1,200 commits of 200 KB a second, against 740 with 4 KB. `secure_delete`: trimmed records
/// are overwritten.
pub(crate) fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .page_size(32_768)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .pragma("secure_delete", "on")
        .pragma("wal_autocheckpoint", "2000")
        .pragma("cache_size", "-8000")
}

/// A group's bytes: per record its size, the rows to skip, then the record.
pub(crate) fn put_framed(out: &mut Vec<u8>, record: &[u8], skips: &[u32]) {
    out.extend((record.len() as u32).to_le_bytes());
    out.extend((skips.len() as u32).to_le_bytes());
    for skip in skips {
        out.extend(skip.to_le_bytes());
    }
    out.extend(record);
}

/// The records of a group, in order.
pub(crate) fn split_framed(mut bytes: &[u8]) -> Option<Vec<(&[u8], Vec<u32>)>> {
    let mut records = Vec::new();
    let number = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(8)?;
        let (size, skips) = (number(head) as usize, number(&head[4..]) as usize);
        let (skips, rest) = rest.split_at_checked(skips.checked_mul(4)?)?;
        let (record, rest) = rest.split_at_checked(size)?;
        records.push((record, skips.chunks_exact(4).map(number).collect()));
        bytes = rest;
    }
    Some(records)
}
