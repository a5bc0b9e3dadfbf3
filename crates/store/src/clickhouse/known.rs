//! Facts about projects, read a moment ago, so that a page need not ask for them again: about how many hits they have, which
//! only predicts costs, and between which times, which one small statement confirms.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use analytics::grid::DAY_US;
use analytics::hit::ProjectId;
use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::busiest as days_sql;
use super::sql::params::Params;
use super::sql::rows as sql;
use crate::types::StoreError;

const COUNTING: &str = "counting hits";
const LOOKING: &str = "reading the times of hits";

#[derive(Default)]
pub struct Known {
    projects: Mutex<HashMap<ProjectId, Project>>,
}

#[derive(Default)]
struct Project {
    days: Option<Days>,
    /// The times of the oldest and the newest hit, as of a moment of the past.
    extent: Option<(i64, i64, Instant)>,
}

/// A project's hits by day, counted from 1970 in UTC.
struct Days {
    hits: Vec<(i64, u64)>,
    read: Instant,
}

#[derive(Row, Deserialize)]
struct DayRow {
    project: u32,
    day: i64,
    hits: u64,
}

#[derive(Row, Deserialize)]
struct Extent {
    least: i64,
    greatest: i64,
    number: u64,
}

fn is_younger(read: Instant, seconds: u64) -> bool {
    read.elapsed() < Duration::from_secs(seconds)
}

impl Days {
    /// Those from one time to before another, if each day's were spread evenly.
    fn between(&self, from_us: i64, to_us: i64) -> f64 {
        let inside = |(day, hits): &(i64, u64)| {
            let (start, end) = (day * DAY_US, (day + 1) * DAY_US);
            let inside = to_us.min(end).saturating_sub(from_us.max(start)).max(0);
            *hits as f64 * (inside as f64 / DAY_US as f64)
        };
        self.hits.iter().map(inside).sum()
    }
}

impl Known {
    fn with<T>(&self, project: ProjectId, change: impl FnOnce(&mut Project) -> T) -> T {
        let mut projects = self.projects.lock().unwrap_or_else(|broken| broken.into_inner());
        if projects.len() as u64 >= limits::CLICKHOUSE_KNOWN_PROJECTS
            && !projects.contains_key(&project)
        {
            projects.clear();
        }
        change(projects.entry(project).or_default())
    }

    /// About how many hits these projects have from one time to before another, as of a minute ago at most.
    pub async fn about_rows(
        &self,
        engine: &Engine,
        projects: &[ProjectId],
        (from_us, to_us): (i64, i64),
    ) -> Result<u64, StoreError> {
        let of = |project: &Project| {
            let is_young = |days: &&Days| is_younger(days.read, limits::CLICKHOUSE_KNOWN_SECONDS);
            project.days.as_ref().filter(is_young).map(|days| days.between(from_us, to_us))
        };
        let (mut about, mut unknown) = (0.0, Vec::new());
        for project in projects {
            match self.with(*project, |known| of(known)) {
                Some(hits) => about += hits,
                None => unknown.push(*project),
            }
        }
        if unknown.is_empty() {
            return Ok(about.round() as u64);
        }
        let read = Instant::now();
        let sql = days_sql::hits_by_day(&unknown);
        let mut by_project: HashMap<u32, Vec<(i64, u64)>> = HashMap::new();
        for row in engine.ask::<DayRow>(COUNTING, &sql, &Params::default()).await? {
            by_project.entry(row.project).or_default().push((row.day, row.hits));
        }
        for project in unknown {
            let hits = by_project.remove(&project.0).unwrap_or_default();
            let days = Days { hits, read };
            about += days.between(from_us, to_us);
            self.with(project, |known| known.days = Some(days));
        }
        Ok(about.round() as u64)
    }

    /// The times of a project's oldest and newest hit; none if it has no hits.
    pub async fn extent(
        &self,
        engine: &Engine,
        project: ProjectId,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        let asked = Instant::now();
        let before = self
            .with(project, |known| known.extent)
            .filter(|(.., read)| is_younger(*read, limits::CLICKHOUSE_EXTENT_SECONDS));
        let mut found = None;
        if let Some((oldest, newest, _)) = before {
            // If hits are still there or beyond, no other hit is: a server that inserts or erases need not tell.
            let sql = sql::extent_beyond(project.0, (oldest, newest));
            let is_whole = |(least, greatest): &(i64, i64)| *least <= oldest && *greatest >= newest;
            found = ask_extent(engine, &sql).await?.filter(is_whole);
        }
        if found.is_none() {
            found = ask_extent(engine, &sql::extent(project.0)).await?;
        }
        self.with(project, |known| known.extent = found.map(|(from, to)| (from, to, asked)));
        Ok(found)
    }
}

async fn ask_extent(engine: &Engine, sql: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let rows = engine.ask::<Extent>(LOOKING, sql, &Params::default()).await?;
    let found = rows.first().filter(|row| row.number > 0);
    Ok(found.map(|row| (row.least, row.greatest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_day_has_a_part_of_its_hits() {
        let days = Days { hits: vec![(10, 100), (11, 50)], read: Instant::now() };
        assert_eq!(days.between(i64::MIN, i64::MAX), 150.0);
        assert_eq!(days.between(10 * DAY_US + DAY_US / 2, 11 * DAY_US + DAY_US / 10), 55.0);
        assert_eq!(days.between(12 * DAY_US, 13 * DAY_US), 0.0);
    }
}
