//! Makes the tables, or brings them up to date. Several nodes may do it at once: each statement does nothing where its
//! work is done.

use super::engine::Engine;
use super::sql::layout::Layout;
use super::sql::params::Params;
use super::sql::schema;
use crate::types::{ClickHousePlace, StoreError};

const CONTEXT: &str = "preparing the tables in ClickHouse";

pub async fn migrate(engine: &Engine) -> Result<(), StoreError> {
    let (layout, none) = (engine.layout(), Params::default());
    let is_new = check_layout(engine).await?;
    let mut version = 0;
    if !is_new {
        version = newest_version(engine).await?;
        if version > u64::from(schema::VERSION) {
            return Err(StoreError::Newer(format!(
                "the tables in the ClickHouse database {} have version {version}, and this program knows {}",
                engine.database(),
                schema::VERSION
            )));
        }
        // Statements for a whole cluster wait for hosts that are away.
        let is_current = layout.is_cluster()
            && version == u64::from(schema::VERSION)
            && engine.ask_number(CONTEXT, &schema::is_everywhere(layout), &none).await? > 0;
        if is_current {
            return Ok(());
        }
    }
    let database = schema::create_database(engine.database(), layout);
    engine.run_outside(CONTEXT, &database).await?;
    // The version comes last: a start that was interrupted is repeated as a whole.
    let rest = schema::upgrade(version, layout).into_iter().chain([schema::put_version()]);
    for statement in schema::migrate(version, layout).into_iter().chain(rest) {
        engine.run(CONTEXT, &statement, &none).await?;
    }
    Ok(())
}

/// Whether the tables are those of an older version. False if there are none.
pub async fn is_older(place: &ClickHousePlace, query_seconds: u64) -> Result<bool, StoreError> {
    let engine = Engine::new(place, query_seconds);
    if check_layout(&engine).await? {
        return Ok(false);
    }
    let found = newest_version(&engine).await?;
    Ok((1..u64::from(schema::VERSION)).contains(&found))
}

async fn newest_version(engine: &Engine) -> Result<u64, StoreError> {
    let sql = schema::newest_version(engine.layout());
    engine.ask_number(CONTEXT, &sql, &Params::default()).await
}

/// Whether there are no tables yet. An error if they are those of the other layout, since nothing is moved between both.
async fn check_layout(engine: &Engine) -> Result<bool, StoreError> {
    let database = engine.database();
    let engine_of = async |table| {
        let mut params = Params::default();
        let sql = schema::engine(database, table, &mut params);
        Ok::<_, StoreError>(engine.ask_outside(CONTEXT, &sql, &params).await?.pop())
    };
    let wanted = match engine.layout() {
        Layout::OneHost => None,
        Layout::Cluster { cluster, .. } => Some(cluster),
    };
    if let Some(cluster) = wanted {
        let known = engine.ask_outside(CONTEXT, schema::CLUSTERS, &Params::default()).await?;
        if !known.contains(cluster) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(StoreError::UnusablePath(format!(
                "ClickHouse's configuration has no cluster {cluster} (it has: {known}); name another one in `hits`"
            )));
        }
    }
    let Some(found) = engine_of("hits").await? else {
        return Ok(engine_of("versions").await?.is_none());
    };
    let made_for = found.strip_prefix("Distributed('").and_then(|rest| rest.split('\'').next());
    if made_for == wanted.map(String::as_str) {
        return Ok(false);
    }
    let (made, remedy) = match made_for {
        Some(cluster) => {
            (format!("of the cluster {cluster}"), format!("Add ?cluster={cluster} to its address"))
        }
        None => ("on one host".to_owned(), "Name it without ?cluster=".to_owned()),
    };
    Err(StoreError::UnusablePath(format!(
        "the tables of the ClickHouse database {database} are {made}. Nothing was changed. {remedy}, or name a new database; hits of the old \
         one are moved by way of files: `migrate --to files`, then `migrate --to clickhouse://...`"
    )))
}
