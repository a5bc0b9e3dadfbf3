//! Projects, keys, sessions, share links, monitors, channels, maintenance windows, rules, deploys, saved views, status pages
//! and their subscribers: in `meta.sqlite` in the data folder, or in PostgreSQL.
//!
//! Everything that a request needs to know (its key's project, access and privacy level) is answered from memory: a
//! POST must not wait for a database. The database is the truth, and memory follows it with every change. Only the
//! process that holds the data folder changes `meta.sqlite`; several servers may change a PostgreSQL database, which tells
//! each of them what the others change.
//!
//! Bottom up: `error`, `rows`, `secrets` and `file`; `membership` and `migrate`; `directory`, the rows in memory, and `pending`, changes of others;
//! `handle`, which is `Meta` itself; a module for each kind of thing, which adds its calls; `load`, `reload` and `servers`. No
//! module imports one that imports it.
//!
//! Deliberately not here: hits, users, and who may call what.

mod channels;
mod deploys;
mod directory;
mod error;
mod facts;
mod file;
mod handle;
mod heard_tails;
mod identity;
mod keys;
mod learned_routes;
mod load;
mod maintenance;
mod membership;
mod migrate;
mod monitors;
mod moving;
mod parts;
mod pending;
mod projects;
mod reload;
mod rows;
mod rules;
mod running;
mod sealing;
mod secrets;
mod servers;
mod sessions;
mod settings_rows;
mod share_links;
mod status_pages;
mod subscribers;
mod tails;
mod taken_batches;
mod upgrade;
mod views;

use std::path::Path;
use std::sync::{Arc, RwLock};

use analytics::limits;

use crate::database::Engine;
use crate::disk::make_private;
use crate::inbox::ProjectNumbers;
use crate::types::MetaPlace;
use handle::Inner;
use membership::Membership;
use parts::Part;
use pending::Pending;

pub use deploys::DeployRow;
pub use error::MetaError;
pub use facts::{MetaFacts, MetaIdentity};
pub(crate) use facts::{look, look_at_postgres};
pub(crate) use file::{copy_to, forget_those_who_left, mark_restored_routes};
pub use handle::Meta;
pub use heard_tails::HeardTail;
use heard_tails::Tails;
pub use keys::{KeyGrant, KeyInfo, Revoked};
pub use learned_routes::LearnedRoutesRow;
pub use maintenance::MaintenanceRow;
pub use membership::Standing;
pub use migrate::FILE;
pub(crate) use migrate::{check_version, migrate};
pub use monitors::NewMonitor;
pub use moving::{Moved, move_meta};
pub use pending::{Changed, Routes};
pub use projects::{NewProject, ProjectChange};
pub use rows::{
    Can, ChannelRow, ChannelSettings, MonitorRow, NewShareLink, Project, ShareLink, StatusPageRow,
};
pub use rules::RuleRow;
pub use sealing::FreshNonce;
pub use secrets::{DashboardId, Key, ServerSecret, Token};
pub use servers::ServerRow;
pub(crate) use servers::{InClickHouse, Lease, register};
pub use sessions::{Proof, SessionAccess, SessionProject, SignedIn};
pub use subscribers::{Confirmation, Subscriber, SubscriberCount, SubscriberLimits};
pub(crate) use taken_batches::{SharedBatch, Taken, TakenBatches};
pub(crate) use upgrade::{Alone, enter_alone, is_older};
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
        Meta::open_with(place, data, fresh_secret, now_us, None, None).await
    }

    /// Like `open_at`, as one of several servers: that of a data folder.
    pub async fn open_shared(
        place: &MetaPlace,
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
        folder: [u8; 16],
    ) -> Result<Meta, MetaError> {
        let MetaPlace::Postgres(url) = place else {
            return Meta::open_at(place, data, fresh_secret, now_us).await;
        };
        register(url, Lease { folder, wanted: None, in_clickhouse: InClickHouse::None }).await?;
        let membership = Some(Membership::begin(url, Some(folder)).await?);
        Meta::open_with(place, data, fresh_secret, now_us, None, membership).await
    }

    /// Like `open_at`, for a server: the numbers of new projects are reserved in the inbox. `shares_as`: the id of its data
    /// folder, if other servers may use the PostgreSQL database too.
    pub(crate) async fn open_as_server(
        place: &MetaPlace,
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
        numbers: ProjectNumbers,
        shares_as: Option<[u8; 16]>,
    ) -> Result<Meta, MetaError> {
        let membership = match place {
            MetaPlace::Postgres(url) => Some(Membership::begin(url, shares_as).await?),
            MetaPlace::Folder => None,
        };
        Meta::open_with(place, data, fresh_secret, now_us, Some(numbers), membership).await
    }

    async fn open_with(
        place: &MetaPlace,
        data: &Path,
        fresh_secret: [u8; 32],
        now_us: i64,
        numbers: Option<ProjectNumbers>,
        membership: Option<Membership>,
    ) -> Result<Meta, MetaError> {
        let db = migrate::open(place, data).await?;
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
        let directory = load::load(&db.pool, &secret, &Part::all()).await?;
        let inner = Inner {
            db,
            membership,
            pending: Pending::default(),
            tails: Tails::default(),
            secret,
            directory: RwLock::new(directory),
            numbers,
            changing: tokio::sync::Mutex::new(()),
            looking: tokio::sync::Semaphore::new(limits::SECRETS_LOOKED_FOR as usize),
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
        if let Some(membership) = &self.inner.membership {
            membership.end().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
