//! `backup` and `restore`: the whole data folder.

use std::path::PathBuf;

use anyhow::{Context, bail};
use axum::http::Method;
use clap::ArgMatches;

use super::{operator, say};
use crate::app::{explain, store_options};
use crate::config::Settings;
use crate::control;

pub(super) async fn backup(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let folder = matches.get_one::<PathBuf>("folder").context("no folder")?;
    // The server may run in another directory than this command.
    let folder = std::path::absolute(folder)?;
    let into = serde_json::json!({ "folder": folder });
    let () = operator::ask(settings, Method::POST, "/backup", Some(&into)).await?;
    say(format!(
        "{} holds everything up to now, the server's secret too: keep it safe",
        folder.display()
    ))
}

pub(super) async fn restore(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let folder = matches.get_one::<PathBuf>("folder").context("no folder")?;
    let erasures = matches.get_one::<PathBuf>("erasures");
    if control::connect(&settings.data).await?.is_some() {
        bail!("a server holds {}; stop it first", settings.data.display());
    }
    let restored = store::restore(folder, store_options(settings), erasures.map(PathBuf::as_path))
        .await
        .map_err(explain)?;
    say(format!(
        "{} is restored from {}: {} hits, {} erasures made since the backup applied",
        settings.data.display(),
        folder.display(),
        restored.hits,
        restored.erasures
    ))?;
    match restored.replaced {
        Some(replaced) => {
            say(format!("the folder that was there before is now {}", replaced.display()))
        }
        None => Ok(()),
    }
}
