//! `drain`: empties the folder of a stopped server into ClickHouse, so that its disk can be deleted.

use std::time::Duration;

use analytics::limits;
use anyhow::{Context, bail};
use store::Store;

use super::operator::Door;
use super::say;
use crate::config::Settings;

pub(super) async fn drain(settings: &Settings) -> anyhow::Result<()> {
    let data = settings.data.display();
    if settings.hits.is_none() {
        bail!(
            "the hits of {data} are in its own files: there is nowhere to put them. Nothing was changed"
        );
    }
    let door = Door::open(settings, false).await?;
    let Door::Folder { app, .. } = &door else {
        bail!("the server of {data} runs: stop it first, so that it takes no more hits");
    };
    let emptied = empty(&app.store).await;
    let left = match &emptied {
        Ok(()) => app.meta.leave().await.context("PostgreSQL cannot be told"),
        Err(_) => Ok(()),
    };
    let is_shared = app.meta.is_shared();
    door.close().await?;
    emptied?;
    left?;
    if !is_shared {
        return say(format!(
            "every hit of {data} is in ClickHouse. Keep the folder: its projects, keys and settings are nowhere else"
        ));
    }
    say(format!(
        "every hit of {data} is in ClickHouse, and the other servers no longer wait for it. The folder may be deleted; a server that is \
         started with it takes part again"
    ))
}

async fn empty(store: &Store) -> anyhow::Result<()> {
    let patience = Duration::from_secs(limits::DRAIN_FOLDER_SECONDS);
    let settled = tokio::time::timeout(patience, store.settle()).await;
    let stats = store.stats();
    if settled.is_ok_and(|settled| settled.is_ok()) && stats.erasures_pending == 0 {
        return Ok(());
    }
    bail!(
        "{} batches and {} erasures are not in ClickHouse yet: keep the folder, and run this again. {}",
        stats.inbox_records,
        stats.erasures_pending,
        stats.problems.join("; ")
    )
}
