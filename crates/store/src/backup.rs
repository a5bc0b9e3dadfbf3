//! Backup while serving: a copy of files that do not change, and of the inbox in the breath in which the active file
//! joined them.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use crate::files::{DataFile, Snapshot};
use crate::inbox::FileKind;
use crate::ledger;
use crate::shared::{Request, Shared, io, sync};
use crate::types::StoreError;

/// The inbox's file, in a data folder and in a backup.
pub const INBOX: &str = "inbox.sqlite";

pub async fn backup(shared: &Arc<Shared>, folder: &Path) -> Result<(), StoreError> {
    let context = "writing the backup";
    if folder.exists() {
        return Err(StoreError::Damaged(format!(
            "{} is there already: name a folder that is not",
            folder.display()
        )));
    }
    let hits = folder.join("hits");
    std::fs::create_dir_all(&hits).map_err(io(context))?;
    // TRICKY: before the picture. An erasure that comes meanwhile must not be in a ledger beside files that still hold what
    // it erased.
    let ledger = shared.options.data.join(ledger::FILE);
    if ledger.exists() {
        copy(&ledger, &folder.join(ledger::FILE))?;
    }
    let (reply, answer) = oneshot::channel();
    let request = Request::Snapshot { inbox: folder.join(INBOX), reply };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    shared.queue.hurry();
    let snapshot = answer.await.map_err(|_| StoreError::Closing)??;
    let damaged = shared.damaged();
    let (from, to) = (shared.folder(), folder.to_path_buf());
    let copying = tokio::task::spawn_blocking(move || -> Result<(), StoreError> {
        copy_files(&snapshot, &hits)?;
        // What cannot be read here may be readable to somebody: it belongs to the backup.
        for name in damaged {
            if from.join(&name).exists() {
                copy(&from.join(&name), &hits.join(&name))?;
            }
        }
        sync(&hits).and_then(|()| sync(&to)).map_err(io(context))
    });
    copying.await.map_err(|source| StoreError::Engine { context, cause: Box::new(source) })?
}

fn copy_files(snapshot: &Snapshot, hits: &Path) -> Result<(), StoreError> {
    for entry in snapshot.entries.iter().filter(|entry| entry.row.kind != FileKind::Active) {
        let name = entry.row.name();
        copy(&entry.file.path, &hits.join(&name))?;
        let wal = DataFile::wal(&entry.file.path);
        if wal.exists() {
            copy(&wal, &DataFile::wal(&hits.join(&name)))?;
        }
    }
    Ok(())
}

/// A copy that survives a power cut.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::copy(from, to).map_err(io("copying a file"))?;
    sync(to).map_err(io("copying a file"))
}
