//! Circumstances outside of a monitor that decide how its result counts: planned maintenance, and its parent.

use std::collections::HashMap;

use analytics::hit::ProjectId;
use analytics::incident::Circumstances;
use analytics::limits;
use analytics::maintenance::Maintenance;
use analytics::uptime::Span;

/// The parsed maintenance windows of every project.
#[derive(Default)]
pub struct MaintenancePlan {
    of_projects: HashMap<ProjectId, Vec<Maintenance>>,
}

/// The circumstances of one result.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Windows that touch the time since the previous result.
    pub maintenance: Vec<Span>,
    pub around: Circumstances,
}

impl MaintenancePlan {
    /// Replaces the project's windows.
    pub fn set(&mut self, project: ProjectId, windows: Vec<Maintenance>) {
        match windows.is_empty() {
            true => self.of_projects.remove(&project),
            false => self.of_projects.insert(project, windows),
        };
    }

    /// The windows of a monitor that touch the time from `from_ms` up to and including `now_ms`, in any order. If the
    /// monitor had no results for years, only those within the retention.
    pub fn spans(
        &self,
        project: ProjectId,
        monitor: i64,
        from_ms: Option<i64>,
        now_ms: i64,
    ) -> Vec<Span> {
        let Some(windows) = self.of_projects.get(&project) else { return Vec::new() };
        let oldest_ms = now_ms - limits::CHECK_SUM_DAYS as i64 * 86_400_000;
        let from_ms = from_ms.unwrap_or(now_ms).clamp(oldest_ms, now_ms);
        let within = Span { from_ms, to_ms: now_ms + 1 };
        let concerning = windows.iter().filter(|maintenance| maintenance.concerns(monitor));
        concerning.flat_map(|maintenance| maintenance.windows.spans(within)).collect()
    }
}

impl Surroundings {
    pub fn new(maintenance: Vec<Span>, at_ms: i64, parent_failing: bool) -> Surroundings {
        let in_maintenance = maintenance.iter().any(|window| window.contains(at_ms));
        let around = Circumstances { in_maintenance, parent_failing, ..Circumstances::default() };
        Surroundings { maintenance, around }
    }
}
