//! The servers that share a PostgreSQL database: this server's place among them, and which of them leads.
//!
//! Servers share a database if all keep hits in ClickHouse. A server with hits in files is alone, since another one would not
//! show its hits. Both are locks in PostgreSQL on a connection of its own: a server that dies loses them with it. The leader
//! holds one more, and does the work that is done once among all.
//!
//! A server that hangs, or whose packets nobody answers, keeps its connection. So PostgreSQL ends the session if no sign of life
//! came for `server_vanished_ms`, and a leader believes that it leads for a shorter time after each: when it wakes up, it
//! does nothing for which another one is responsible by then.

use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use analytics::limits;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::MetaError;
use crate::database::bounded::bounded;
use crate::database::{POSTGRES_ANSWER, postgres_settings};
use crate::inbox::identity::FolderId;
use crate::types::PostgresUrl;

/// Any number that nobody else takes in this database. Servers of version 0.1.0 take it for themselves too.
const BE_ALONE: &str = "SELECT pg_try_advisory_lock(4740135190614344)";
const BE_AMONG_OTHERS: &str = "SELECT pg_try_advisory_lock_shared(4740135190614344)";
/// Tables of another schema are another installation.
const LEAD: &str = "SELECT pg_try_advisory_lock(474013521, hashtext(current_schema()))";
/// The turn stays the same if the same folder leads again.
const BEGIN_TURN: &str = "INSERT INTO leader (only_row, folder, turn) VALUES (1, $1, 1) ON CONFLICT (only_row) DO UPDATE SET turn = leader.turn + CASE WHEN leader.folder = excluded.folder THEN 0 ELSE 1 END, folder = excluded.folder RETURNING turn";
/// Also a sign of life for the connections that listen.
const BEAT: &str = "UPDATE servers SET seen_us = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, version = $2, left_us = NULL WHERE folder = $1 RETURNING pg_notify('api_analytics', 'alive')::text";

const STEP: Duration = Duration::from_millis(200);
const BEAT_ANSWER: Duration = Duration::from_millis(limits::SERVER_BEAT_ANSWER_MS);
/// After the beginning of a sign of life; PostgreSQL counts from its end.
const LED: Duration = Duration::from_millis(limits::SERVER_BEAT_MS + limits::SERVER_BEAT_ANSWER_MS);
const _: () =
    assert!(limits::SERVER_BEAT_MS + limits::SERVER_BEAT_ANSWER_MS < limits::SERVER_VANISHED_MS);

/// This server's place in a database.
pub(super) struct Membership {
    url: PostgresUrl,
    /// None: it is alone.
    folder: Option<FolderId>,
    session: Mutex<Session>,
    leads: StdMutex<Leads>,
}

/// Whether this server leads.
#[derive(Clone, Copy)]
enum Leads {
    Always,
    Until(Instant),
    No,
}

#[derive(Default)]
struct Session {
    connection: Option<PgConnection>,
    /// Before that, a server that was cut off does not lead, unless it did.
    rests_until: Option<Instant>,
    has_led: bool,
}

/// Who does the work that is done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This server. Another number than before: another server led meanwhile.
    Leads { turn: i64 },
    /// Another one.
    Follows,
}

impl Membership {
    /// Waits a little for a server that has just ended. `MetaError::AnotherServer` if one runs that does not share.
    pub(super) async fn begin(
        url: &PostgresUrl,
        folder: Option<FolderId>,
    ) -> Result<Membership, MetaError> {
        let connection = enter(url, folder.is_some()).await?;
        let session = Session { connection: Some(connection), ..Session::default() };
        Ok(Membership {
            url: url.clone(),
            leads: StdMutex::new(if folder.is_none() { Leads::Always } else { Leads::No }),
            folder,
            session: Mutex::new(session),
        })
    }

    pub(super) fn url(&self) -> &PostgresUrl {
        &self.url
    }

    pub(super) fn folder(&self) -> Option<&FolderId> {
        self.folder.as_ref()
    }

    pub(super) fn leads(&self) -> bool {
        match *self.leads.lock().unwrap_or_else(PoisonError::into_inner) {
            Leads::Always => true,
            Leads::Until(until) => Instant::now() < until,
            Leads::No => false,
        }
    }

    fn set_leads(&self, leads: Leads) {
        *self.leads.lock().unwrap_or_else(PoisonError::into_inner) = leads;
    }

