//! The identity of an inbox's data folder, and the number of its starts. `meta.sqlite` stores the same, so that a start
//! notices if one of the two was lost, replaced, or restored from an older copy (`verdict.rs` judges).

use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteConnection;

use super::dropped::Dropped;
use super::manifest::FileRow;
use super::state::{get_number, get_state, put_state};
use crate::types::StoreError;

/// Random, created with the folder.
pub type FolderId = [u8; 16];

/// A start writes `begun`, then the same number into `meta.sqlite`, then `done`. A crash leaves the three at most one
/// apart, in this order; anything else means an older copy of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub folder: FolderId,
    pub begun: u64,
    pub done: u64,
}

/// Facts of an inbox.
#[derive(Clone, Debug, Default)]
pub struct InboxFacts {
    /// None for an inbox from a version without identities.
    pub identity: Option<Identity>,
    pub highest_project: u32,
    /// The highest project number that `meta.sqlite` is known to have had.
    pub given_project: u32,
    /// The last seq in the file.
    pub last_seq: u64,
    /// Records up to here are in data files only.
    pub trimmed_to: u64,
    /// Its hits are in ClickHouse, and not in data files.
    pub is_in_clickhouse: bool,
    /// Not yet acknowledged by an operator.
    pub dropped: Vec<Dropped>,
    /// The manifest, each file with whether it exists.
    pub named: Vec<(FileRow, bool)>,
}

/// None for an inbox from a version without identities.
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

/// The highest project number ever reserved; 0 for none.
pub async fn highest_project(db: &mut SqliteConnection) -> Result<u32, StoreError> {
    Ok(get_number(db, "highest_project").await? as u32)
}

/// The highest project number that `meta.sqlite` was known to have; 0 for none.
pub async fn given_project(db: &mut SqliteConnection) -> Result<u32, StoreError> {
    Ok(get_number(db, "given_project").await? as u32)
}

/// Called before `meta.sqlite` creates the project. Never lowers it.
pub async fn raise_highest_project(
    db: &mut SqliteConnection,
    project: ProjectId,
) -> Result<(), StoreError> {
    raise(db, "highest_project", project).await
}

/// Called once `meta.sqlite` has the project. Never lowers it.
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
