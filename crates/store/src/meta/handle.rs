//! `Meta`: the database and its rows in memory. Each module adds the calls about its own kind of thing; opening is in
//! `meta.rs`, which knows all of them.

use std::sync::{Arc, PoisonError, RwLock};

use super::directory::Directory;
use super::error::MetaError;
use super::heard_tails::Tails;
use super::membership::{Membership, Standing};
use super::pending::Pending;
use super::secrets::ServerSecret;
use crate::database::Database;
use crate::inbox::ProjectNumbers;

/// The projects and keys of a server. Cheap to clone.
#[derive(Clone)]
pub struct Meta {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) db: Database,
    /// None: `meta.sqlite`, whose data folder this process holds, or a test.
    pub(super) membership: Option<Membership>,
    /// Changes of other servers that are not in memory yet.
    pub(super) pending: Pending,
    /// From the tails of other servers.
    pub(super) tails: Tails,
    pub(super) secret: ServerSecret,
    pub(super) directory: RwLock<Directory>,
    /// None if no projects are created, as in `restore`.
    pub(super) numbers: Option<ProjectNumbers>,
    /// Held over a change of the database and of memory, so that both see changes in the same order.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Of callers whose secret is looked for in the database.
    pub(super) looking: tokio::sync::Semaphore,
}

impl Meta {
    /// For identifiers that must be neither guessable nor reversible (the ledger of erasures).
    pub fn secret(&self) -> &ServerSecret {
        &self.inner.secret
    }

    /// Call it each second or so: it keeps this server's place in a PostgreSQL database, and says whether this server
    /// leads.
    pub async fn beat(&self) -> Result<Standing, MetaError> {
        match &self.inner.membership {
            Some(membership) => membership.beat().await,
            None => Ok(Standing::Leads { turn: 0 }),
        }
    }

    /// Whether the work that is done once among all servers is this server's. With others: as of the last `beat`.
    pub fn leads(&self) -> bool {
        self.inner.membership.as_ref().is_none_or(Membership::leads)
    }

    /// Whether other servers may use the database too.
    pub fn is_shared(&self) -> bool {
        self.inner.membership.as_ref().is_some_and(|membership| membership.folder().is_some())
    }

    /// Ok if the database answers.
    pub async fn ping(&self) -> Result<(), MetaError> {
        sqlx::query("SELECT 1").execute(&self.inner.db.pool).await?;
        Ok(())
    }

    /// Leaves no trace of deleted rows in a file (see `Database::forget_deleted`).
    pub(super) async fn forget_deleted(&self) -> Result<(), MetaError> {
        Ok(self.inner.db.forget_deleted().await?)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.inner.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Directory) -> T) -> T {
        write(&mut self.inner.directory.write().unwrap_or_else(PoisonError::into_inner))
    }
}
