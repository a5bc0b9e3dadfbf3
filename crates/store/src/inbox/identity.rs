//! Which data folder an inbox belongs to, and how often that was started. `meta.sqlite` carries the same, so that a start
//! notices when one of the two was lost, replaced, or put back from an older copy (`verdict.rs` judges).

use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteConnection;

use super::dropped::Dropped;
use super::manifest::FileRow;
use super::state::{get_number, get_state, put_state};
use crate::types::StoreError;

/// Random, made with the folder.
pub type FolderId = [u8; 16];

/// A start writes `begun`, then the same number into `meta.sqlite`, then `done`. A crash leaves the three at most one apart,
/// in this order; anything else is an older copy of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub folder: FolderId,
    pub begun: u64,
    pub done: u64,
}

/// What a look at an inbox finds.
#[derive(Clone, Debug, Default)]
pub struct InboxFacts {
    /// None for an inbox of a version that had none yet.
    pub identity: Option<Identity>,
    pub highest_project: u32,
    /// As far as `meta.sqlite` is known to have had them.
    pub given_project: u32,
    /// The last seq that it knows of.
    pub last_seq: u64,
    /// Records up to here are in data files only.
    pub trimmed_to: u64,
    /// Nobody has taken note of them.
    pub dropped: Vec<Dropped>,
    /// The manifest, each file with whether it is there.
    pub named: Vec<(FileRow, bool)>,
}

/// None for an inbox of a version that had no identity yet.
pub async fn read(db: &mut SqliteConnection) -> Result<Option<Identity>, StoreError> {
    let Some(folder) = get_state(db, "folder").await? else { return Ok(None) };
    let folder = folder
        .try_into()
        .map_err(|_| StoreError::Damaged("the inbox's folder id is broken".into()))?;
    let begun = get_number(db, "starts_begun").await?;
    let done = get_number(db, "starts_done").await?;
    Ok(Some(Identity { folder, begun, done }))
}

pub async fn write(db: &mut SqliteConnection, identity: &Identity) -> Result<(), StoreError> {
    // The counters first: an inbox with an id always has them.
    put_state(db, "starts_begun", &identity.begun.to_le_bytes()).await?;
    put_state(db, "starts_done", &identity.done.to_le_bytes()).await?;
    put_state(db, "folder", &identity.folder).await
}

/// The highest project number that was ever reserved; 0 where none was.
pub async fn highest_project(db: &mut SqliteConnection) -> Result<u32, StoreError> {
    Ok(get_number(db, "highest_project").await? as u32)
}

/// The highest project number that `meta.sqlite` was known to have; 0 where none was.
pub async fn given_project(db: &mut SqliteConnection) -> Result<u32, StoreError> {
    Ok(get_number(db, "given_project").await? as u32)
}

/// Before `meta.sqlite` makes the project. Never lowers it.
pub async fn raise_highest_project(
    db: &mut SqliteConnection,
    project: ProjectId,
) -> Result<(), StoreError> {
    raise(db, "highest_project", project).await
}

/// Once `meta.sqlite` has the project. Never lowers it.
pub async fn raise_given_project(
    db: &mut SqliteConnection,
    project: ProjectId,
) -> Result<(), StoreError> {
    raise(db, "given_project", project).await
}

async fn raise(
    db: &mut SqliteConnection,
    name: &str,
    project: ProjectId,
) -> Result<(), StoreError> {
    let project = u64::from(project.0);
    if project <= get_number(db, name).await? {
        return Ok(());
    }
    put_state(db, name, &project.to_le_bytes()).await
}
