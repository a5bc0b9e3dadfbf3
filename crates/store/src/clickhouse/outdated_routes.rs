//! Brings routes of stored hits up to date with rules that were learned or changed later, a project at a time. The server
//! rewrites them in the background; until then answers have both.

use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::time::Instant;

use analytics::hit::ProjectId;
use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::erase::running;
use super::sql::outdated_routes::{self as sql, Change};
use super::sql::params::Params;
use crate::outdated_routes::OutdatedRoutes;
use crate::types::{RouteLimits, RouteRules, StoreError};

const CONTEXT: &str = "bringing routes up to date";

#[derive(Row, Deserialize)]
struct Project {
    number: u64,
}

#[derive(Row, Deserialize)]
struct Route {
    route: String,
    hash: u64,
}

/// Returns how many routes are rewritten from now on. Does nothing while the server is at a statement that changes hits:
/// what that leaves is looked at in a later round.
pub async fn bring_up_to_date(
    engine: &Engine,
    rules: &dyn RouteRules,
    outdated: &mut OutdatedRoutes<ProjectId>,
    limits: &RouteLimits,
) -> Result<u64, StoreError> {
    if rules.version() == 0 || !running(engine).await?.is_empty() {
        return Ok(0);
    }
    let projects = engine.ask::<Project>(CONTEXT, sql::PROJECTS, &Params::default()).await?;
    let projects: Vec<ProjectId> =
        projects.iter().map(|project| ProjectId(project.number as u32)).collect();
    // Before the look: of a rule that changes meanwhile it is not known whether it was seen.
    let version = rules.version();
    while let Some(project) = outdated.choose(&projects, version, Instant::now(), limits) {
        let changed = match rules.version_of(project) {
            0 => 0,
            _ => change_some(engine, rules, project).await?,
        };
        // Of more there is a rest, whose turn is when the server has done these.
        if changed < limits::CLICKHOUSE_ROUTES_AT_ONCE {
            outdated.note(project, changed > 0, Instant::now());
        }
        if changed > 0 {
            return Ok(changed);
        }
    }
    Ok(0)
}

/// Changes the most frequent outdated routes of a project. Returns how many.
async fn change_some(
    engine: &Engine,
    rules: &dyn RouteRules,
    project: ProjectId,
) -> Result<u64, StoreError> {
    let seed = RandomState::new();
    let key = [seed.hash_one(0), seed.hash_one(1)];
    let mut changes: Vec<Change> = Vec::new();
    let routes = sql::routes(project.0, key);
    let take = |Route { route, hash }| {
        let joined = rules.join(project, &route);
        if let Some(change) = joined.and_then(|joined| change_to(&route, &joined)) {
            changes.push((hash, change));
        }
        match (changes.len() as u64) < limits::CLICKHOUSE_ROUTES_AT_ONCE {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    engine.each::<Route>(CONTEXT, &routes, &Params::default(), take).await?;
    if changes.is_empty() {
        return Ok(0);
    }
    let mut params = Params::default();
    let statement = sql::change(project.0, key, &changes, engine.layout(), &mut params);
    engine.run(CONTEXT, &statement, &params).await?;
    Ok(changes.len() as u64)
}

/// The segments that a route gets, empty where it keeps its own. None if it stays as it is.
fn change_to(route: &str, joined: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (route.split('/').collect(), joined.split('/').collect());
    if route == joined || old.len() != new.len() {
        return None;
    }
    let changed = old.iter().zip(new).map(|(old, new)| if *old == new { "" } else { new });
    Some(changed.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_only_the_segments_that_are_new() {
        let of = |route, joined| change_to(route, joined);
        assert_eq!(of("/a/anna/b", "/a/{name}/b").as_deref(), Some("//{name}/"));
        assert_eq!(of("/a/{name}", "/a/{user}").as_deref(), Some("//{user}"));
        assert_eq!(of("/a/b", "/a/b"), None);
        assert_eq!(of("/a/b", "/a/{b}/c"), None, "no rule does that");
    }
}
