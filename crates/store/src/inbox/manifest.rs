//! The manifest: the data files, and the records that each holds.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::failed;
use crate::sql;
use crate::types::StoreError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The file that is appended to.
    Active,
    /// No longer appended to, waiting to be sealed.
    Frozen,
    /// Sorted, with rollups, never changed.
    Sealed,
}

/// One data file. It holds the remaining hits of the records after `first_seq` up to `last_seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub id: u64,
    pub kind: FileKind,
    pub first_seq: u64,
    pub last_seq: u64,
    pub rows: u64,
    /// Size in bytes and BLAKE3 of the whole file; only for sealed files.
    pub bytes: u64,
    pub checksum: Vec<u8>,
}

impl FileKind {
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::Active => "active",
            FileKind::Frozen => "frozen",
            FileKind::Sealed => "sealed",
        }
    }
}

impl FileRow {
    pub fn active(id: u64, seq: u64) -> FileRow {
        FileRow {
            id,
            kind: FileKind::Active,
            first_seq: seq,
            last_seq: seq,
            rows: 0,
            bytes: 0,
            checksum: Vec::new(),
        }
    }

    /// The file's name in the folder of hits. It stays the same when an active file is frozen.
    pub fn name(&self) -> String {
        match self.kind {
            FileKind::Active | FileKind::Frozen => format!("active-{:08}.duckdb", self.id),
            FileKind::Sealed => format!("sealed-{:08}.duckdb", self.id),
        }
    }

    /// The id in the name of a whole data file; none for any other name.
    pub fn id_in(name: &str) -> Option<u64> {
        let rest = name.strip_prefix("active-").or_else(|| name.strip_prefix("sealed-"))?;
        let digits = rest.strip_suffix(".duckdb")?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    }

    /// The name that the engine has attached it under.
    pub fn alias(&self) -> String {
        format!("f{}", self.id)
    }
}

pub async fn read(db: &mut SqliteConnection) -> Result<Vec<FileRow>, StoreError> {
    let rows = sqlx::query(sql::inbox::FILES)
        .fetch_all(db)
        .await
        .map_err(failed("reading the manifest"))?;
    rows.iter().map(parse).collect()
}

pub async fn put(db: &mut SqliteConnection, file: &FileRow) -> Result<(), StoreError> {
    sqlx::query(sql::inbox::PUT_FILE)
        .bind(file.id as i64)
        .bind(file.kind.as_str())
        .bind(file.first_seq as i64)
        .bind(file.last_seq as i64)
        .bind(file.rows as i64)
        .bind(file.bytes as i64)
        .bind(file.checksum.clone())
        .execute(db)
        .await
        .map_err(failed("writing the manifest"))?;
    Ok(())
}

pub async fn drop_file(db: &mut SqliteConnection, id: u64) -> Result<(), StoreError> {
    sqlx::query(sql::inbox::DROP_FILE)
        .bind(id as i64)
        .execute(db)
        .await
        .map_err(failed("writing the manifest"))?;
    Ok(())
}

fn parse(row: &SqliteRow) -> Result<FileRow, StoreError> {
    let kind: String = row.get("kind");
    let number = |name: &str| row.get::<i64, _>(name) as u64;
    Ok(FileRow {
        id: number("id"),
        kind: match kind.as_str() {
            "active" => FileKind::Active,
            "frozen" => FileKind::Frozen,
            "sealed" => FileKind::Sealed,
            other => {
                return Err(StoreError::Damaged(format!(
                    "the manifest names a file of kind {other:?}"
                )));
            }
        },
        first_seq: number("first_seq"),
        last_seq: number("last_seq"),
        rows: number("rows"),
        bytes: number("bytes"),
        checksum: row.get("checksum"),
    })
}
