//! Circumstances outside of a monitor that decide how a result of it counts: planned maintenance, and the monitor of which it
//! is a part.

use std::collections::HashMap;

use analytics::hit::ProjectId;
use analytics::incident::Around;
use analytics::limits;
use analytics::maintenance::Maintenance;
use analytics::uptime::Span;

/// The maintenance windows of every project, read.
#[derive(Default)]
pub struct MaintenancePlan {
    of_projects: HashMap<ProjectId, Vec<Maintenance>>,
}

/// The circumstances of one result.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Windows that touch the time since the result before.
    pub maintenance: Vec<Span>,
    pub around: Around,
}

impl MaintenancePlan {
    /// Replaces those of the project.
    pub fn set(&mut self, project: ProjectId, windows: Vec<Maintenance>) {
        match windows.is_empty() {
            true => self.of_projects.remove(&project),
            false => self.of_projects.insert(project, windows),
        };
    }

    /// The windows of a monitor that touch the time from `from_ms` up to and with `now_ms`, in any order. Of a monitor without
    /// results for years, those of the time that is kept.
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
        let around = Around { in_maintenance, parent_failing, ..Around::default() };
        Surroundings { maintenance, around }
    }
}
