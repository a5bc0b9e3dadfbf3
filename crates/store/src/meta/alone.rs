//! One server per PostgreSQL database: two would not see each other's changes. The server holds a lock on a connection of
//! its own, which PostgreSQL gives up when that connection ends.

use std::time::Duration;

use analytics::limits;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;

use super::database::postgres_settings;
use super::error::MetaError;
use crate::types::PostgresUrl;

/// Any number that nobody else takes in this database.
const LOCK: &str = "SELECT pg_try_advisory_lock(4740135190614344)";

const STEP: Duration = Duration::from_millis(200);

pub(super) struct Alone {
    url: PostgresUrl,
    holding: Mutex<Option<PgConnection>>,
}

impl Alone {
    /// Waits a little for a server that has just ended. `MetaError::AnotherServer` if another one runs.
    pub(super) async fn begin(url: &PostgresUrl) -> Result<Alone, MetaError> {
        let alone = Alone { url: url.clone(), holding: Mutex::new(None) };
        let mut waited = Duration::ZERO;
        loop {
            match alone.stay().await {
                Err(MetaError::AnotherServer)
                    if waited < Duration::from_secs(limits::POSTGRES_WAIT_SECONDS) =>
                {
                    tokio::time::sleep(STEP).await;
                    waited += STEP;
                }
                done => return done.map(|()| alone),
            }
        }
    }

    /// Lets another server use the database.
    pub(super) async fn end(&self) {
        if let Some(connection) = self.holding.lock().await.take() {
            // If it is broken, PostgreSQL finds that itself.
            let _ = connection.close().await;
        }
    }

    /// Takes the lock again if its connection was lost.
    pub(super) async fn stay(&self) -> Result<(), MetaError> {
        let mut holding = self.holding.lock().await;
        if let Some(mut connection) = holding.take()
            && sqlx::query("SELECT 1").execute(&mut connection).await.is_ok()
        {
            *holding = Some(connection);
            return Ok(());
        }
        let options: PgConnectOptions = self.url.as_str().parse()?;
        let mut connection = options.connect().await?;
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(postgres_settings()))).await?;
        if !sqlx::query_scalar(LOCK).fetch_one(&mut connection).await? {
            return Err(MetaError::AnotherServer);
        }
        *holding = Some(connection);
        Ok(())
    }
}
