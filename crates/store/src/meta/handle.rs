//! `Meta`: what every part of this folder works on, the file and what is kept of it in memory. Each part adds the calls about
//! its own kind of thing; opening is in `meta.rs`, which knows all of them.

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
    /// None where nobody creates projects, as in `restore`.
    pub(super) numbers: Option<ProjectNumbers>,
    /// Held over a change of the file and of memory, so that both see changes in the same order.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Meta {
    /// For names of things that must not be guessable and must not tell what they name (the ledger of erasures).
    pub fn secret(&self) -> &ServerSecret {
        &self.inner.secret
    }

    /// Ok where the file answers.
    pub async fn ping(&self) -> Result<(), MetaError> {
        sqlx::query("SELECT 1").execute(&self.inner.pool).await?;
        Ok(())
    }

    /// Empties SQLite's log, so that what was deleted is in no file any more.
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
