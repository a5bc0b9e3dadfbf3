//! A batch of accepted, enriched hits and the texts they share: what goes into the inbox.

use std::sync::Arc;

use crate::hit::{Hit, TextKind};
use crate::text_list::TextList;

/// Facts that a user agent states. Empty if it states none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AgentTraits {
    /// "Chrome", "python-httpx", "curl" ...
    pub client: String,
    /// "Windows", "iOS" ...
    pub os: String,
    /// "desktop", "mobile", "tablet", "bot", "library" or "".
    pub device: String,
}

/// The texts of one batch. Index 0 of every kind is `""`, "none".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dictionary {
    pub texts: [TextList; TextKind::COUNT],
    /// Parallel to `texts[TextKind::Agent]`; shared with all batches that name the same agent.
    pub agents: Vec<Arc<AgentTraits>>,
    /// Parallel to `texts[TextKind::Path]`: "v1" if the path has an API version, else "".
    pub versions: TextList,
}

impl Default for Dictionary {
    fn default() -> Self {
        Dictionary {
            texts: Default::default(),
            agents: vec![Arc::default()],
            versions: TextList::default(),
        }
    }
}

/// Hits of one project that arrived together, decoded, bounded and enriched. Holds nothing above the project's privacy
/// level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// When the server read it, microseconds since 1970.
    pub arrival_us: i64,
    pub dictionary: Dictionary,
    pub hits: Vec<Hit>,
    /// A hash over every field of each hit (parallel to `hits`), set only if the batch is from a published client that
    /// posts the same hits again (Node's, without `batch_id`); else empty. The inbox drops hits that it has counted
    /// before.
    pub repeat_hashes: Vec<u64>,
}

impl Batch {
    pub fn text(&self, hit: &Hit, kind: TextKind) -> &str {
        &self.dictionary.texts[kind as usize][hit.text(kind) as usize]
    }
}
