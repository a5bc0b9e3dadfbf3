//! Projects, keys, sessions, share links, monitors, channels, maintenance windows, rules, deploys, saved views, status pages
//! and their subscribers (SQLite, `meta.sqlite` in the data folder).
//!
//! Everything that a request needs to know (its key's project, access and privacy level) is answered from memory: a
//! POST must not wait for a database. The file is the truth, memory follows it with every change, and only the process
//! that holds the data folder changes it.
//!
//! Bottom up: `error`, `rows` and `secrets`; `directory`, the rows in memory; `handle`, which is `Meta` itself; a
//! module for each kind of thing, which adds its calls; `load`. No module imports one that imports it.
//!
//! Deliberately not here: hits, users, and who may call what.

mod channels;
mod deploys;
mod directory;
mod error;
mod handle;
mod identity;
mod keys;
mod learned_routes;
mod load;
mod maintenance;
mod migrate;
mod monitors;
mod projects;
mod rows;
mod rules;
mod running;
mod sealing;
mod secrets;
mod sessions;
mod settings_rows;
mod share_links;
mod status_pages;
mod subscribers;
mod views;

use std::path::Path;
use std::sync::{Arc, RwLock};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::disk::make_private;
use crate::inbox::ProjectNumbers;
use handle::Inner;

pub use deploys::DeployRow;
pub use error::MetaError;
pub use handle::{FILE, Meta};
pub use identity::{MetaFacts, MetaIdentity};
pub(crate) use identity::{copy_to, look};
pub use keys::{KeyGrant, KeyInfo, Revoked};
pub use learned_routes::LearnedRoutesRow;
pub(crate) use learned_routes::mark_restored_routes;
pub use maintenance::MaintenanceRow;
pub(crate) use migrate::check_version;
pub use monitors::NewMonitor;
pub use projects::{NewProject, ProjectChange};
pub use rows::{
    Can, ChannelRow, ChannelSettings, MonitorRow, NewShareLink, Project, ShareLink, StatusPageRow,
};
pub use rules::RuleRow;
pub use sealing::FreshNonce;
pub use secrets::{DashboardId, Key, ServerSecret, Token};
pub use sessions::{Proof, SessionAccess, SessionProject, SignedIn};
pub(crate) use subscribers::forget_those_who_left;
pub use subscribers::{Confirmation, Subscriber, SubscriberCount, SubscriberLimits};
pub use views::ViewRow;

impl Meta {
    /// Opens or creates the file in `data` (which must exist). `fresh_secret` is 32 random bytes, stored as the
    /// server's secret if there is none yet.
    ///
    /// The caller holds the data folder (see `Store::open`): two processes with this file open would not see each
    /// other's changes.
    pub async fn open(data: &Path, fresh_secret: [u8; 32], now_us: i64) -> Result<Meta, MetaError> {
        Meta::open_with(data, fresh_secret, now_us, None).await
    }

    /// Like `open`; the numbers of new projects are reserved in the inbox.
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
        let directory = load::load(&pool, &secret).await?;
        let inner = Inner {
            pool,
            secret,
            directory: RwLock::new(directory),
            numbers,
            changing: tokio::sync::Mutex::new(()),
        };
        Ok(Meta { inner: Arc::new(inner) })
    }

    /// Writes a consistent copy of the file, including the server's secret, to `file` (which must not exist), while
    /// serving.
    pub async fn backup(&self, file: &Path) -> Result<(), MetaError> {
        self.flush().await?;
        sqlx::query("VACUUM INTO ?")
            .bind(file.to_string_lossy().into_owned())
            .execute(&self.inner.pool)
            .await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(())
    }

    /// Writes times of use, which are only in memory, and closes the file.
    pub async fn close(&self) -> Result<(), MetaError> {
        self.flush().await?;
        self.inner.pool.close().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
