//! `project` and `key`: answered by the running server, or from the data folder if none runs.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{Method, Request, Response};
use clap::ArgMatches;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::say;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Settings;
use crate::control::{self, AddKey, CreateProject, KeyAnswer, ProjectAnswer};

pub(super) async fn project(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("create", matches)) => {
            let create = CreateProject {
                name: matches.get_one::<String>("name").cloned().unwrap_or_default(),
                privacy_level: matches.get_one::<u8>("privacy-level").copied().unwrap_or_default(),
                keep_hits_days: matches.get_one::<u32>("keep-hits-days").copied(),
            };
            let made: ProjectAnswer =
                ask_or_create(settings, Method::POST, "/projects", Some(&create)).await?;
            say(format!("project       {}", made.project_id))?;
            say(format!("key           {}", made.key.unwrap_or_default()))?;
            say(format!("dashboard id  {}", made.dashboard_id.unwrap_or_default()))?;
            say("This key is shown only once. Give your app an ingest-only key:")?;
            say(format!(
                "  api-analytics key add --data {} --project {} --ingest-only",
                settings.data.display(),
                made.project_id
            ))
        }
        Some(("list", _)) => {
            let projects: Vec<ProjectAnswer> =
                ask(settings, Method::GET, "/projects", NOTHING).await?;
            say(format!(
                "{:>6}  {:<24}  {:<20}  {:<20}  state",
                "id", "name", "created", "last hits"
            ))?;
            for project in projects {
                let state = match (project.deleting, project.inactive) {
                    (true, _) => "being deleted",
                    (_, true) => "inactive, will be erased",
                    _ => "",
                };
                say(format!(
                    "{:>6}  {:<24}  {:<20}  {:<20}  {state}",
                    project.project_id,
                    project.name,
                    whole_seconds(&project.created_at),
                    project
                        .last_hits_at
                        .as_deref()
                        .map_or_else(|| "never".to_owned(), whole_seconds),
                ))?;
            }
            Ok(())
        }
        Some(("delete", matches)) => {
            let id = matches.get_one::<u32>("id").copied().unwrap_or_default();
            if !matches.get_flag("yes")
                && !confirmed(&format!("Delete project {id} with all its hits and keys?"))?
            {
                bail!("nothing was deleted");
            }
            let erased: u64 =
                ask(settings, Method::DELETE, &format!("/projects/{id}"), NOTHING).await?;
            say(format!(
                "project {id} is deleted, {erased} hits erased; {}",
                crate::projects::BACKUPS_REMAIN
            ))
        }
        _ => Ok(()),
    }
}

pub(super) async fn key(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("add", matches)) => {
            let add = AddKey {
                project_id: matches.get_one::<u32>("project").copied(),
                key: matches.get_one::<String>("key").cloned(),
                user_id: None,
                name: matches.get_one::<String>("name").cloned().unwrap_or_default(),
                ingest_only: matches.get_flag("ingest-only"),
            };
            if let Some(file) = matches.get_one::<PathBuf>("file") {
                return register_file(settings, file, add).await;
            }
            let was_given = add.key.is_some();
            let added: KeyAnswer =
                ask_or_create(settings, Method::POST, "/keys", Some(&add)).await?;
            say(format!("key id   {}", added.key_id))?;
            say(format!("project  {}", added.project_id))?;
            if !was_given {
                say(format!("key      {}    (shown only once)", added.key.unwrap_or_default()))?;
            }
            Ok(())
        }
        Some(("list", matches)) => {
            let of = matches
                .get_one::<u32>("project")
                .map(|project| format!("?project={project}"))
                .unwrap_or_default();
            let keys: Vec<KeyAnswer> =
                ask(settings, Method::GET, &format!("/keys{of}"), NOTHING).await?;
            say(format!(
                "{:>6}  {:>7}  {:<9}  {:<10}  {:<20}  {:<20}  state",
                "id", "project", "key", "may do", "created", "last used"
            ))?;
            for key in keys {
                say(format!(
                    "{:>6}  {:>7}  {:<9}  {:<10}  {:<20}  {:<20}  {}",
                    key.key_id,
                    key.project_id,
                    format!("{}...", key.prefix),
                    key.can,
                    whole_seconds(&key.created_at),
                    key.last_used_at.as_deref().map_or_else(|| "never".to_owned(), whole_seconds),
                    if key.revoked_at.is_some() { "revoked" } else { "" },
                ))?;
            }
            Ok(())
        }
        Some(("revoke", matches)) => {
            let id = matches.get_one::<i64>("id").copied().unwrap_or_default();
            let () = ask(settings, Method::DELETE, &format!("/keys/{id}"), NOTHING).await?;
            say(format!("key {id} is revoked"))
        }
        _ => Ok(()),
    }
}

