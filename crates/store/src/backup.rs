//! Backup while serving: copies the files that do not change, and the inbox as of the moment at which the active file
//! joined them.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use crate::blocking;
use crate::disk::{io, sync};
use crate::duckdb::DuckDb;
use crate::duckdb::files::{DataFile, Snapshot};
use crate::duckdb::jobs::Request;
use crate::hit_store::HitStore;
use crate::inbox::{Change, FileKind};
use crate::ledger;
use crate::progress::{self, Progress, Silent, Unit};
use crate::shared::Shared;
use crate::types::StoreError;

/// The inbox's file, in a data folder and in a backup.
pub const INBOX: &str = "inbox.sqlite";

/// Fills `folder`, which exists and is empty. A failed or cancelled backup leaves useless files in it.
///
/// Hits in ClickHouse are no part of it.
///
/// `links`: files that never change are linked instead, if the file system can: the backup takes no time and no room,
/// and holds what is erased later until it is deleted.
pub async fn backup(
    shared: &Arc<Shared>,
    hit_store: &HitStore,
    folder: &Path,
    links: bool,
    progress: Arc<dyn Progress>,
) -> Result<(), StoreError> {
    let context = "writing the backup";
    if std::fs::read_dir(folder).map_err(io(context))?.next().is_some() {
        return Err(StoreError::UnusablePath(format!(
            "{} is not empty: name a folder that is",
            folder.display()
        )));
    }
    let hits = folder.join("hits");
    std::fs::create_dir(&hits).map_err(io(context))?;
    // TRICKY: before the snapshot. The ledger must not list an erasure that happens later, beside files that still hold
    // the erased hits.
    let ledger = shared.options.data.join(ledger::FILE);
    if ledger.exists() {
        copy(&ledger, &folder.join(ledger::FILE), &Silent)?;
    }
    match hit_store {
        HitStore::DuckDb(store) => copy_data_files(store, folder, hits, links, progress).await,
        HitStore::ClickHouse(_) => {
            shared.inbox.change(Change::Snapshot { to: folder.join(INBOX) }).await
        }
    }
}

async fn copy_data_files(
    store: &DuckDb,
    folder: &Path,
    hits: PathBuf,
    links: bool,
    progress: Arc<dyn Progress>,
) -> Result<(), StoreError> {
    let (reply, answer) = oneshot::channel();
    let request = Request::Snapshot { inbox: folder.join(INBOX), reply };
    store.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    store.queue.hurry();
    let snapshot = answer.await.map_err(|_| store.no_engine())??;
    let from = store.folder();
    let mut files = files_of(&snapshot);
    // The backup includes unreadable files: somebody may be able to read them.
    files.extend(
        store.damaged().iter().map(|file| from.join(file.row.name())).filter(|path| path.exists()),
    );
    let to = folder.to_path_buf();
    let copying = move || -> Result<(), StoreError> {
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
        progress.begin("copying data files", files.iter().map(size).sum(), Unit::Bytes);
        for path in &files {
            let to = hits.join(path.file_name().unwrap_or_default());
            if links && never_changes(path) && std::fs::hard_link(path, &to).is_ok() {
                progress.advance(size(path));
            } else {
                copy(path, &to, &*progress)?;
            }
        }
        // TRICKY: held until here, so that none of its files is unlinked before it was copied.
        drop(snapshot);
        sync(&hits).and_then(|()| sync(&to)).map_err(io("writing the backup"))
    };
    blocking::run("copying the data files", copying).await?
}

/// The files that no longer change, with their logs.
fn files_of(snapshot: &Snapshot) -> Vec<PathBuf> {
    let fixed = snapshot.entries.iter().filter(|entry| entry.row.kind != FileKind::Active);
    fixed
        .flat_map(|entry| [entry.file.path.clone(), DataFile::wal(&entry.file.path)])
        .filter(|path| path.exists())
        .collect()
}

/// The builder opens a frozen file for writing.
fn never_changes(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sealed-"))
}

/// A copy that survives a power cut and that only its owner can read.
pub fn copy(from: &Path, to: &Path, progress: &dyn Progress) -> Result<(), StoreError> {
    const STEP: u64 = 8 << 20;
    let context = "copying a file";
    let mut source = std::fs::File::open(from).map_err(io(context))?;
    let mut target = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .map_err(io(context))?;
    loop {
        progress::check(progress)?;
        let copied =
            std::io::copy(&mut (&mut source).take(STEP), &mut target).map_err(io(context))?;
        progress.advance(copied);
        if copied == 0 {
            break;
        }
    }
    target.sync_all().map_err(io(context))
}
