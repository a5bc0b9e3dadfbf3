//! `backup`, `restore` and `repair`: the whole data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{Method, Response};
use clap::ArgMatches;
use http_body_util::BodyExt;
use store::{
    ClickHousePlace, HitsPlace, MetaPlace, MovedHits, Owner, PostgresUrl, Progress, Repaired, Unit,
};

use super::operator::{Door, act_as_before, act_as_owner, confirmed};
use super::progress::Bar;
use super::say;
use crate::config::Settings;
use crate::control::{self, BackupLine};
use crate::store_options::{clickhouse_place, explain, meta_place, store_options};

/// Fills a temporary folder and renames it as requested once it is complete, so that an interrupted one never looks
/// like a backup.
pub(super) async fn backup(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let folder = matches.get_one::<PathBuf>("folder").context("no folder")?;
    // The server may have another working directory than this command.
    let folder = std::path::absolute(folder)?;
    if folder.exists() {
        bail!("{} is there already: name a folder that is not", folder.display());
    }
    if !settings.data.exists() {
        bail!(
            "there is no data in {}; which folder does the server use? (--data)",
            settings.data.display()
        );
    }
    let making = with_suffix(&folder, ".partial");
    let owner = Owner::of(&settings.data)?;
    make_for(&making, &owner)?;
    let bar = Bar::new();
    let filled = fill(settings, &making, &bar).await;
    bar.finish();
    act_as_before()?;
    let named = filled.and_then(|()| {
        owner.give(&making)?;
        std::fs::rename(&making, &folder)
            .with_context(|| format!("{} cannot be named {}", making.display(), folder.display()))
    });
    if let Err(error) = named {
        let _ = std::fs::remove_dir_all(&making);
        return Err(error);
    }
    let holds = match folder.join(store::meta::FILE).exists() {
        true => "everything up to now, the server's secret too: keep it safe",
        false => {
            "the hits up to now, and nothing of the PostgreSQL database: back that up as well, after this"
        }
    };
    say(format!("{} holds {holds}", folder.display()))
}

async fn fill(settings: &Settings, folder: &Path, bar: &Bar) -> anyhow::Result<()> {
    let door = Door::open(settings, false).await?;
    let into = serde_json::json!({ "folder": folder });
    let response = door.send(Method::POST, "/backup", Some(&into)).await;
    let followed = match response {
        Ok(response) => follow(response, bar).await,
        Err(error) => Err(error),
    };
    door.close().await?;
    followed
}

/// Shows the progress until the end.
async fn follow(response: Response<Body>, bar: &Bar) -> anyhow::Result<()> {
    let mut body = response.into_body();
    let mut text: Vec<u8> = Vec::new();
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = super::progress::end_signal() => bail!("interrupted; no backup was made"),
        };
        let frame = frame.context("the server went away; no backup was made")??;
        let Ok(data) = frame.into_data() else { continue };
        text.extend_from_slice(&data);
        while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let line = serde_json::from_slice(&line)
                .context("the server's answer cannot be read; is it of another version?")?;
            match line {
                BackupLine::Begin(work, total_bytes) => bar.begin(&work, total_bytes, Unit::Bytes),
                BackupLine::Advance(bytes) => bar.advance(bytes),
                BackupLine::Done => return Ok(()),
                BackupLine::Failed(why) => bail!("{why}"),
            }
        }
    }
}

/// A new, empty folder that the owner of the data can write to: their server may be the one that fills it.
fn make_for(making: &Path, owner: &Owner) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let cannot = || format!("{} cannot be made", making.display());
    if making.exists() {
        // Left by a killed backup.
        std::fs::remove_dir_all(making).with_context(cannot)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(making).with_context(cannot)?;
    owner.give(making)?;
    Ok(())
}

fn with_suffix(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    folder.with_file_name(name)
}