/// Tries every line; reports failures by line number, never by key.
async fn register_file(
    settings: &Settings,
    file: &PathBuf,
    template: AddKey,
) -> anyhow::Result<()> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
    } else {
        std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?
    };
    let door = Door::open(settings, true).await?;
    let (mut registered, mut failed) = (0, 0);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, user_id) =
            line.split_once(',').map_or((line, None), |(key, user_id)| (key, Some(user_id.trim())));
        let add = AddKey {
            project_id: None,
            key: Some(key.trim().to_owned()),
            user_id: user_id.filter(|id| !id.is_empty()).map(str::to_owned),
            name: template.name.clone(),
            ingest_only: template.ingest_only,
        };
        match door.ask::<KeyAnswer>(Method::POST, "/keys", Some(&add)).await {
            Ok(added) => {
                registered += 1;
                say(format!(
                    "line {}: {}... is project {}",
                    index + 1,
                    added.prefix,
                    added.project_id
                ))?;
            }
            Err(error) => {
                failed += 1;
                say(format!("line {}: not registered: {error:#}", index + 1))?;
            }
        }
    }
    door.close().await?;
    say(format!("{registered} registered, {failed} not"))?;
    if failed > 0 {
        bail!("{failed} lines could not be registered");
    }
    Ok(())
}

pub(super) const NOTHING: Option<&()> = None;

/// If root runs the command on another user's folder, it continues as that user: files created by root in it would keep
/// that user's server from starting.
pub(super) fn act_as_owner(data: &Path) -> anyhow::Result<()> {
    use nix::unistd::{Gid, Uid, geteuid, setegid, seteuid, setgroups};
    if !geteuid().is_root() || !data.exists() {
        return Ok(());
    }
    let owner = store::Owner::of(data)?;
    if owner.uid == 0 {
        return Ok(());
    }
    let context = || format!("cannot go on as user {}, who owns {}", owner.uid, data.display());
    setgroups(&[]).and_then(|()| setegid(Gid::from_raw(owner.gid))).with_context(context)?;
    seteuid(Uid::from_raw(owner.uid)).with_context(context)
}

/// Becomes root again after `act_as_owner`.
pub(super) fn act_as_before() -> anyhow::Result<()> {
    use nix::unistd::{getgid, getuid, setegid, seteuid};
    seteuid(getuid()).and_then(|()| setegid(getgid())).context("cannot go on as before")
}

/// Sends one request to an existing data folder.
pub(super) async fn ask<T: DeserializeOwned>(
    settings: &Settings,
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> anyhow::Result<T> {
    ask_once(settings, method, path, body, false).await
}

/// Sends one request to a data folder that it may create.
async fn ask_or_create<T: DeserializeOwned>(
    settings: &Settings,
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> anyhow::Result<T> {
    ask_once(settings, method, path, body, true).await
}

async fn ask_once<T: DeserializeOwned>(
    settings: &Settings,
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
    may_create: bool,
) -> anyhow::Result<T> {
    let door = Door::open(settings, may_create).await?;
    let answer = door.ask(method, path, body).await;
    door.close().await?;
    answer
}

/// The place to send requests to.
pub(super) enum Door<'a> {
    Server(&'a Settings),
    /// No server runs: this process is it for a moment.
    Folder {
        app: crate::app::SharedApp,
        router: Box<axum::Router>,
    },
}

impl Door<'_> {
    pub(super) async fn open(settings: &Settings, may_create: bool) -> anyhow::Result<Door<'_>> {
        let data = settings.data.display();
        let server = control::connect(&settings.data).await;
        if server
            .with_context(|| format!("the server of {data} cannot be asked; are you its user?"))?
            .is_some()
        {
            return Ok(Door::Server(settings));
        }
        let is_there =
            [store::INBOX, store::meta::FILE].iter().any(|name| settings.data.join(name).exists());
        if !is_there && !may_create {
            bail!("there is no data in {data}; which folder does the server use? (--data)");
        }
        // The server's folder is most likely elsewhere: nobody would ever see what is created here.
        if !is_there && !settings.data_is_named {
            bail!(
                "there is no data in {data}; name the server's folder with --data, or --data {data} to begin a new one here"
            );
        }
        act_as_owner(&settings.data)?;
        let app = App::open(settings.clone(), Clock::system(), &[]).await?;
        if !is_there {
            say(format!("{data} is a new data folder"))?;
        }
        Ok(Door::Folder { router: Box::new(control::router(app.clone())), app })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<T> {
        let response = self.send(method, path, body).await?;
        let bytes = response.into_body().collect().await?.to_bytes();
        serde_json::from_slice(&bytes)
            .context("the server's answer cannot be read; is it of another version?")
    }

    /// The answer before its body is read, or its error.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Response<Body>> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Body::from(body))?;
        let response: Response<Body> = match self {
            Door::Server(settings) => {
                let stream =
                    control::connect(&settings.data).await?.context("the server went away")?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
                    .send_request(request)
                    .await
                    .context("the server gave no answer")?
                    .map(Body::new)
            }
            Door::Folder { router, .. } => router.as_ref().clone().oneshot(request).await?,
        };
        if !response.status().is_success() {
            let bytes = response.into_body().collect().await?.to_bytes();
            let error: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            bail!("{}", error["message"].as_str().unwrap_or("the server refused"));
        }
        Ok(response)
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self {
            Door::Server(_) => Ok(()),
            Door::Folder { app, .. } => app.close().await,
        }
    }
}

pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{question} Say so with --yes");
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// `2026-11-22T07:25:10.887565Z` without its fraction.
fn whole_seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(whole, _)| format!("{whole}Z"))
}
