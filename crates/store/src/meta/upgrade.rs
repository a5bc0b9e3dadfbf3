//! Changes of the tables of a PostgreSQL database that servers share, by a newer version of the program.
//!
//! A server that runs knows the tables as they were when it started. So they are changed while no other one runs, and the
//! start of the first newer one says which have to be stopped. Servers of versions with the same tables run side by side.

use analytics::limits;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use super::error::MetaError;
use super::membership::{connect, enter};
use super::migrate::MIGRATIONS;
use crate::types::PostgresUrl;

/// No other server runs, and none starts until it ends.
pub(crate) struct Alone(PgConnection);

/// In the order of their nodes.
const RUNNING: &str = "SELECT node, version FROM servers WHERE left_us IS NULL AND seen_us > (extract(epoch FROM clock_timestamp()) - $1) * 1000000 ORDER BY node";

/// Whether the database is that of an older version.
pub(crate) async fn is_older(url: &PostgresUrl) -> Result<bool, MetaError> {
    let mut db = connect(url).await?;
    let is_older = MIGRATIONS.is_older_in_postgres(&mut db).await;
    db.close().await?;
    Ok(is_older?)
}

/// Waits a little for servers that have just ended.
pub(crate) async fn enter_alone(url: &PostgresUrl) -> Result<Alone, MetaError> {
    match enter(url, false).await {
        Err(MetaError::AnotherServer) => match running(url).await {
            Ok(names) if !names.is_empty() => Err(MetaError::OthersRun(names)),
            // One of a version that shared nothing, or that has given no sign of life yet.
            _ => Err(MetaError::AnotherServer),
        },
        entered => Ok(Alone(entered?)),
    }
}

impl Alone {
    pub(crate) async fn end(self) {
        // If it is broken, PostgreSQL finds that itself.
        let _ = self.0.close().await;
    }
}

async fn running(url: &PostgresUrl) -> Result<String, MetaError> {
    let mut db = connect(url).await?;
    let rows = sqlx::query(RUNNING).bind(limits::SERVER_GONE_SECONDS as i64);
    let rows = rows.fetch_all(&mut db).await;
    db.close().await?;
    let name = |row: &sqlx::postgres::PgRow| {
        let (node, version): (i64, String) = (row.try_get("node")?, row.try_get("version")?);
        Ok(format!("node {node} ({version})"))
    };
    let names: Vec<String> = rows?.iter().map(name).collect::<Result<_, sqlx::Error>>()?;
    Ok(names.join(", "))
}
