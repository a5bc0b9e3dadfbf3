//! Follows the changes of other servers: PostgreSQL tells which tables have changed, and their rows are read again. After the
//! connection was lost, and now and then in any case, everything is read.
//!
//! Rows are read while `changing` is held, so a change of this server comes before or after it and is never undone. At most one
//! reading is under way and one waits, whatever number of changes there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::time::{Instant, timeout};

use super::directory::{Directory, KeyEntry};
use super::error::MetaError;
use super::handle::Meta;
use super::heard_tails::HeardTail;
use super::load::load;
use super::membership::session_settings;
use super::parts::Part;
use super::pending::{Changed, News};
use super::secrets::{Key, SecretHash, ServerSecret, Token};
use super::tails;
use crate::types::PostgresUrl;

const CHANNEL: &str = "api_analytics";
/// Each server gives a sign of life each second.
const SILENT: Duration = Duration::from_millis(limits::SERVER_BEAT_ANSWER_MS);
const PAUSE: Duration = Duration::from_secs(1);

impl Meta {
    /// Hears of changes; runs until it is dropped. Without other servers it does nothing.
    pub async fn listen(&self) {
        let Some(membership) = self.inner.membership.as_ref().filter(|_| self.is_shared()) else {
            return std::future::pending().await;
        };
        loop {
            let heard = self.hear(membership.url()).await;
            self.inner.tails.put(HeardTail::Lost).await;
            if let Err(problem) = heard {
                tracing::warn!(%problem, "changes of other servers are not heard; trying again");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Until the connection is lost.
    async fn hear(&self, url: &PostgresUrl) -> Result<(), sqlx::Error> {
        let silent = |_| sqlx::Error::Protocol("PostgreSQL is silent".into());
        let connecting = async {
            let mut listener = PgListener::connect(url.as_str()).await?;
            listener.eager_reconnect(false);
            listener.execute(sqlx::raw_sql(AssertSqlSafe(session_settings()))).await?;
            listener.listen(CHANNEL).await?;
            let tails = tails::listen(&mut listener).await?;
            Ok::<_, sqlx::Error>((listener, tails))
        };
        let (mut listener, tails) = timeout(SILENT, connecting).await.map_err(silent)??;
        // Whatever was changed before.
        self.inner.pending.put(News::everything(true));
        self.inner.tails.put(HeardTail::Found).await;
        while let Some(heard) = timeout(SILENT, listener.try_recv()).await.map_err(silent)?? {
            if heard.channel() == tails {
                self.inner.tails.put(HeardTail::Message(heard.payload().to_owned())).await;
                continue;
            }
            match News::parse(heard.payload()) {
                Some(news) => self.inner.pending.put(news),
                None => self.inner.pending.note_alive(),
            }
        }
        Ok(())
    }

    /// Waits for changes of other servers, and returns once they are in memory here. Without other servers it never
    /// returns.
    pub async fn next_change(&self) -> Changed {
        if !self.is_shared() {
            return std::future::pending().await;
        }
        loop {
            let News { parts, mut changed } = self.inner.pending.take().await;
            match self.reload(&parts).await {
                Ok(read) => {
                    changed.add(read);
                    return changed;
                }
                Err(problem) => {
                    tracing::warn!(%problem, "changes of other servers cannot be read; trying again");
                    self.inner.pending.put(News { parts, changed });
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Returns once every change that was committed before is in memory. Without other servers it always is.
    pub async fn catch_up(&self) -> Result<(), MetaError> {
        if self.is_shared() {
            let changed = self.reload(&Part::all()).await?;
            self.inner.pending.put(News { parts: BTreeSet::new(), changed });
        }
        Ok(())
    }

    /// Whether this server does not know what others have changed, for so long that keys and sessions that were revoked
    /// may still work here.
    pub fn is_stale(&self) -> bool {
        let most = Duration::from_secs(limits::META_STALE_SECONDS);
        self.is_shared() && self.inner.pending.behind() > most
    }

    /// If another server has just created this key, it is known afterwards.
    pub async fn learn_key(&self, key: &Key) {
        let has = "SELECT count(*) FROM keys WHERE hash = $1 AND revoked_us IS NULL";
        let hash = |secret: &ServerSecret| secret.hash_key(key);
        self.learn(hash, |directory, hash| directory.keys.contains_key(hash), has).await;
    }

    pub async fn learn_session(&self, token: &Token) {
        let has = "SELECT count(*) FROM sessions WHERE hash = $1";
        let hash = |secret: &ServerSecret| secret.hash_session(token);
        self.learn(hash, |directory, hash| directory.sessions.contains_key(hash), has).await;
    }

    pub async fn learn_share_link(&self, token: &Token) {
        let has = "SELECT count(*) FROM share_links WHERE hash = $1";
        let hash = |secret: &ServerSecret| secret.hash_share_link(token);
        self.learn(hash, |directory, hash| directory.links.contains_key(hash), has).await;
    }

    /// If another server has just created a monitor, it is known afterwards.
    pub async fn learn_monitors(&self) {
        if !self.is_shared() {
            return;
        }
        let Ok(_looking) = self.inner.looking.try_acquire() else { return };
        let newest = self.read(|directory| directory.monitors.keys().next_back().copied());
        let has = sqlx::query_scalar("SELECT count(*) FROM monitors WHERE id > $1");
        let newer = has.bind(newest.unwrap_or_default()).fetch_one(&self.inner.db.pool).await;
        if newer.is_ok_and(|newer: i64| newer > 0) {
            let _ = self.catch_up().await;
        }
    }

    /// Guessing secrets costs the database little: only a few callers look there at a time, and the secrets of the others
    /// count as unknown.
    async fn learn(
        &self,
        hash: impl FnOnce(&ServerSecret) -> SecretHash,
        is_known: impl FnOnce(&Directory, &SecretHash) -> bool,
        has: &'static str,
    ) {
        if !self.is_shared() {
            return;
        }
        let hash = hash(&self.inner.secret);
        if self.read(|directory| is_known(directory, &hash)) {
            return;
        }
        let Ok(_looking) = self.inner.looking.try_acquire() else { return };
        let rows = sqlx::query_scalar(has).bind(hash.as_slice());
        let rows: Result<i64, sqlx::Error> = rows.fetch_one(&self.inner.db.pool).await;
        if rows.is_ok_and(|rows| rows > 0) {
            let _ = self.catch_up().await;
        }
    }

    async fn reload(&self, parts: &BTreeSet<Part>) -> Result<Changed, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let began = Instant::now();
        let secret = &self.inner.secret;
        let fresh = load(&self.inner.db.pool, secret, parts).await?;
        let changed = self.write(|directory| directory.replace(fresh, parts, secret));
        if *parts == Part::all() {
            self.inner.pending.note_synced(began);
        }
        Ok(changed)
    }
}

impl Directory {
    /// Replaces these parts. Times of use that are only in memory stay.
    fn replace(
        &mut self,
        fresh: Directory,
        parts: &BTreeSet<Part>,
        secret: &ServerSecret,
    ) -> Changed {
        let mut changed = Changed::default();
        for part in parts {
            match part {
                Part::Projects => {
                    self.projects.retain(|id, _| fresh.projects.contains_key(id));
                    self.dashboards = fresh.dashboards.clone();
                    for entry in fresh.projects.values() {
                        self.put_project(entry.project.clone(), secret);
                        if let Some(kept) = self.projects.get(&entry.project.id) {
                            kept.looked.take_over(&entry.looked);
                        }
                    }
                }
                Part::Keys => {
                    let before = std::mem::replace(&mut self.keys, fresh.keys.clone());
                    for (hash, entry) in before {
                        let Some(now) = self.keys.get_mut(&hash) else { continue };
                        if entry.is_same(now) {
                            entry.used.take_over(&now.used);
                            *now = entry;
                        }
                    }
                }
                Part::ImportedUserIds => self.imported_user_ids = fresh.imported_user_ids.clone(),
                Part::Sessions => {
                    for (hash, entry) in &fresh.sessions {
                        if let Some(before) = self.sessions.get(hash) {
                            entry.used.take_over(&before.used);
                        }
                    }
                    self.sessions = fresh.sessions.clone();
                }
                Part::ShareLinks => {
                    let before = std::mem::replace(&mut self.links, fresh.links.clone());
                    for (hash, entry) in before {
                        let Some(now) = self.links.get_mut(&hash) else { continue };
                        now.used.take_over(&entry.used);
                    }
                }
                Part::Monitors => {
                    let is_new = |id, row| self.monitors.get(id) != Some(row);
                    let new = fresh.monitors.iter().filter(|(id, row)| is_new(*id, *row));
                    changed.monitors = new.map(|(_, row)| row.clone()).collect();
                    changed.monitors_gone =
                        self.monitors.keys().any(|id| !fresh.monitors.contains_key(id));
                    self.monitors = fresh.monitors.clone();
                    self.heartbeats = fresh.heartbeats.clone();
                }
                Part::Channels => self.channels = fresh.channels.clone(),
                Part::Maintenance => {
                    changed.maintenance =
                        differing(self.maintenance.iter(), fresh.maintenance.iter(), |row| {
                            row.project
                        });
                    self.maintenance = fresh.maintenance.clone();
                }
                Part::StatusPages => {
                    changed.status_pages =
                        differing(self.status_pages.iter(), fresh.status_pages.iter(), |row| {
                            row.project
                        });
                    self.status_pages = fresh.status_pages.clone();
                    self.status_slugs = fresh.status_slugs.clone();
                }
                Part::Rules => {
                    let differ =
                        differing(self.rules.iter(), fresh.rules.iter(), |row| row.project);
                    changed.rules = !differ.is_empty();
                    self.rules = fresh.rules.clone();
                }
            }
        }
        changed
    }
}

impl KeyEntry {
    fn is_same(&self, other: &KeyEntry) -> bool {
        (self.id, self.project, self.can) == (other.id, other.project, other.can)
    }
}

/// The projects of rows that are not in both.
fn differing<'a, K: Ord, T: PartialEq + 'a>(
    before: impl Iterator<Item = (K, &'a Arc<T>)>,
    after: impl Iterator<Item = (K, &'a Arc<T>)>,
    project: impl Fn(&T) -> ProjectId,
) -> BTreeSet<ProjectId> {
    let mut rest: BTreeMap<K, &Arc<T>> = before.collect();
    let mut differ = BTreeSet::new();
    for (key, row) in after {
        if rest.remove(&key) != Some(row) {
            differ.insert(project(row));
        }
    }
    differ.extend(rest.into_values().map(|row| project(row)));
    differ
}
