//! Makes the tables, or brings them up to date. Several nodes may do it at once: each statement does nothing where its
//! work is done.

use super::engine::{ClickHouseOptions, Engine};
use super::sql::params::Params;
use super::sql::schema;
use crate::types::StoreError;

pub async fn migrate(engine: &Engine, options: &ClickHouseOptions) -> Result<(), StoreError> {
    let context = "preparing the tables in ClickHouse";
    let none = Params::default();
    engine.run_outside(context, &schema::create_database(&options.database)).await?;
    if engine.ask_number(context, schema::HAS_VERSIONS, &none).await? > 0 {
        let version = engine.ask_number(context, schema::NEWEST_VERSION, &none).await?;
        if version > u64::from(schema::VERSION) {
            return Err(StoreError::Newer(format!(
                "the tables in the ClickHouse database {} have version {version}, and this program knows {}",
                options.database,
                schema::VERSION
            )));
        }
    }
    for statement in schema::migrate() {
        engine.run(context, &statement, &none).await?;
    }
    Ok(())
}
