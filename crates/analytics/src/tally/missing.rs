//! The rows that an answer shows and whose sums a file's rollups lack: a second scan of the file's hits finds them.

use super::Needs;
use super::endpoints::Pair;
use super::subset::Subset;
use crate::hit::TextKind;

/// The parts of the shown rows that a file's sums lack.
#[derive(Clone, Debug, Default)]
pub struct MissingDetails {
    pub sums: Vec<(TextKind, u32, u64)>,
    pub durations: Vec<(TextKind, u32, u64)>,
    pub endpoints: Vec<(Pair, u64)>,
}

impl MissingDetails {
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty() && self.durations.is_empty() && self.endpoints.is_empty()
    }

    /// The needs of the second scan.
    pub fn needs(&self, of_query: Needs) -> Needs {
        let mut needs = Needs::default();
        if !self.sums.is_empty() {
            needs |= Needs::CONSUMERS;
        }
        if !self.durations.is_empty() {
            needs |= Needs::CONSUMERS | Needs::CONSUMER_LATENCY;
        }
        if !self.endpoints.is_empty() {
            needs |= Needs::ENDPOINTS | of_query.only(Needs::TRAFFIC);
        }
        needs
    }

    pub fn subset(&self) -> Subset {
        let mut subset = Subset::default();
        for (kind, id, _) in self.sums.iter().chain(&self.durations) {
            subset.put_consumer(*kind, *id);
        }
        self.endpoints.iter().for_each(|(pair, _)| subset.put_endpoint(*pair));
        subset
    }
}
