//! What several entrances do with projects: create one, delete one, register a migrating operator's key.

use std::net::IpAddr;

use analytics::hit::ProjectId;
use store::Erasure;
use store::meta::{Can, DashboardId, Key, NewProject, Project};

use crate::app::{App, Shared, random_bytes};
use crate::error::{ApiError, Code};

/// A project's name is a label on a page, not a text.
const NAME_CHARACTERS: usize = 100;

/// A new project with the secrets that are shown this once.
pub struct Created {
    pub project: Project,
    pub key: Key,
    pub dashboard_id: DashboardId,
}

/// For callers over HTTP: only where registration is open, and not without end.
pub async fn register_project(app: &App, name: &str, client: IpAddr) -> Result<Created, ApiError> {
    if !app.registration_is_open {
        return Err(ApiError::new(
            Code::RegistrationClosed,
            "projects are created by this server's operator, with `api-analytics project create`; \
             the setting `registration = \"open\"` lets everyone",
        ));
    }
    app.project_creations.take(client, app.clock.now_us()).map_err(|seconds| {
        ApiError::new(
            Code::TooManyProjects,
            format!("too many projects were created from this address; wait {seconds} s"),
        )
        .retry_after(seconds)
    })?;
    let new = NewProject { name: check_name(name)?, ..NewProject::default() };
    create_project(app, new, None, Can::Everything).await
}

/// For the operator. `key`: none for a new one.
pub async fn create_project(
    app: &App,
    new: NewProject,
    key: Option<Key>,
    can: Can,
) -> Result<Created, ApiError> {
    let key = key.map_or_else(new_key, Ok)?;
    let project = app.meta.create_project(new, &key, can, app.clock.now_us()).await?;
    let dashboard_id = app
        .meta
        .dashboard_id(project.id)
        .ok_or_else(|| ApiError::internal("creating a project", &"it is gone"))?;
    tracing::info!(project = project.id.0, "project created");
    Ok(Created { project, key, dashboard_id })
}

pub fn new_key() -> Result<Key, ApiError> {
    Ok(Key::from_random(
        random_bytes().map_err(|error| ApiError::internal("making a key", &error))?,
    ))
}

/// Trims it and takes out what does not show.
pub fn check_name(name: &str) -> Result<String, ApiError> {
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    let name = name.trim();
    if name.chars().count() > NAME_CHARACTERS {
        return Err(ApiError::new(
            Code::InvalidName,
            format!("`name` is longer than {NAME_CHARACTERS} characters"),
        ));
    }
    Ok(name.to_owned())
}

/// Returns once no file of the data folder holds anything of the project, with the number of hits that were erased.
/// Its keys stop working at once. Goes on to its end also where the caller goes away.
pub async fn delete_project(app: &Shared, project: ProjectId) -> Result<u64, ApiError> {
    let app = app.clone();
    let deleting = tokio::spawn(async move {
        app.meta.begin_delete(project).await?;
        let erased = app.store.erase(Erasure::Project(project)).await?;
        app.meta.finish_delete(project).await?;
        tracing::info!(project = project.0, erased, "project deleted");
        Ok(erased)
    });
    deleting.await.map_err(|error| ApiError::internal("deleting a project", &error))?
}

/// What every answer to a deletion adds, because it is beyond us.
pub const BACKUPS_REMAIN: &str = "copies in backups made before are the operator's to delete";
