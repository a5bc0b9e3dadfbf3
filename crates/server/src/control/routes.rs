//! The operator's subcommands, as routes. Both ends share these structs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::hit::ProjectId;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Response;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use store::meta::{Can, DashboardId, FILE, Key, KeyInfo, NewProject};
use store::{Progress, Unit};

use tokio::sync::mpsc;

use crate::app::SharedApp;
use crate::error::{ApiError, Code};
use crate::original::health::show_health;
use crate::pieces::to_rfc3339;
use crate::projects::{Created, check_name, create_project, delete_project, new_key};

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CreateProject {
    pub name: String,
    pub privacy_level: u8,
    /// None: the server's setting applies.
    pub keep_hits_days: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ProjectAnswer {
    pub project_id: u32,
    pub name: String,
    pub created_at: String,
    pub privacy_level: u8,
    pub keep_hits_days: Option<u32>,
    pub dashboard_id: Option<String>,
    pub last_hits_at: Option<String>,
    pub last_look_at: Option<String>,
    /// Reported as inactive: it will be erased.
    pub inactive: bool,
    pub deleting: bool,
    /// Only in the answer of its creation.
    pub key: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AddKey {
    /// None: a new project.
    pub project_id: Option<u32>,
    /// None: a new key.
    pub key: Option<String>,
    /// A dashboard id of the original, for a new project.
    pub user_id: Option<String>,
    pub name: String,
    pub ingest_only: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct KeyAnswer {
    pub key_id: i64,
    pub project_id: u32,
    pub prefix: String,
    pub can: String,
    pub created_at: String,
    pub revoked_at: Option<String>,
    pub last_used_at: Option<String>,
    /// Only in the answer of its creation.
    pub key: Option<String>,
}

#[derive(Deserialize)]
struct OfProject {
    project: Option<u32>,
}

#[derive(Deserialize)]
struct BackupInto {
    folder: PathBuf,
    /// Nothing but hits, as links if the file system can.
    #[serde(default)]
    hits_only: bool,
}

/// The routes, for the socket and for a command without a server.
pub fn router(app: SharedApp) -> Router {
    Router::new()
        .route("/projects", get(list_projects).post(post_project))
        .route("/projects/{id}", delete(remove_project))
        .route("/keys", get(list_keys).post(post_key))
        .route("/keys/{id}", delete(revoke_key))
        .route("/backup", post(post_backup))
        .route("/hits", get(count_hits))
        .route("/health", get(show_health))
        .with_state(app)
}

async fn list_projects(State(app): State<SharedApp>) -> Result<Json<Vec<ProjectAnswer>>, ApiError> {
    let mut answer = Vec::new();
    for project in app.meta.projects() {
        let last_hits_us = app.store.last_arrival(project.id).await?;
        answer.push(ProjectAnswer {
            project_id: project.id.0,
            name: project.name,
            created_at: to_rfc3339(project.created_us),
            privacy_level: project.privacy_level,
            keep_hits_days: project.keep_hits_days,
            dashboard_id: app.meta.dashboard_id(project.id).map(|id| id.to_string()),
            last_hits_at: last_hits_us.map(to_rfc3339),
            last_look_at: project.last_look_us.map(to_rfc3339),
            inactive: project.warned_day.is_some(),
            deleting: project.deleting,
            key: None,
        });
    }
    Ok(Json(answer))
}

async fn post_project(
    State(app): State<SharedApp>,
    Json(create): Json<CreateProject>,
) -> Result<Json<ProjectAnswer>, ApiError> {
    let new = NewProject {
        name: check_name(&create.name)?,
        privacy_level: create.privacy_level,
        keep_hits_days: create.keep_hits_days,
        user_id: None,
    };
    let Created { project, key, dashboard_id } =
        create_project(&app, new, None, Can::Everything).await?;
    Ok(Json(ProjectAnswer {
        project_id: project.id.0,
        name: project.name,
        created_at: to_rfc3339(project.created_us),
        privacy_level: project.privacy_level,
        keep_hits_days: project.keep_hits_days,
        dashboard_id: Some(dashboard_id.to_string()),
        last_hits_at: None,
        last_look_at: None,
        inactive: false,
        deleting: false,
        key: Some(key.to_string()),
    }))
}

async fn remove_project(
    State(app): State<SharedApp>,
    Path(id): Path<u32>,
) -> Result<Json<u64>, ApiError> {
    if app.meta.project(ProjectId(id)).is_none() {
        return Err(no_project(id));
    }
    Ok(Json(delete_project(&app, ProjectId(id)).await?))
}

async fn list_keys(
    State(app): State<SharedApp>,
    Query(of): Query<OfProject>,
) -> Result<Json<Vec<KeyAnswer>>, ApiError> {
    let keys = app.meta.keys(of.project.map(ProjectId)).await?;
    Ok(Json(keys.into_iter().map(|key| to_answer(key, None)).collect()))
}

async fn post_key(
    State(app): State<SharedApp>,
    Json(add): Json<AddKey>,
) -> Result<Json<KeyAnswer>, ApiError> {
    let key = match &add.key {
        None => new_key()?,
        Some(text) => Key::parse(text).ok_or_else(|| {
            ApiError::new(Code::InvalidParameter, "the key is not a UUID (32 hexadecimal digits)")
        })?,
    };
    let user_id = match &add.user_id {
        None => None,
        Some(text) => Some(DashboardId::parse(text).ok_or_else(|| {
            ApiError::new(
                Code::InvalidParameter,
                "the user id is not a UUID (32 hexadecimal digits)",
            )
        })?),
    };
    let can = if add.ingest_only { Can::Ingest } else { Can::Everything };
    let Some(project) = add.project_id else {
        let new = NewProject { name: check_name(&add.name)?, user_id, ..NewProject::default() };
        let created = create_project(&app, new, Some(key), can).await?;
        let keys = app.meta.keys(Some(created.project.id)).await?;
        let info = keys
            .into_iter()
            .next()
            .ok_or_else(|| ApiError::internal("adding a key", &"it is gone"))?;
        return Ok(Json(to_answer(info, Some(key))));
    };
    let info = app.meta.add_key(ProjectId(project), &key, can, app.clock.now_us()).await?;
    Ok(Json(to_answer(info.ok_or_else(|| no_project(project))?, Some(key))))
}

async fn revoke_key(
    State(app): State<SharedApp>,
    Path(id): Path<i64>,
) -> Result<Json<()>, ApiError> {
    if app.meta.revoke_key(id, app.clock.now_us()).await? {
        return Ok(Json(()));
    }
    Err(ApiError::new(
        Code::NotFound,
        format!("there is no key {id} that works; `api-analytics key list` shows them"),
    ))
}

/// A line of a backup's answer: its progress, and at the end its result.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupLine {
    /// A step and its bytes.
    Begin(String, u64),
    Advance(u64),
    Done,
    Failed(String),
}

/// Fills the folder, which the caller has created, and reports progress line by line. Hits first: a project created
/// meanwhile is merely empty in the copy. A caller that disconnects cancels it.
async fn post_backup(
    State(app): State<SharedApp>,
    Json(into): Json<BackupInto>,
) -> Result<Response<Body>, ApiError> {
    let (lines, receiver) = mpsc::unbounded_channel();
    let told = Arc::new(ProgressLines { lines, unsaid: AtomicU64::new(0) });
    tokio::spawn(async move {
        // The caller is the operator, who may read the cause.
        let filled = async {
            if into.hits_only {
                let linked = app.store.link(&into.folder, told.clone()).await;
                return linked.map_err(|error| format!("no copy: {error}"));
            }
            app.store
                .backup(&into.folder, told.clone())
                .await
                .map_err(|error| format!("no backup: {error}"))?;
            app.meta
                .backup(&into.folder.join(FILE))
                .await
                .map_err(|error| format!("no backup: {error}"))?;
            app.checks
                .backup(&into.folder.join(store::checks::FILE))
                .await
                .map_err(|error| format!("no backup: {error}"))?;
            Ok(())
        };
        let end = filled.await.map_or_else(BackupLine::Failed, |()| BackupLine::Done);
        let _ = told.lines.send(end);
    });
    let lines = stream::unfold(receiver, |mut receiver| async {
        let line = serde_json::to_string(&receiver.recv().await?).unwrap_or_default();
        Some((Ok::<_, std::convert::Infallible>(format!("{line}\n")), receiver))
    });
    Ok(Response::new(Body::from_stream(lines)))
}

/// The hits that are stored, those in the inbox left out.
async fn count_hits(State(app): State<SharedApp>) -> Json<u64> {
    Json(app.store.stats().rows)
}

/// Sends the progress of a backup to its caller.
struct ProgressLines {
    lines: mpsc::UnboundedSender<BackupLine>,
    /// Bytes not worth a line of their own yet.
    unsaid: AtomicU64,
}

impl Progress for ProgressLines {
    fn begin(&self, work: &str, total_bytes: u64, _: Unit) {
        let _ = self.lines.send(BackupLine::Begin(work.to_owned(), total_bytes));
    }

    fn advance(&self, bytes: u64) {
        const STEP: u64 = 4 << 20;
        let unsaid = self.unsaid.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unsaid >= STEP {
            self.unsaid.fetch_sub(unsaid, Ordering::Relaxed);
            let _ = self.lines.send(BackupLine::Advance(unsaid));
        }
    }

    fn is_cancelled(&self) -> bool {
        self.lines.is_closed()
    }
}

fn no_project(id: u32) -> ApiError {
    ApiError::new(
        Code::NotFound,
        format!("there is no project {id}; `api-analytics project list` shows them"),
    )
}

fn to_answer(key: KeyInfo, shown: Option<Key>) -> KeyAnswer {
    KeyAnswer {
        key_id: key.id,
        project_id: key.project.0,
        prefix: key.prefix,
        can: key.can.as_str().to_owned(),
        created_at: to_rfc3339(key.created_us),
        revoked_at: key.revoked_us.map(to_rfc3339),
        last_used_at: key.last_used_us.map(to_rfc3339),
        key: shown.map(|key| key.to_string()),
    }
}
