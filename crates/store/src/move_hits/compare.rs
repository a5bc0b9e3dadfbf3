//! Compares both sides of a move.

use std::collections::BTreeMap;

use analytics::filter::Filter;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, CellsQuery, HitsQuery, ProjectScope};

use super::scope;
use crate::hit_store::HitStore;
use crate::progress::{self, Progress, Unit};
use crate::types::{HitRow, StoreError};

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Days that are compared by one question.
const COMPARED_DAYS: i64 = 31;

/// Projects that are compared by one question.
const COMPARED_PROJECTS: usize = 100;

/// An error unless both have the same hits: counts by project, day and class of status, and each project's first and last
/// hits in full.
pub async fn compare(
    from: &HitStore,
    to: &HitStore,
    projects: &BTreeMap<u32, u64>,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    progress.begin("comparing", projects.len() as u64, Unit::Projects);
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
            let query = CellsQuery {
                scopes: scopes.clone(),
                from_us: day * DAY_US,
                to_us: (day + COMPARED_DAYS) * DAY_US,
                cell_us: DAY_US,
            };
            if from.cells(query.clone()).await? != to.cells(query).await? {
                return Err(differs("counts by day"));
            }
        }
        for scope in &scopes {
            progress::check(progress)?;
            let ends = [ends_of(from, scope).await?, ends_of(to, scope).await?];
            if ends[0] != ends[1] {
                return Err(differs("hits"));
            }
            progress.advance(1);
        }
    }
    Ok(())
}

fn differs(what: &str) -> StoreError {
    StoreError::UnusablePath(format!(
        "the copy has other {what} than the original. Nothing was changed: move into another, empty database"
    ))
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
