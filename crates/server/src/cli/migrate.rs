//! `migrate`: projects or hits to another place.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::http::Method;
use clap::ArgMatches;
use store::{ClickHousePlace, HitsPlace, MetaPlace, MovedHits, PostgresUrl};

use super::operator::{NOTHING, act_as_owner, ask};
use super::progress::Bar;
use super::say;
use crate::config::Settings;
use crate::control;
use crate::store_options::{clickhouse_place, explain, meta_place, store_options};

/// The exit code if all went well and the command must be run again.
const NOT_FINISHED: u8 = 3;

pub(super) async fn migrate(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data = &settings.data;
    let to = matches.get_one::<String>("to").context("no --to")?;
    if !data.exists() {
        bail!("there is no data in {}; which folder does the server use? (--data)", data.display());
    }
    let runs = control::connect(data).await?.is_some();
    match to.as_str() {
        "files" => return move_hits_back(settings, runs).await,
        url if url.starts_with("clickhouse:") => return move_hits(settings, url, runs).await,
        _ if runs => bail!("a server holds {}; stop it first", data.display()),
        to => move_projects(settings, to).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn move_projects(settings: &Settings, to: &str) -> anyhow::Result<()> {
    let data = &settings.data;
    let place = match to {
        "folder" => MetaPlace::Folder,
        url => {
            let url =
                PostgresUrl::parse(url).map_err(|problem| anyhow::anyhow!("--to: {problem}"))?;
            meta_place(Some(&url), settings.meta_password_file.as_deref())?
        }
    };
    let options = store_options(settings)?;
    if options.meta == place {
        bail!("that is where the projects are already");
    }
    act_as_owner(data)?;
    let moved = store::move_projects(options, place).await.map_err(explain)?;
    for (table, rows) in moved.iter().filter(|(_, rows)| *rows > 0) {
        say(format!("{table:<18} {rows:>8} rows"))?;
    }
    match to {
        "folder" => say(
            "Moved. Start the server without --meta from now on; delete the database when you no longer need it",
        ),
        url => say(format!(
            "Moved. Start the server with --meta {url} from now on. The old files are {}/meta.sqlite.moved, which holds the server's \
             secret, and monitors.sqlite.moved: delete them when you no longer need them",
            data.display()
        )),
    }
}

async fn move_hits(settings: &Settings, url: &str, runs: bool) -> anyhow::Result<ExitCode> {
    let data = &settings.data;
    let place =
        ClickHousePlace::parse(url).map_err(|problem| anyhow::anyhow!("--to: {problem}"))?;
    let place = clickhouse_place(&place, settings.hits_password_file.as_deref())?;
    let options = store_options(settings)?;
    if options.hits != HitsPlace::Folder {
        bail!(
            "without --hits: it says where the hits are, and those of the data folder can be moved"
        );
    }
    if runs {
        copy_folder(settings).await?;
    }
    act_as_owner(data)?;
    let bar = Arc::new(Bar::new());
    let moved = match runs {
        true => store::copy_hits(options, place, bar.clone()).await,
        false => store::move_hits(options, place, bar.clone()).await,
    };
    bar.finish();
    let moved = moved.map_err(explain)?;
    if runs {
        return not_finished(settings, &moved, "in ClickHouse", "its files").await;
    }
    say(format!(
        "Moved: {}. Start the server with --hits {url} from now on. The old files are in {}: an erasure does not \
         reach them, so delete them when you no longer need them",
        amount(&moved),
        moved.old.unwrap_or_default().display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the copy that hits are moved from while the server runs, unless a run that was stopped has made it.
async fn copy_folder(settings: &Settings) -> anyhow::Result<()> {
    let copy = settings.data.join(store::HITS_COPY);
    if !copy.exists() {
        super::data::make(settings, &copy, true).await?;
    }
    Ok(())
}

/// `there`: where the hits are. `writes_to`: what the server goes on with.
async fn not_finished(
    settings: &Settings,
    moved: &MovedHits,
    there: &str,
    writes_to: &str,
) -> anyhow::Result<ExitCode> {
    let since = match control::connect(&settings.data).await?.is_some() {
        true => {
            let hits: u64 = ask(settings, Method::GET, "/hits", NOTHING).await?;
            format!(" (about {} hits by now)", hits.saturating_sub(moved.hits))
        }
        false => String::new(),
    };
    say(format!(
        "Not finished yet: {} are {there}, and the server still writes to {writes_to}. Stop it and run this command again: it moves \
         only what has come since{since}, erases what was erased, and finishes. Run it again before, as often as you like, to have less \
         left then",
        amount(moved),
    ))?;
    Ok(ExitCode::from(NOT_FINISHED))
}

async fn move_hits_back(settings: &Settings, runs: bool) -> anyhow::Result<ExitCode> {
    let options = store_options(settings)?;
    if runs {
        // The inbox, which says what is in ClickHouse.
        let copy = settings.data.join(store::HITS_COPY);
        if copy.exists() {
            std::fs::remove_dir_all(&copy).context("the copy of an earlier run is in the way")?;
        }
        super::data::make(settings, &copy, true).await?;
    }
    act_as_owner(&settings.data)?;
    let bar = Arc::new(Bar::new());
    let moved = match runs {
        true => store::copy_hits_back(options, bar.clone()).await,
        false => store::move_hits_back(options, bar.clone()).await,
    };
    bar.finish();
    let moved = moved.map_err(explain)?;
    if runs {
        return not_finished(settings, &moved, "in files", "ClickHouse").await;
    }
    say(format!(
        "Moved: {}. Start the server without --hits from now on. The database is as it was: an erasure does not reach it, so drop it \
         when you no longer need it",
        amount(&moved)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn amount(moved: &MovedHits) -> String {
    match moved.projects {
        1 => format!("{} hits of one project", moved.hits),
        projects => format!("{} hits of {projects} projects", moved.hits),
    }
}
