//! How late requests arrive, per project, counted in memory from posts: it determines the delay of rules.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use analytics::alert::ArrivalLag;
use analytics::hit::ProjectId;

/// 60 bytes per project that has sent anything since the start.
#[derive(Default)]
pub struct Arrivals(Mutex<HashMap<ProjectId, ArrivalLag>>);

impl Arrivals {
    /// Notes a stored batch. `oldest_us`: the time of its oldest request.
    pub fn note(&self, project: ProjectId, oldest_us: i64, arrival_us: i64) {
        let mut lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lags.entry(project).or_default().note(arrival_us.saturating_sub(oldest_us), arrival_us);
    }

    /// How long before now a window of the project must end.
    pub fn delay_us(&self, project: ProjectId) -> i64 {
        let lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lags.get(&project).copied().unwrap_or_default().delay_us()
    }
}
