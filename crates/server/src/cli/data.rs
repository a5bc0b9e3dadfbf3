//! `backup`, `restore` and `repair`: the whole data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{Method, Response};
use clap::ArgMatches;
use http_body_util::BodyExt;
use store::{Owner, Progress, Repaired, Unit};

use super::operator::{Door, act_as_before, confirmed};
use super::progress::Bar;
use super::say;
use crate::config::Settings;
use crate::control::{self, BackupLine};
use crate::store_options::{explain, store_options};

/// Fills a temporary folder and renames it as requested once it is complete, so that an interrupted one never looks
/// like a backup.
pub(super) async fn backup(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let folder = matches.get_one::<PathBuf>("folder").context("no folder")?;
    let folder = make(settings, folder, false).await?;
    let holds = match folder.join(store::meta::FILE).exists() {
        true => "everything up to now, the server's secret too: keep it safe",
        false => {
            "the hits up to now, and nothing of the PostgreSQL database: back that up as well, after this"
        }
    };
    say(format!("{} holds {holds}", folder.display()))
}

/// Returns the absolute path. `hits_only`: without projects, and with links if the file system can.
pub(super) async fn make(
    settings: &Settings,
    folder: &Path,
    hits_only: bool,
) -> anyhow::Result<PathBuf> {
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
    let filled = fill(settings, &making, hits_only, &bar).await;
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
    Ok(folder)
}

async fn fill(
    settings: &Settings,
    folder: &Path,
    hits_only: bool,
    bar: &Bar,
) -> anyhow::Result<()> {
    let door = Door::open(settings, false).await?;
    let into = serde_json::json!({ "folder": folder, "hits_only": hits_only });
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
