//! Projects, keys, sessions, share links, monitors, channels, maintenance windows, rules, status pages and their subscribers
//! (SQLite, `meta.sqlite` in the data folder).
//!
//! Everything that a request needs to know (whose key is this, what may it do, which level of privacy) is answered from
//! memory: a POST must not wait for a database. The file is the truth, memory follows it with every change, and only the
//! process that holds the data folder changes it.
//!
//! Deliberately not here: hits, users, and who may call what.

mod channels;
mod directory;
mod identity;
mod keys;
mod learned_routes;
mod maintenance;
mod migrate;
mod monitors;
mod projects;
mod rules;
mod running;
mod sealing;
mod secrets;
mod sessions;
mod settings_rows;
mod share_links;
mod status_pages;
mod subscribers;

use std::path::Path;
use std::sync::{Arc, RwLock};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use directory::Directory;

use crate::disk::make_private;
use crate::inbox::ProjectNumbers;
use crate::types::StoreError;

pub use channels::{ChannelRow, ChannelSettings};
pub use identity::{MetaFacts, MetaIdentity};
pub(crate) use identity::{copy_to, look};
pub use keys::{Can, KeyGrant, KeyInfo, Revoked};
pub use learned_routes::LearnedRoutesRow;
pub(crate) use learned_routes::mark_restored_routes;
pub use maintenance::MaintenanceRow;
pub(crate) use migrate::check_version;
pub use monitors::{MonitorRow, NewMonitor};
pub use projects::{NewProject, Project, ProjectChange};
pub use rules::RuleRow;
pub use sealing::FreshNonce;
pub use secrets::{DashboardId, Key, ServerSecret, Token};
pub use sessions::{Proof, SessionAccess, SessionProject, SignedIn};
pub use share_links::{NewShareLink, ShareLink};
pub use status_pages::StatusPageRow;
pub(crate) use subscribers::forget_those_who_left;
pub use subscribers::{Confirmation, Subscriber, SubscriberCount, SubscriberLimits};

/// The file's name in the data folder.
pub const FILE: &str = "meta.sqlite";

#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    #[error("this key is registered already")]
    KeyTaken,
    #[error("this user id belongs to another key already")]
    UserIdTaken,
    #[error("the project has as many keys as it may have; revoke one first")]
    TooManyKeys,
    #[error("the project has as many share links as it may have; revoke one first")]
    TooManyShareLinks,
    #[error("the project has as many monitors as it may have; delete one first")]
    TooManyMonitors,
    #[error("the project has as many channels as it may have; delete one first")]
    TooManyChannels,
    #[error("the project has as many rules as it may have; delete one first")]
    TooManyRules,
    #[error("the project has as many maintenance windows as it may have; delete one first")]
    TooManyMaintenanceWindows,
    #[error("the status page has as many subscribers as it may have")]
    TooManySubscribers,
    #[error("the status page was asked for too many subscriptions today; try again tomorrow")]
    TooManySubscriptions,
    #[error("another status page has this address; choose another `slug`")]
    SlugTaken,
    /// The file was written by a later version of this program.
    #[error(
        "meta.sqlite has version {found}, this program knows {known}: use the newer program again"
    )]
    Newer { found: i64, known: i64 },
    /// A project's number could not be written down.
    #[error("the inbox: {0}")]
    Inbox(Box<StoreError>),
    #[error("meta.sqlite: {0}")]
    Sqlite(#[from] sqlx::Error),
}

const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The projects and keys of a server. Cheap to clone.
#[derive(Clone)]
pub struct Meta {
    inner: Arc<Inner>,
}

struct Inner {
    pool: SqlitePool,
    secret: ServerSecret,
    directory: RwLock<Directory>,
    /// None where nobody creates projects, as in `restore`.
    numbers: Option<ProjectNumbers>,
    /// Held over a change of the file and of memory, so that both see changes in the same order.
    changing: tokio::sync::Mutex<()>,
}

impl Meta {
    /// Opens or creates the file in `data` (which must exist). `fresh_secret` is 32 random bytes, kept as the server's
    /// secret where there is none yet.
    ///
    /// The caller holds the data folder (see `Store::open`): two processes with this file open would not hear of each
    /// other's changes.
    pub async fn open(data: &Path, fresh_secret: [u8; 32], now_us: i64) -> Result<Meta, MetaError> {
        Meta::open_with(data, fresh_secret, now_us, None).await
    }

    /// As `open`; the numbers of new projects are written down in the inbox.
    pub(crate) async fn open_with(
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
        numbers: Option<ProjectNumbers>,
    ) -> Result<Meta, MetaError> {
        let file = data.join(FILE);
        make_private(&file).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "on");
        // One connection: changes are rare and small, and reads are answered from memory.
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        migrate::migrate(&pool).await?;
        sqlx::query("INSERT INTO server (only_row, secret, created_us) VALUES (1, ?, ?) ON CONFLICT DO NOTHING")
            .bind(fresh_secret.as_slice())
            .bind(now_us)
            .execute(&pool)
            .await?;
        let secret: Vec<u8> =
            sqlx::query_scalar("SELECT secret FROM server").fetch_one(&pool).await?;
        let secret = secret
            .try_into()
            .map_err(|_| sqlx::Error::Protocol("the server's secret is damaged".into()))?;
        let secret = ServerSecret::new(secret);
        monitors::seal_plain(&pool, &secret).await?;
        let directory = directory::load(&pool, &secret).await?;
        let inner = Inner {
            pool,
            secret,
            directory: RwLock::new(directory),
            numbers,
            changing: tokio::sync::Mutex::new(()),
        };
        Ok(Meta { inner: Arc::new(inner) })
    }

    /// For names of things that must not be guessable and must not tell what they name (the ledger of erasures).
    pub fn secret(&self) -> &ServerSecret {
        &self.inner.secret
    }

    /// A consistent copy of the file, the server's secret in it, to `file` (which must not exist), while serving.
    pub async fn backup(&self, file: &Path) -> Result<(), MetaError> {
        self.flush().await?;
        sqlx::query("VACUUM INTO ?")
            .bind(file.to_string_lossy().into_owned())
            .execute(&self.inner.pool)
            .await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(())
    }

    /// Writes what is only in memory (times of use) and closes the file.
    pub async fn close(&self) -> Result<(), MetaError> {
        self.flush().await?;
        self.inner.pool.close().await;
        Ok(())
    }

    /// Ok where the file answers.
    pub async fn ping(&self) -> Result<(), MetaError> {
        sqlx::query("SELECT 1").execute(&self.inner.pool).await?;
        Ok(())
    }

    /// Empties SQLite's log, so that what was deleted is in no file any more.
    async fn forget_deleted(&self) -> Result<(), MetaError> {
        sqlx::query(EMPTY_LOG).execute(&self.inner.pool).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
