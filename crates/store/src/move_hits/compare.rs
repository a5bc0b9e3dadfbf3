//! Compares both sides of a move.

use std::collections::{BTreeMap, HashMap};

use analytics::alert::Counts;
use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, ProjectScope};
use jiff::Timestamp;

use super::scope;
use crate::clickhouse::arriving::Stretch;
use crate::hit_store::HitStore;
use crate::progress::{self, Progress, Unit};
use crate::types::{Cells, HitRow, StoreError};

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Days that are compared by one question.
const COMPARED_DAYS: i64 = 31;

/// Projects that are compared by one question.
const COMPARED_PROJECTS: usize = 100;

/// An error unless both have the same hits, see `find_differences`.
pub async fn compare(
    from: &HitStore,
    to: &HitStore,
    projects: &BTreeMap<u32, u64>,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    match find_differences(from, to, projects, progress).await?.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::UnusablePath(format!(
            "the copy has {} than the original. Nothing of the folder was changed",
            other_hits(first)
        ))),
    }
}

/// The difference, for people.
pub fn other_hits(stretch: &Stretch) -> String {
    let project = stretch.project;
    let day = stretch.period.from_us.and_then(|us| Timestamp::from_microsecond(us).ok());
    match day {
        Some(day) => format!("other hits of project {project} on {} (UTC)", day.strftime("%F")),
        None => format!(
            "as many hits of project {project} on every day, but others among its {} oldest or newest,",
            limits::COMPARED_HITS
        ),
    }
}

/// Days and projects of which the two have other hits: by counts of each project, day and class of status, by counts of
/// each endpoint, and by each project's first and last hits in full. If days of a project differ, its hits are not looked
/// at.
pub async fn find_differences(
    from: &HitStore,
    to: &HitStore,
    projects: &BTreeMap<u32, u64>,
    progress: &dyn Progress,
) -> Result<Vec<Stretch>, StoreError> {
    progress.begin("comparing", projects.len() as u64, Unit::Projects);
    let mut found = Vec::new();
    let both = Both { from, to };
    let all: Vec<u32> = projects.keys().copied().collect();
    for some in all.chunks(COMPARED_PROJECTS) {
        let scopes: Vec<ProjectScope> = some.iter().map(|project| scope(*project)).collect();
        let mut extents = Vec::new();
        for scope in &scopes {
            extents.extend(from.extent(scope).await?);
        }
        let start = extents.iter().map(|(first, _)| first.div_euclid(DAY_US)).min().unwrap_or(0);
        let end = extents.iter().map(|(_, last)| last.div_euclid(DAY_US)).max().unwrap_or(-1);
        for day in (start..=end).step_by(COMPARED_DAYS as usize) {
            progress::check(progress)?;
            found.extend(both.differing_days(&scopes, (day, day + COMPARED_DAYS)).await?);
        }
        for scope in &scopes {
            progress::check(progress)?;
            let project = scope.project().0;
            let is_known = found.iter().any(|stretch| stretch.project == project);
            if !is_known && ends_of(from, scope).await? != ends_of(to, scope).await? {
                found.push(Stretch { project, period: Period::default() });
            }
            progress.advance(1);
        }
    }
    Ok(found)
}

struct Both<'a> {
    from: &'a HitStore,
    to: &'a HitStore,
}

impl Both<'_> {
    /// Of days from one to before another.
    async fn differing_days(
        &self,
        scopes: &[ProjectScope],
        days: (i64, i64),
    ) -> Result<Vec<Stretch>, StoreError> {
        let query = CellsQuery {
            scopes: scopes.to_vec(),
            from_us: days.0 * DAY_US,
            to_us: days.1 * DAY_US,
            cell_us: DAY_US,
        };
        let differing =
            differing_cells(&self.from.cells(query.clone()).await?, &self.to.cells(query).await?);
        // Routes are learned, and hits that are stored already get them later.
        let [from, to] =
            [counts(self.from, scopes, days).await?, counts(self.to, scopes, days).await?];
        let mut found: Vec<Stretch> =
            differing.iter().map(|(project, day)| of_day(*project, *day)).collect();
        for scope in scopes {
            let project = scope.project();
            let is_known = differing.iter().any(|(other, _)| *other == project);
            if from.get(&project) == to.get(&project) && !is_known {
                continue;
            }
            for day in self.days_with_other_endpoints(scope, days).await? {
                if !differing.contains(&(project, day)) {
                    found.push(of_day(project, day));
                }
            }
        }
        Ok(found)
    }

    /// By halves, as most days are the same.
    async fn days_with_other_endpoints(
        &self,
        scope: &ProjectScope,
        days: (i64, i64),
    ) -> Result<Vec<i64>, StoreError> {
        let scopes = std::slice::from_ref(scope);
        let (mut found, mut parts) = (Vec::new(), vec![days]);
        while let Some((start, end)) = parts.pop() {
            let part = (start, end);
            if counts(self.from, scopes, part).await? == counts(self.to, scopes, part).await? {
                continue;
            }
            match end - start {
                1 => found.push(start),
                length => {
                    let middle = start + length / 2;
                    parts.extend([(start, middle), (middle, end)]);
                }
            }
        }
        Ok(found)
    }
}

fn of_day(project: ProjectId, day: i64) -> Stretch {
    let period = Period { from_us: Some(day * DAY_US), to_us: Some((day + 1) * DAY_US) };
    Stretch { project: project.0, period }
}

fn differing_cells(from: &Cells, to: &Cells) -> Vec<(ProjectId, i64)> {
    let mut differing: Vec<(ProjectId, i64)> = from
        .keys()
        .chain(to.keys().filter(|key| !from.contains_key(key)))
        .filter(|key| from.get(key) != to.get(key))
        .copied()
        .collect();
    differing.sort_unstable();
    differing
}

/// Requests and errors by project and endpoint. Quantiles come from the same durations.
async fn counts(
    hits: &HitStore,
    scopes: &[ProjectScope],
    (start, end): (i64, i64),
) -> Result<HashMap<ProjectId, BTreeMap<String, [u64; 3]>>, StoreError> {
    let query =
        EndpointsQuery { scopes: scopes.to_vec(), from_us: start * DAY_US, to_us: end * DAY_US };
    let numbers = |counts: Counts| [counts.requests, counts.client_errors, counts.server_errors];
    let all = hits.endpoint_counts(query).await?.into_iter();
    Ok(all
        .map(|(project, endpoints)| {
            (project, endpoints.into_iter().map(|(name, of)| (name, numbers(of))).collect())
        })
        .collect())
}

/// The newest and the first hits of a project.
async fn ends_of(hits: &HitStore, scope: &ProjectScope) -> Result<Vec<HitRow>, StoreError> {
    let limit = limits::COMPARED_HITS as usize;
    let (period, filter) = (Period::default(), Filter::default());
    let newest =
        HitsQuery { scope: scope.clone(), period, filter: filter.clone(), after: None, limit };
    let first = ArrivalQuery {
        scope: scope.clone(),
        period,
        filter,
        after: None,
        up_to: None,
        offset: 0,
        limit,
    };
    let mut found = hits.part_of_hits(newest, usize::MAX).await?.hits;
    found.extend(hits.part_of_arrivals(first, usize::MAX).await?.hits);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_by_its_date() {
        let day = of_day(ProjectId(7), 20_654);
        assert_eq!(other_hits(&day), "other hits of project 7 on 2026-07-20 (UTC)");
        let ends = Stretch { project: 7, period: Period::default() };
        assert!(other_hits(&ends).starts_with("as many hits of project 7 on every day"));
    }
}
