//! Moves hits from the files of a data folder to ClickHouse (`there`) and back (`back`), while no server holds the folder.
//!
//! They are read project by project in the order of their ids, page by page. Nothing of the folder changes until the
//! answers of both sides agree; then one transaction of the inbox says where the hits are from now on.

mod back;
mod compare;
mod there;

use std::path::{Path, PathBuf};

use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope};
use serde_json::{Value, json};

use crate::disk::io;
use crate::facts;
use crate::inbox::InboxFacts;
use crate::types::StoreError;
use crate::verdict::Found;

pub use back::move_hits_back;
pub use there::move_hits;

/// The data files, once the hits are elsewhere.
const MOVED: &str = "hits.moved";

#[derive(Debug)]
pub struct MovedHits {
    pub hits: u64,
    pub projects: usize,
    /// The data files that nobody reads any more; none for a move into files.
    pub old: Option<PathBuf>,
}

/// How far a move has come: all pages up to here are on the other side.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reached {
    project: u32,
    /// None: no page of the project.
    hit_id: Option<i64>,
    hits: u64,
    /// The hits of each file that is complete, in the order of their ids, which begin with 1.
    files: Vec<u64>,
}

impl Reached {
    /// None: no move has begun that `file` is the mark of, or another one. `of`: the other side and the folder's last
    /// record, as hits may have come or gone since.
    fn read(file: &Path, of: &str) -> Result<Option<Reached>, StoreError> {
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(file).map_err(io("reading how far a move has come"))?;
        let mark: Value = serde_json::from_str(&text).unwrap_or_default();
        if mark["of"] != of {
            return Ok(None);
        }
        Ok(Some(Reached {
            project: mark["project"].as_u64().unwrap_or(0) as u32,
            hit_id: mark["hit_id"].as_i64(),
            hits: mark["hits"].as_u64().unwrap_or(0),
            files: serde_json::from_value(mark["files"].clone()).unwrap_or_default(),
        }))
    }

    fn write(&self, file: &Path, of: &str) -> Result<(), StoreError> {
        let Reached { project, hit_id, hits, files } = self;
        let mark =
            json!({"of": of, "project": project, "hit_id": hit_id, "hits": hits, "files": files});
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, mark.to_string())
            .and_then(|()| std::fs::rename(&fresh, file))
            .map_err(io("noting how far the move has come"))
    }

    /// The last hit of this project that has been moved.
    fn in_project(&self, project: u32) -> Option<i64> {
        self.hit_id.filter(|_| self.project == project)
    }
}

/// All hits of a project after this one, a page of them.
fn page_of(project: u32, after: Option<i64>) -> ArrivalQuery {
    ArrivalQuery {
        scope: scope(project),
        period: Period::default(),
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
