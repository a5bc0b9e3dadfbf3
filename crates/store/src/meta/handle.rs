//! `Meta`: the file and its rows in memory. Each module adds the calls about its own kind of thing; opening is in
//! `meta.rs`, which knows all of them.

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::sqlite::SqlitePool;

use super::directory::Directory;
use super::error::MetaError;
use super::secrets::ServerSecret;
use crate::inbox::ProjectNumbers;

/// The file's name in the data folder.
pub const FILE: &str = "meta.sqlite";

pub(super) const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The projects and keys of a server. Cheap to clone.
#[derive(Clone)]
pub struct Meta {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) pool: SqlitePool,
    pub(super) secret: ServerSecret,
    pub(super) directory: RwLock<Directory>,
    /// None if no projects are created, as in `restore`.
    pub(super) numbers: Option<ProjectNumbers>,
    /// Held over a change of the file and of memory, so that both see changes in the same order.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Meta {
    /// For identifiers that must be neither guessable nor reversible (the ledger of erasures).
    pub fn secret(&self) -> &ServerSecret {
        &self.inner.secret
    }

    /// Ok if the file answers.
    pub async fn ping(&self) -> Result<(), MetaError> {
        sqlx::query("SELECT 1").execute(&self.inner.pool).await?;
        Ok(())
    }

    /// Empties SQLite's log, so that deleted rows are in no file any more.
    pub(super) async fn forget_deleted(&self) -> Result<(), MetaError> {
        sqlx::query(EMPTY_LOG).execute(&self.inner.pool).await?;
        Ok(())
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.inner.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Directory) -> T) -> T {
        write(&mut self.inner.directory.write().unwrap_or_else(PoisonError::into_inner))
    }
}
