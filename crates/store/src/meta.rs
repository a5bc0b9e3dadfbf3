//! Projects, keys, sessions, share links, monitors, channels, maintenance windows, rules, deploys, saved views, status pages
//! and their subscribers: in `meta.sqlite` in the data folder, or in PostgreSQL.
//!
//! Everything that a request needs to know (its key's project, access and privacy level) is answered from memory: a
//! POST must not wait for a database. The database is the truth, and memory follows it with every change. Only the
//! process that holds the data folder changes `meta.sqlite`.
//!
//! Bottom up: `error`, `rows`, `secrets` and `columns`; `database`, `alone` and `migrate`; `directory`, the rows in memory;
//! `handle`, which is `Meta` itself; a module for each kind of thing, which adds its calls; `load`. No module imports one that imports it.
//!
//! Deliberately not here: hits, users, and who may call what.

mod alone;
mod channels;
mod columns;
mod database;
mod deploys;
mod directory;
mod error;
mod facts;
mod file;
mod handle;
mod identity;
mod keys;
mod learned_routes;
mod load;
mod maintenance;
mod migrate;
mod monitors;
mod moving;
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

use crate::disk::make_private;
use crate::inbox::ProjectNumbers;
use crate::types::MetaPlace;
use alone::Alone;
use database::{Database, Engine};
use handle::Inner;

pub use database::FILE;
pub use deploys::DeployRow;
pub use error::MetaError;
pub use facts::{MetaFacts, MetaIdentity};
pub(crate) use facts::{look, look_at_postgres};
pub(crate) use file::{copy_to, forget_those_who_left, mark_restored_routes};
pub use handle::Meta;
pub use keys::{KeyGrant, KeyInfo, Revoked};
pub use learned_routes::LearnedRoutesRow;
pub use maintenance::MaintenanceRow;
pub(crate) use migrate::check_version;
pub use monitors::NewMonitor;
pub use moving::{Moved, move_meta};
pub use projects::{NewProject, ProjectChange};
pub use rows::{
    Can, ChannelRow, ChannelSettings, MonitorRow, NewShareLink, Project, ShareLink, StatusPageRow,
};
pub use rules::RuleRow;
pub use sealing::FreshNonce;
pub use secrets::{DashboardId, Key, ServerSecret, Token};
pub use sessions::{Proof, SessionAccess, SessionProject, SignedIn};
pub use subscribers::{Confirmation, Subscriber, SubscriberCount, SubscriberLimits};
pub use views::ViewRow;

impl Meta {
    /// Opens or creates the file in `data` (which must exist). `fresh_secret` is 32 random bytes, stored as the
    /// server's secret if there is none yet.
    ///
    /// The caller holds the data folder (see `Store::open`): two processes with this file open would not see each
    /// other's changes.
    pub async fn open(data: &Path, fresh_secret: [u8; 32], now_us: i64) -> Result<Meta, MetaError> {
        Meta::open_at(&MetaPlace::Folder, data, fresh_secret, now_us).await
    }

    /// Like `open`, at any place.
    pub async fn open_at(
        place: &MetaPlace,
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
    ) -> Result<Meta, MetaError> {
        Meta::open_with(place, data, fresh_secret, now_us, None).await
    }

    /// Like `open_at`, for a server: no other one may use the PostgreSQL database. The numbers of new projects are
    /// reserved in the inbox.
    pub(crate) async fn open_with(
        place: &MetaPlace,
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
        numbers: Option<ProjectNumbers>,
    ) -> Result<Meta, MetaError> {
        let alone = match (place, &numbers) {
            (MetaPlace::Postgres(url), Some(_)) => Some(Alone::begin(url).await?),
            _ => None,
        };
        let db = match place {
            MetaPlace::Folder => Database::open_file(data).await?,
            MetaPlace::Postgres(url) => Database::open_postgres(url).await?,
        };
        migrate::migrate(&db).await?;
        sqlx::query("INSERT INTO server (only_row, secret, created_us) VALUES (1, $1, $2) ON CONFLICT DO NOTHING")
            .bind(fresh_secret.as_slice())
            .bind(now_us)
            .execute(&db.pool)
            .await?;
        let secret: Vec<u8> =
            sqlx::query_scalar("SELECT secret FROM server").fetch_one(&db.pool).await?;
        let secret = secret
            .try_into()
            .map_err(|_| sqlx::Error::Protocol("the server's secret is damaged".into()))?;
        let secret = ServerSecret::new(secret);
        monitors::seal_plain(&db, &secret).await?;
        let directory = load::load(&db.pool, &secret).await?;
        let inner = Inner {
            db,
            alone,
            secret,
            directory: RwLock::new(directory),
            numbers,
            changing: tokio::sync::Mutex::new(()),
        };
        Ok(Meta { inner: Arc::new(inner) })
    }

    /// Writes a consistent copy of `meta.sqlite`, including the server's secret, to `file` (which must not exist),
    /// while serving. False, and no file, with PostgreSQL, which has its own backups.
    pub async fn backup(&self, file: &Path) -> Result<bool, MetaError> {
        self.flush().await?;
        if self.inner.db.engine == Engine::Postgres {
            return Ok(false);
        }
        sqlx::query("VACUUM INTO $1")
            .bind(file.to_string_lossy().into_owned())
            .execute(&self.inner.db.pool)
            .await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(true)
    }

    /// Writes times of use, which are only in memory, and closes the file.
    pub async fn close(&self) -> Result<(), MetaError> {
        self.flush().await?;
        self.inner.db.pool.close().await;
        if let Some(alone) = &self.inner.alone {
            alone.end().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