pub(super) async fn restore(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let folder = matches.get_one::<PathBuf>("folder").context("no folder")?;
    let erasures = matches.get_one::<PathBuf>("erasures");
    if control::connect(&settings.data).await?.is_some() {
        bail!("a server holds {}; stop it first", settings.data.display());
    }
    let bar = Arc::new(Bar::new());
    let restoring = store::restore(
        folder,
        store_options(settings)?,
        erasures.map(PathBuf::as_path),
        bar.clone(),
    );
    let restored = restoring.await;
    bar.finish();
    let restored = restored.map_err(explain)?;
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

pub(super) async fn repair(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let data = &settings.data;
    if !data.exists() {
        bail!("there is no data in {}; which folder does the server use? (--data)", data.display());
    }
    if control::connect(data).await?.is_some() {
        bail!("a server holds {}; stop it first", data.display());
    }
    let Some(repair) = store::plan_repair(store_options(settings)?).await.map_err(explain)? else {
        return say(format!("{} is whole: there is nothing to repair", data.display()));
    };
    say("Found:")?;
    for found in &repair.found {
        say(format!("  {found}"))?;
    }
    say(format!(
        "Repair makes a whole folder of what can be read, and keeps everything that is there now in {}/repaired-TIME. What was \
         erased is erased again.",
        data.display()
    ))?;
    if !matches.get_flag("yes") && !confirmed(&format!("Repair {}?", data.display()))? {
        bail!("nothing was changed");
    }
    let bar = Arc::new(Bar::new());
    let done = repair.carry_out(bar.clone()).await;
    bar.finish();
    say_repaired(data, &done.map_err(explain)?)
}

pub(super) async fn migrate(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let data = &settings.data;
    let to = matches.get_one::<String>("to").context("no --to")?;
    if !data.exists() {
        bail!("there is no data in {}; which folder does the server use? (--data)", data.display());
    }
    if control::connect(data).await?.is_some() {
        bail!("a server holds {}; stop it first", data.display());
    }
    let place = match to.as_str() {
        "folder" => MetaPlace::Folder,
        "files" => return move_hits_back(settings).await,
        url if url.starts_with("clickhouse:") => return move_hits(settings, url).await,
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
    match to.as_str() {
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

async fn move_hits(settings: &Settings, url: &str) -> anyhow::Result<()> {
    let place =
        ClickHousePlace::parse(url).map_err(|problem| anyhow::anyhow!("--to: {problem}"))?;
    let place = clickhouse_place(&place, settings.hits_password_file.as_deref())?;
    let options = store_options(settings)?;
    if options.hits != HitsPlace::Folder {
        bail!(
            "without --hits: it says where the hits are, and those of the data folder can be moved"
        );
    }
    act_as_owner(&settings.data)?;
    let bar = Arc::new(Bar::new());
    let moved = store::move_hits(options, place, bar.clone()).await;
    bar.finish();
    let moved = moved.map_err(explain)?;
    say(format!(
        "Moved: {}. Start the server with --hits {url} from now on. The old files are in {}: an erasure does not \
         reach them, so delete them when you no longer need them",
        amount(&moved),
        moved.old.unwrap_or_default().display()
    ))
}

async fn move_hits_back(settings: &Settings) -> anyhow::Result<()> {
    act_as_owner(&settings.data)?;
    let bar = Arc::new(Bar::new());
    let moved = store::move_hits_back(store_options(settings)?, bar.clone()).await;
    bar.finish();
    let moved = moved.map_err(explain)?;
    say(format!(
        "Moved: {}. Start the server without --hits from now on. The database is as it was: an erasure does not reach it, so drop it \
         when you no longer need it",
        amount(&moved)
    ))
}

fn amount(moved: &MovedHits) -> String {
    match moved.projects {
        1 => format!("{} hits of one project", moved.hits),
        projects => format!("{} hits of {projects} projects", moved.hits),
    }
}

fn say_repaired(data: &Path, done: &Repaired) -> anyhow::Result<()> {
    say(format!(
        "{} is repaired: {} hits in {} data files",
        data.display(),
        done.hits,
        done.data_files
    ))?;
    match done.missing.as_slice() {
        [] => say(format!("Every record up to {} is in a file.", done.last_seq))?,
        missing => {
            say("Records that are in no file (their hits are lost, or were erased before):")?;
            for (first, last) in missing {
                say(match first == last {
                    true => format!("  record {first}"),
                    false => format!("  records {first} to {last}"),
                })?;
            }
        }
    }
    for file in &done.unreadable {
        say(format!("Left out, because it cannot be read: {file}"))?;
    }
    for project in &done.recovered {
        say(format!(
            "Project {0} has hits and stood in no table: it is \"Recovered project {0}\" now. To open it:  api-analytics key add \
             --data {1} --project {0}",
            project.0,
            data.display()
        ))?;
    }
    for note in &done.notes {
        say(format!("Note: {note}"))?;
    }
    say(format!(
        "What was there before is kept in {}, and deleted after {} days while all is well, or by an erasure that concerns it.",
        done.aside.display(),
        analytics::limits::SET_ASIDE_DAYS
    ))
}
