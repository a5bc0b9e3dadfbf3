//! Messages between the tails of servers that share a database. They have numbers alone: no text of a hit takes this
//! way, so nothing in it has to be erased.

use analytics::hit::ProjectId;
use serde::{Deserialize, Serialize};

use super::stored::StoredHits;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The server that says it.
    pub node: u8,
    pub says: Says,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// These projects have watchers there; repeated while they have.
    Wants {
        projects: Vec<u32>,
        /// It asks for `Begins`: some of them had none until now.
        asks: bool,
    },
    /// Hits of later records of these projects are told from here on.
    Begins { to: u8, after_seq: u64, projects: Vec<u32> },
    /// Hits that ClickHouse has now. Everything up to the record was told.
    Stored { up_to: u64, hits: Vec<StoredHits> },
    /// Hits of the project were erased: those that wait for watchers must not be shown.
    Erased { number: u64, project: u32 },
    /// The answer to that.
    Forgot { to: u8, number: u64 },
}

impl Message {
    pub fn to_text(&self) -> String {
        // Numbers and short names are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// None: a newer server says something that this one does not know.
    pub fn parse(text: &str) -> Option<Message> {
        serde_json::from_str(text).ok()
    }
}

pub fn numbers(projects: impl IntoIterator<Item = ProjectId>) -> Vec<u32> {
    projects.into_iter().map(|project| project.0).collect()
}
