//! The inbox's size, and each project's share of it: beyond half of the limit, projects share the rest fairly.
//!
//! Counted in epochs of 64 MB, so that memory does not grow with the number of records; an epoch is dropped when all of
//! its records are trimmed.

use std::collections::{HashMap, VecDeque};

use analytics::hit::ProjectId;
use analytics::limits;

#[derive(Debug, Default)]
pub struct Quotas {
    epochs: VecDeque<Epoch>,
    total: u64,
}

#[derive(Debug, Default)]
struct Epoch {
    last_seq: u64,
    bytes: u64,
    projects: HashMap<ProjectId, u64>,
}

impl Quotas {
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether this project may add as many bytes. `max`: the bytes that the inbox may hold.
    pub fn allows(&self, project: ProjectId, bytes: u64, max: u64) -> bool {
        if self.total + bytes > max {
            return false;
        }
        if self.total + bytes <= max / 2 {
            return true;
        }
        let mut held: HashMap<ProjectId, u64> = HashMap::new();
        for epoch in &self.epochs {
            for (&project, bytes) in &epoch.projects {
                *held.entry(project).or_default() += bytes;
            }
        }
        let own = held.get(&project).copied().unwrap_or(0);
        let sharers = (held.len() as u64 + u64::from(own == 0)).max(1);
        own + bytes <= max / sharers
    }

    /// `project`: none if it isn't known any more (records from before a restart).
    pub fn add(&mut self, seq: u64, project: Option<ProjectId>, bytes: u64) {
        if self.epochs.back().is_none_or(|epoch| epoch.bytes >= limits::SHARE_EPOCH_BYTES) {
            self.epochs.push_back(Epoch::default());
        }
        let epoch = self.epochs.back_mut().expect("just pushed");
        epoch.last_seq = seq;
        epoch.bytes += bytes;
        if let Some(project) = project {
            *epoch.projects.entry(project).or_default() += bytes;
        }
        self.total += bytes;
    }

    pub fn trim(&mut self, to: u64) {
        while self.epochs.front().is_some_and(|epoch| epoch.last_seq <= to) {
            self.total -= self.epochs.pop_front().map_or(0, |epoch| epoch.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ProjectId = ProjectId(1);
    const B: ProjectId = ProjectId(2);

    #[test]
    fn one_project_alone_may_fill_it_and_two_share_it() {
        let mut quotas = Quotas::default();
        quotas.add(1, Some(A), 60);
        assert!(quotas.allows(A, 40, 100), "nobody else wants it");
        assert!(!quotas.allows(A, 41, 100), "full is full");
        assert!(quotas.allows(B, 40, 100));
        quotas.add(2, Some(B), 10);
        assert!(!quotas.allows(A, 10, 100), "more than its half while another is there");
        assert!(quotas.allows(B, 30, 100));
        quotas.trim(1);
        assert_eq!(quotas.total(), 70, "an epoch goes only as a whole");
        quotas.trim(2);
        assert!(quotas.total() == 0 && quotas.allows(A, 100, 100));
    }
}
