//! The start of a newer version of the program among servers that share databases. See `meta/upgrade.rs`.

use std::path::Path;

use crate::checks;
use crate::clickhouse;
use crate::meta::{self, Alone, MetaError};
use crate::types::{ClickHousePlace, MetaPlace, PostgresUrl, StoreError};

/// If a database is older than this program, waits until no other server runs, and changes those in PostgreSQL. ClickHouse's is
/// changed by whoever uses it next, while this lasts.
pub async fn begin(
    url: &PostgresUrl,
    hits: &ClickHousePlace,
    query_seconds: u64,
) -> Result<Option<Alone>, StoreError> {
    let failed = |cause: MetaError| StoreError::ProjectFiles {
        context: "this version cannot begin to use the databases",
        cause: Box::new(cause),
    };
    let checks_failed = |cause| StoreError::ProjectFiles {
        context: "this version cannot begin to use the databases",
        cause: Box::new(cause),
    };
    let is_older = meta::is_older(url).await.map_err(failed)?
        || checks::is_older_in_postgres(url).await.map_err(checks_failed)?
        || match clickhouse::is_older(hits, query_seconds).await {
            // Not known; nothing is changed there now.
            Err(StoreError::EngineAway { .. }) => false,
            is_older => is_older?,
        };
    if !is_older {
        return Ok(None);
    }
    let alone = meta::enter_alone(url).await.map_err(failed)?;
    let place = MetaPlace::Postgres(url.clone());
    meta::migrate(&place, Path::new("")).await.map_err(failed)?;
    checks::migrate(&place, Path::new("")).await.map_err(checks_failed)?;
    tracing::info!("the databases were brought to this version");
    Ok(Some(alone))
}
