//! Work that one server at a time does: sending the notices of a channel, mailing subscribers. A notice leaves the outbox
//! after it was sent, so two servers that look at the same time would both send it.
//!
//! A claim is an advisory lock in PostgreSQL on a connection of its own, so that no clock is compared: a server that dies
//! loses its claims with its connection, and one that hangs after a while (`claim_idle_seconds`). One that is cut off while
//! it sends may send once more than needed, as after a crash.

use std::sync::Arc;

use analytics::limits;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;

use super::{Checks, ChecksError};
use crate::database::bounded::bounded;
use crate::database::{POSTGRES_ANSWER, is_away, postgres_settings};
use crate::sql::checks as sql;
use crate::types::PostgresUrl;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The outbox of a channel.
    Channel(i64),
    /// The mailings of all status pages.
    Mailings,
}

impl Claim {
    /// The two numbers of its lock. Nobody else takes the first one in this database.
    fn lock(self) -> (i64, i64) {
        match self {
            Claim::Channel(channel) => (474_013_519, i64::from(channel as i32)),
            Claim::Mailings => (474_013_520, 0),
        }
    }
}

/// Claims of this server.
#[derive(Clone)]
pub(super) struct Claims {
    /// None: nobody else sends from this database.
    among: Option<Arc<Session>>,
}

struct Session {
    url: PostgresUrl,
    connection: Mutex<Option<PgConnection>>,
}

impl Claims {
    pub(super) fn alone() -> Claims {
        Claims { among: None }
    }

    pub(super) fn among_servers(url: &PostgresUrl) -> Claims {
        let session = Session { url: url.clone(), connection: Mutex::default() };
        Claims { among: Some(Arc::new(session)) }
    }

    /// Gives all claims up.
    pub(super) async fn end(&self) {
        let Some(session) = &self.among else { return };
        if let Some(connection) = session.connection.lock().await.take() {
            // If it is broken, PostgreSQL finds that itself.
            let _ = connection.close().await;
        }
    }
}

impl Checks {
    /// Whether this work is now this server's, until `release`. A server must not claim twice.
    pub async fn claim(&self, claim: Claim) -> Result<bool, ChecksError> {
        match &self.claims.among {
            Some(session) => bounded(Some(POSTGRES_ANSWER), session.ask(sql::CLAIM, claim)).await,
            None => Ok(true),
        }
    }

    /// Lets another server do it. If the database does not answer, the claim ends with the connection.
    pub async fn release(&self, claim: Claim) {
        if let Some(session) = &self.claims.among {
            let _ = bounded(Some(POSTGRES_ANSWER), session.ask(sql::RELEASE, claim)).await;
        }
    }
}

impl Session {
    async fn ask(&self, statement: &'static str, claim: Claim) -> Result<bool, ChecksError> {
        let mut kept = self.connection.lock().await;
        let (kind, thing) = claim.lock();
        let ask = async |connection: &mut PgConnection| {
            let ask = sqlx::query_scalar::<_, bool>(statement).bind(kind).bind(thing);
            ask.fetch_one(connection).await
        };
        // Taken out: a connection that failed, or whose call was dropped, is not used again.
        if let Some(mut connection) = kept.take() {
            match ask(&mut connection).await {
                Ok(answer) => {
                    *kept = Some(connection);
                    return Ok(answer);
                }
                // It was idle for long, and its claims have ended with it.
                Err(problem) if is_away(&problem) => {}
                Err(problem) => return Err(problem.into()),
            }
        }
        let mut connection = self.connect().await?;
        let answer = ask(&mut connection).await?;
        *kept = Some(connection);
        Ok(answer)
    }

    async fn connect(&self) -> Result<PgConnection, ChecksError> {
        let options: PgConnectOptions = self.url.as_str().parse().map_err(ChecksError::Database)?;
        let mut connection = options.connect().await?;
        let idle_ms = limits::CLAIM_IDLE_SECONDS * 1_000;
        let settings = format!("{}; SET idle_session_timeout = {idle_ms}", postgres_settings());
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(settings))).await?;
        Ok(connection)
    }
}