    /// Lets others have its place.
    pub(super) async fn end(&self) {
        let mut session = self.session.lock().await;
        if self.folder.is_some() {
            self.set_leads(Leads::No);
        }
        if let Some(connection) = session.connection.take() {
            // If it is broken, PostgreSQL finds that itself.
            let _ = connection.close().await;
        }
    }

    /// Tells the others that this server lives, and leads if nobody does. Takes its place again if the connection was lost.
    pub(super) async fn beat(&self) -> Result<Standing, MetaError> {
        let mut session = self.session.lock().await;
        let began = Instant::now();
        let answer = match &self.folder {
            None => bounded(Some(POSTGRES_ANSWER), self.stay_alone(&mut session)).await,
            Some(folder) => bounded(Some(BEAT_ANSWER), self.beat_among(&mut session, folder)).await,
        };
        if self.folder.is_some() {
            self.set_leads(match answer {
                Ok(Standing::Leads { .. }) => Leads::Until(began + LED),
                _ => Leads::No,
            });
        }
        answer
    }

    async fn stay_alone(&self, session: &mut Session) -> Result<Standing, MetaError> {
        if let Some(mut connection) = session.connection.take()
            && connection.ping().await.is_ok()
        {
            session.connection = Some(connection);
            return Ok(Standing::Leads { turn: 0 });
        }
        session.connection = Some(connect_as(&self.url, BE_ALONE).await?);
        Ok(Standing::Leads { turn: 0 })
    }

    async fn beat_among(
        &self,
        session: &mut Session,
        folder: &FolderId,
    ) -> Result<Standing, MetaError> {
        // Taken out: a connection that failed, or whose call was given up, is not used again.
        let mut connection = match session.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = connect_as(&self.url, BE_AMONG_OTHERS).await?;
                // The one that led, if it lives, has results that are not written yet.
                let rest = Duration::from_secs(limits::LEADER_REST_SECONDS);
                session.rests_until = (!session.has_led).then(|| Instant::now() + rest);
                connection
            }
        };
        let beat = sqlx::query(BEAT).bind(folder.as_slice()).bind(env!("CARGO_PKG_VERSION"));
        beat.execute(&mut connection).await?;
        let was_leading = self.leads();
        let may_lead = session.rests_until.is_none_or(|until| Instant::now() >= until);
        let leads =
            was_leading || may_lead && sqlx::query_scalar(LEAD).fetch_one(&mut connection).await?;
        session.has_led = leads;
        let standing = match leads {
            true => {
                let turn = sqlx::query_scalar(BEGIN_TURN).bind(folder.as_slice());
                Standing::Leads { turn: turn.fetch_one(&mut connection).await? }
            }
            false => Standing::Follows,
        };
        session.connection = Some(connection);
        Ok(standing)
    }
}

/// A connection that holds this server's place; waits a little for a server that has just ended.
pub(super) async fn enter(url: &PostgresUrl, shares: bool) -> Result<PgConnection, MetaError> {
    let lock = if shares { BE_AMONG_OTHERS } else { BE_ALONE };
    let mut waited = Duration::ZERO;
    loop {
        match bounded(Some(POSTGRES_ANSWER), connect_as(url, lock)).await {
            Err(MetaError::AnotherServer)
                if waited < Duration::from_secs(limits::POSTGRES_WAIT_SECONDS) =>
            {
                tokio::time::sleep(STEP).await;
                waited += STEP;
            }
            done => return done,
        }
    }
}

async fn connect_as(url: &PostgresUrl, lock: &'static str) -> Result<PgConnection, MetaError> {
    let mut connection = connect(url).await?;
    if lock == BE_AMONG_OTHERS {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(end_if_silent()))).await?;
    }
    match sqlx::query_scalar(lock).fetch_one(&mut connection).await? {
        true => Ok(connection),
        false => Err(MetaError::AnotherServer),
    }
}

pub(super) async fn connect(url: &PostgresUrl) -> Result<PgConnection, MetaError> {
    let options: PgConnectOptions = url.as_str().parse()?;
    let mut connection = options.connect().await?;
    connection.execute(sqlx::raw_sql(AssertSqlSafe(session_settings()))).await?;
    Ok(connection)
}

/// PostgreSQL ends a session on which no sign of life came.
fn end_if_silent() -> String {
    format!("SET idle_session_timeout = {}", limits::SERVER_VANISHED_MS)
}

/// PostgreSQL ends a session a few seconds after this machine has vanished, also in the middle of an answer.
pub(super) fn session_settings() -> String {
    let vanished_ms = limits::SERVER_VANISHED_MS;
    format!("{}; SET tcp_user_timeout = {vanished_ms}", postgres_settings())
}
