//! Attaches the data files of the manifest, and decides the consequences of a bad log, a damaged file and a failing
//! disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use analytics::limits;

use super::active::Active;
use super::engine::Engine;
use super::files::DataFile;
use super::store::DuckDb;
use crate::clock::now_us;
use crate::disk::io;
use crate::inbox::{FileKind, FileRow};
use crate::types::StoreError;
use crate::verdict::Stop;

/// A sealed or a frozen file.
pub fn attach_fixed(
    engine: &Arc<Engine>,
    store: &DuckDb,
    row: &FileRow,
) -> Result<Arc<DataFile>, StoreError> {
    let path = store.file_path(&row.name());
    if row.kind != FileKind::Sealed {
        // TRICKY: the engine would create an empty file of this name.
        if !path.try_exists().map_err(io("looking at a data file"))? {
            return Err(StoreError::Damaged("it is missing".into()));
        }
        return attach_with_log(&path, || DataFile::attach(engine, &store.folder(), row));
    }
    patiently(|| {
        let bytes = std::fs::metadata(&path).map_err(io("looking at a sealed file"))?.len();
        if bytes != row.bytes {
            return Err(StoreError::Damaged(format!(
                "it has {bytes} bytes and should have {}",
                row.bytes
            )));
        }
        DataFile::attach(engine, &store.folder(), row)
    })
}

/// The active file. A new one replaces it if it is gone, or if the inbox still has everything that it held.
pub fn open_active(
    engine: &Arc<Engine>,
    store: &DuckDb,
    row: &FileRow,
    trimmed_to: u64,
) -> Result<Active, StoreError> {
    let path = store.file_path(&row.name());
    let folder = store.folder();
    if path.try_exists().map_err(io("looking at the active file"))? {
        match attach_with_log(&path, || Active::open(engine, &folder, row.clone())) {
            Ok(active) => return Ok(active),
            Err(problem @ StoreError::Newer(_)) => return Err(problem),
            Err(problem) if trimmed_to > row.first_seq || problem.is_disk() => {
                let stop = Stop::ActiveUnreadable { name: row.name(), why: problem.to_string() };
                return Err(StoreError::NotWhole(stop.explain(&store.options.data)));
            }
            Err(problem) => {
                let aside = folder.join(format!("{}.bad-{}", row.name(), now_us()));
                tracing::warn!(%problem, file = %path.display(), "the active file cannot be read: set aside, its rows are applied again from the inbox");
                std::fs::rename(&path, aside).map_err(io("setting the active file aside"))?;
            }
        }
    }
    // A new file gets all records that the inbox still has; the caller reports the others as lost.
    let id = store.next_file.fetch_add(1, Ordering::Relaxed);
    let file = path.display();
    if trimmed_to > row.first_seq {
        tracing::warn!(%file, "a new active file takes the place of one that is not there, and some of its hits are lost");
    } else {
        // As after a backup, which has none.
        tracing::info!(%file, "a new active file takes the place of one that is not there: its hits are in the inbox");
    }
    Active::create(engine, &folder, FileRow::active(id, row.first_seq))
}

/// A log that cannot be replayed is set aside: its content is still in the inbox.
fn attach_with_log<T>(
    path: &Path,
    attach: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let problem = match patiently(&attach) {
        Ok(file) => return Ok(file),
        Err(problem) => problem,
    };
    let wal = DataFile::wal(path);
    if problem.is_disk() || matches!(problem, StoreError::Newer(_)) || !wal.exists() {
        return Err(problem);
    }
    let aside = format!("{}.bad-{}", wal.display(), now_us());
    tracing::warn!(%problem, log = %wal.display(), "a log cannot be read: set aside, its rows are applied again from the inbox");
    std::fs::rename(&wal, aside).map_err(io("setting a bad log aside"))?;
    patiently(attach)
}

/// Tries again if the disk failed, which may pass.
fn patiently<T>(attach: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut tries = 1;
    loop {
        match attach() {
            Err(problem) if problem.is_disk() && tries < limits::IO_TRIES => {
                tracing::warn!(%problem, tries, "a data file could not be read");
                std::thread::sleep(Duration::from_millis(limits::IO_PAUSE_MS));
                tries += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::inbox;

    fn disk(errno: i32) -> StoreError {
        io("reading")(std::io::Error::from_raw_os_error(errno))
    }

    #[tokio::test]
    async fn a_full_disk_is_told_by_the_code_that_sqlite_gives() {
        let mut db = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (text TEXT); PRAGMA max_page_count = 2")
            .execute(&mut db)
            .await
            .unwrap();
        let fill = "INSERT INTO t VALUES (hex(randomblob(100000)))";
        let full = inbox::failed("writing")(sqlx::query(fill).execute(&mut db).await.unwrap_err());
        assert!(full.is_disk(), "{full}");
        let wrong = inbox::failed("writing")(
            sqlx::query("INSERT INTO u VALUES (1)").execute(&mut db).await.unwrap_err(),
        );
        assert!(!wrong.is_disk(), "{wrong}");
    }

    #[test]
    fn a_disk_that_fails_for_a_moment_is_asked_again_and_a_damaged_file_is_not() {
        let engines = StoreError::Engine {
            context: "attaching a data file",
            cause: "IO Error: Could not read from file \"x\": Input/output error".into(),
        };
        let not_a_database = StoreError::Engine {
            context: "attaching a data file",
            cause: "IO Error: The file \"x\" exists, but it is not a valid DuckDB database file!"
                .into(),
        };
        // EIO, ENOSPC, EMFILE; ENOENT.
        for (problem, is_disk) in [
            (disk(5), true),
            (disk(28), true),
            (disk(24), true),
            (engines, true),
            (disk(2), false),
            (not_a_database, false),
            (StoreError::Damaged("it has 5 bytes and should have 7".into()), false),
        ] {
            assert_eq!(problem.is_disk(), is_disk, "{problem}");
        }
        let tries = Cell::new(0);
        let attach = |fails: u64, problem: fn() -> StoreError| {
            tries.set(0);
            patiently(|| {
                tries.set(tries.get() + 1);
                if tries.get() <= fails { Err(problem()) } else { Ok(()) }
            })
        };
        attach(2, || disk(5)).unwrap();
        assert_eq!(tries.get(), 3);
        assert!(attach(100, || disk(5)).is_err());
        assert_eq!(tries.get(), limits::IO_TRIES);
        assert!(attach(1, || StoreError::Damaged("torn".into())).is_err());
        assert_eq!(tries.get(), 1);
    }
}
