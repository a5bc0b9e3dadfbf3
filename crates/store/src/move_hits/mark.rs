//! How far a move to ClickHouse has come, in a file of the data folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::io;
use crate::types::StoreError;

/// In the data folder. Without it what the database has is nobody's, and another, empty one must be named.
const FILE: &str = "moving-hits.json";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// The folder and the place that it moves to.
    pub of: String,
    /// All hits of records up to this one are there.
    pub done: u64,
    /// Those up to this one are being moved.
    pub goal: u64,
    /// Erasures up to this record have been carried out there.
    pub erased: u64,
    /// The hits that pages are read from. Others may have other pages.
    pub source: String,
    /// Counts the sources, and what is inserted again: a page is inserted once in each turn.
    pub turn: u64,
    /// The project that is being moved, and its last hit that has arrived.
    pub project: u32,
    pub hit_id: Option<i64>,
    /// The first and last hit of the page that is being inserted.
    pub inserting: Option<(i64, i64)>,
}

impl Mark {
    pub fn file(data: &Path) -> PathBuf {
        data.join(FILE)
    }

    /// None if no move has begun, or one to another place.
    pub fn read(data: &Path, of: &str) -> Result<Option<Mark>, StoreError> {
        let file = Mark::file(data);
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file).map_err(io("reading how far a move has come"))?;
        let mark: Mark = serde_json::from_str(&text).unwrap_or_default();
        Ok((mark.of == of).then_some(mark))
    }

    pub fn write(&self, data: &Path) -> Result<(), StoreError> {
        let (file, text) = (Mark::file(data), serde_json::to_string(self).unwrap_or_default());
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, &file))
            .map_err(io("noting how far the move has come"))
    }

    /// All pages of the pass have arrived.
    pub fn end_pass(&mut self) {
        self.done = self.goal;
        self.begin_pass(self.goal);
    }

    pub fn begin_pass(&mut self, goal: u64) {
        self.goal = goal;
        (self.project, self.hit_id, self.inserting) = (0, None, None);
    }

    /// The last hit of this project that has been moved in this pass.
    pub fn in_project(&self, project: u32) -> Option<i64> {
        self.hit_id.filter(|_| self.project == project)
    }
}
