//! From settings to the options of the store, and from its errors to advice for the operator.

use std::path::Path;
use std::time::Duration;

use analytics::limits;
use analytics::ranking::RankingLimits;
use analytics::tally::TallyLimits;
use anyhow::Context;
use store::meta::MetaError;
use store::{
    ClickHouseLimits, ClickHousePlace, DuckDbLimits, HitsPlace, MetaPlace, PostgresUrl,
    RouteLimits, StoreError, StoreLimits, StoreOptions,
};

use crate::config::Settings;

/// The store's options from the settings. An error if a password cannot be read.
pub fn store_options(settings: &Settings) -> anyhow::Result<StoreOptions> {
    let limit = |name: &str| settings.limits.get(name);
    let duckdb = DuckDbLimits {
        active_rows: limit("active_rows"),
        calm_rows: limit("calm_rows"),
        calm_s: limit("calm_seconds"),
        active_age_s: limit("active_age_seconds"),
        checkpoint_every_ms: limit("checkpoint_ms"),
        merge_at: limit("merge_at") as usize,
        merged_rows: limit("merged_rows"),
        merge_piece_rows: limit("merge_piece_rows"),
        merge_piece_text_bytes: limit("merge_piece_text_bytes"),
        merged_text_bytes: limit("merged_text_bytes"),
        engine_memory: limit("engine_memory_bytes"),
        reader_memory: limit("reader_memory_bytes"),
        builder_memory: limit("builder_memory_bytes"),
        rollup_from: limits::ROLLUP_FROM,
        rolled_up_from: limits::ROLLED_UP_FROM,
        slow_part_rows: limits::LIST_PART_ROWS,
    };
    let routes = RouteLimits {
        quiet: Duration::from_secs(limit("routes_quiet_seconds")),
        rewritten: Duration::from_secs(limit("routes_rewritten_seconds")),
    };
    let store_limits = StoreLimits {
        inbox_bytes: limit("inbox_bytes"),
        receipts: limit("receipts") as usize,
        query_seconds: limit("query_seconds"),
        tally: TallyLimits::default(),
        ranking: RankingLimits::default(),
        disk_free_percent: limit("disk_free_percent"),
        disk_free_bytes: limit("disk_free_bytes"),
        reserve_bytes: limit("reserve_bytes"),
        routes,
        duckdb,
        clickhouse: ClickHouseLimits::default(),
    };
    let meta = meta_place(settings.meta.as_ref(), settings.meta_password_file.as_deref())?;
    let password_file = settings.hits_password_file.as_deref();
    let hits = match &settings.hits {
        None => HitsPlace::Folder,
        Some(place) => HitsPlace::ClickHouse(clickhouse_place(place, password_file)?),
    };
    let options = StoreOptions::new(settings.data.clone(), store_limits);
    let (node, node_is_named) = (settings.node.unwrap_or(0), settings.node.is_some());
    Ok(StoreOptions { node, node_is_named, hits, meta, ..options })
}

fn read_password(setting: &str, file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("`{setting}`: {} cannot be read", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The database of hits with its password. An error if that cannot be read.
pub fn clickhouse_place(
    place: &ClickHousePlace,
    password_file: Option<&Path>,
) -> anyhow::Result<ClickHousePlace> {
    Ok(match password_file {
        None => place.clone(),
        Some(file) => place.clone().with_password(&read_password("hits_password_file", file)?),
    })
}

/// The database of projects. An error if the password cannot be read.
pub fn meta_place(
    url: Option<&PostgresUrl>,
    password_file: Option<&Path>,
) -> anyhow::Result<MetaPlace> {
    Ok(match (url, password_file) {
        (None, _) => MetaPlace::Folder,
        (Some(url), None) => MetaPlace::Postgres(url.clone()),
        (Some(url), Some(file)) => {
            let password = read_password("meta_password_file", file)?;
            MetaPlace::Postgres(url.clone().with_password(&password))
        }
    })
}

/// An error on opening the data folder with advice for the operator.
pub fn explain(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Locked(folder) => anyhow::anyhow!(
            "another server holds the data folder {}; stop it, or choose another folder with --data",
            folder.display()
        ),
        // Not the folder's fault.
        away @ StoreError::EngineAway { .. } => {
            anyhow::anyhow!("{away}. Start it, or see that `hits` is its address")
        }
        StoreError::ProjectFiles { context, cause } if is_of_database(&*cause) => {
            anyhow::anyhow!("{context}: {cause}")
        }
        other => anyhow::Error::new(other).context("the data folder cannot be opened"),
    }
}

fn is_of_database(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    cause.downcast_ref::<MetaError>().is_some_and(|error| {
        error.is_away() || matches!(error, MetaError::NotEmpty | MetaError::MovedWrong(_))
    })
}
