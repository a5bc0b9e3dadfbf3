//! Moves hits from the files of a data folder to ClickHouse (`there`) and back (`back`).
//!
//! They are read project by project in the order of their ids, page by page. A server may hold the folder in the first
//! runs, which move most hits; in the last one none does. Nothing of the folder changes until the answers of both sides
//! agree; then one transaction of the inbox says where the hits are from now on.

mod back;
mod bring;
mod compare;
mod making;
mod mark;
mod reach;
mod there;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope};

use crate::disk::io;
use crate::facts;
use crate::inbox::InboxFacts;
use crate::store::Store;
use crate::types::StoreError;
use crate::verdict::Found;

pub use back::{copy_hits_back, move_hits_back};
pub use there::{copy_hits, move_hits};

/// The data files, once the hits are elsewhere.
const MOVED: &str = "hits.moved";

#[derive(Debug)]
pub struct MovedHits {
    pub hits: u64,
    pub projects: usize,
    /// The data files that nobody reads any more; none for a move into files.
    pub old: Option<PathBuf>,
}

/// All hits of a project after this one, a page of them.
fn page_of(project: u32, after: Option<i64>) -> ArrivalQuery {
    period_page_of(project, Period::default(), after)
}

fn period_page_of(project: u32, period: Period, after: Option<i64>) -> ArrivalQuery {
    ArrivalQuery {
        scope: scope(project),
        period,
        filter: Filter::default(),
        after,
        up_to: None,
        offset: 0,
        limit: limits::MOVED_HITS as usize,
    }
}

fn scope(project: u32) -> ProjectScope {
    ProjectScope::granted(ProjectId(project), Filter::default())
}

/// Hits by project.
fn projects_of(store: &Store) -> BTreeMap<u32, u64> {
    let mut projects = BTreeMap::new();
    let Some(files) = store.duckdb() else { return projects };
    for entry in &files.files.now().entries {
        for (project, share) in entry.file.stats.load().iter().filter(|(_, share)| share.rows > 0) {
            *projects.entry(project.0).or_default() += share.rows;
        }
    }
    projects
}

/// Everything that waits is stored and erased. An erasure names hits by their texts, and finds them where they are.
async fn settle(store: &Store) -> Result<(), StoreError> {
    store.settle().await?;
    let shared = store.shared();
    shared.wait(shared.erased.wait_for_all(), || Ok(())).await
}

/// Held while hits are moved: a second command would move them too.
fn lock_move(data: &Path) -> Result<std::fs::File, StoreError> {
    let path = data.join("moving-hits.lock");
    let context = "locking the move";
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io(context))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::UnusablePath(
            "another command is moving the hits of this folder: wait until it has ended".into(),
        )),
        Err(std::fs::TryLockError::Error(problem)) => Err(io(context)(problem)),
    }
}

async fn look_at(data: &Path) -> Result<InboxFacts, StoreError> {
    let path = data.join("inbox.sqlite");
    match facts::look_at_inbox(&path, &data.join("hits")).await? {
        Found::Known(inbox) => Ok(inbox),
        _ => Err(StoreError::UnusablePath(format!(
            "{} has no hits yet: start a server with the place that you want",
            data.display()
        ))),
    }
}

/// An error unless everything up to the last record of the inbox, which is this one, is where hits are stored.
async fn check_unchanged(data: &Path, last_seq: u64) -> Result<(), StoreError> {
    let inbox = look_at(data).await?;
    let problem = match inbox.last_seq == last_seq {
        true if inbox.trimmed_to >= last_seq => return Ok(()),
        true => {
            "some hits wait in the inbox. Nothing was changed: start a server and look at /api/health"
        }
        false => {
            "a server has used the folder meanwhile. Nothing was changed: stop it, and begin again"
        }
    };
    Err(StoreError::UnusablePath(problem.to_owned()))
}

/// An error if this is there already, perhaps of an earlier move.
fn check_free(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let path = path.display();
    Err(StoreError::UnusablePath(format!(
        "{path} is there already: move it elsewhere, or delete it"
    )))
}
