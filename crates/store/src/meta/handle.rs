//! `Meta`: the database and its rows in memory. Each module adds the calls about its own kind of thing; opening is in
//! `meta.rs`, which knows all of them.

use std::sync::{Arc, PoisonError, RwLock};

use super::alone::Alone;
use super::database::Database;
use super::directory::Directory;
use super::error::MetaError;
use super::secrets::ServerSecret;
use crate::inbox::ProjectNumbers;

/// The projects and keys of a server. Cheap to clone.
#[derive(Clone)]
pub struct Meta {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) db: Database,
    /// None: `meta.sqlite`, whose data folder this process holds, or a test.
    pub(super) alone: Option<Alone>,
    pub(super) secret: ServerSecret,
    pub(super) directory: RwLock<Directory>,
    /// None if no projects are created, as in `restore`.
    pub(super) numbers: Option<ProjectNumbers>,
    /// Held over a change of the database and of memory, so that both see changes in the same order.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Meta {
    /// For identifiers that must be neither guessable nor reversible (the ledger of erasures).
    pub fn secret(&self) -> &ServerSecret {
        &self.inner.secret
    }

    /// Takes the PostgreSQL database for this server again, if the connection was lost. Call it now and then.
    pub async fn stay_alone(&self) -> Result<(), MetaError> {
        match &self.inner.alone {
            Some(alone) => alone.stay().await,
            None => Ok(()),
        }
    }

    /// Ok if the database answers.
    pub async fn ping(&self) -> Result<(), MetaError> {
        sqlx::query("SELECT 1").execute(&self.inner.db.pool).await?;
        Ok(())
    }

    /// Leaves no trace of deleted rows in a file (see `Database::forget_deleted`).
    pub(super) async fn forget_deleted(&self) -> Result<(), MetaError> {
        self.inner.db.forget_deleted().await
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.inner.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Directory) -> T) -> T {
        write(&mut self.inner.directory.write().unwrap_or_else(PoisonError::into_inner))
    }
}
