//! Statistics of a data file per project: the number of hits, and the range of their times and ids.

use std::collections::HashMap;

use analytics::hit::ProjectId;

/// The hits of one project in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectStats {
    pub rows: u64,
    pub min_time_us: i64,
    pub max_time_us: i64,
    pub min_hit_id: i64,
    pub max_hit_id: i64,
    /// There are so many consumers that the file's rollups hold only the busiest.
    pub consumers_listed: bool,
}

/// By project.
pub type FileStats = HashMap<ProjectId, ProjectStats>;

impl ProjectStats {
    pub fn add(&mut self, time_us: i64, hit_id: i64) {
        self.rows += 1;
        self.min_time_us = self.min_time_us.min(time_us);
        self.max_time_us = self.max_time_us.max(time_us);
        self.min_hit_id = self.min_hit_id.min(hit_id);
        self.max_hit_id = self.max_hit_id.max(hit_id);
    }

    pub fn none() -> ProjectStats {
        ProjectStats {
            rows: 0,
            min_time_us: i64::MAX,
            max_time_us: i64::MIN,
            min_hit_id: i64::MAX,
            max_hit_id: i64::MIN,
            consumers_listed: false,
        }
    }
}
