//! Releases of posted batches: the first batch with a new release adds a deploy, which marks the project's charts.
//!
//! A batch without a release never comes here, and a known release costs a lookup in memory. The table of releases decides
//! which are new; memory is only a cache of it, and may be cleared at any time.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use analytics::deploy::Deploy;
use analytics::hit::ProjectId;
use analytics::limits;
use store::meta::Meta;

const HOUR_US: i64 = 3_600_000_000;

#[derive(Default)]
pub struct Releases {
    known: Mutex<Known>,
    hasher: RandomState,
}

#[derive(Default)]
struct Known {
    /// Hashes of project and version.
    seen: HashSet<u64>,
    /// The hour in which `looked_up` counts.
    hour: i64,
    /// Lookups in the table, by project.
    looked_up: HashMap<ProjectId, u64>,
}

impl Releases {
    /// Notes the release of a stored batch. `deploy`: the deploy to add if the release is new. False if it was ignored because
    /// the project had too many new ones this hour.
    pub async fn see(&self, meta: &Meta, project: ProjectId, deploy: Deploy, now_us: i64) -> bool {
        let hash = self.hasher.hash_one((project.0, &deploy.version));
        match self.with(|known| known.find(hash, project, now_us)) {
            Found::Known => return true,
            Found::TooMany => return false,
            Found::Unknown => {}
        }
        let most = (limits::DEPLOYS_PER_PROJECT, limits::RELEASES_PER_PROJECT);
        match meta.see_release(project, &deploy, most, now_us).await {
            Ok(is_new) => {
                self.with(|known| known.add(hash));
                if is_new {
                    tracing::info!(
                        project = project.0,
                        "deploy added for a release that requests came with"
                    );
                }
            }
            // The next batch with this release tries again.
            Err(error) => {
                tracing::warn!(%error, project = project.0, "a release could not be kept")
            }
        }
        true
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

enum Found {
    Known,
    Unknown,
    TooMany,
}

impl Known {
    fn find(&mut self, hash: u64, project: ProjectId, now_us: i64) -> Found {
        if self.seen.contains(&hash) {
            return Found::Known;
        }
        let hour = now_us.div_euclid(HOUR_US);
        if hour != self.hour {
            self.hour = hour;
            self.looked_up.clear();
        }
        let looked_up = self.looked_up.entry(project).or_default();
        if *looked_up >= limits::RELEASES_PER_HOUR {
            return Found::TooMany;
        }
        *looked_up += 1;
        Found::Unknown
    }

    fn add(&mut self, hash: u64) {
        if self.seen.len() as u64 >= limits::RELEASES_REMEMBERED {
            self.seen.clear();
        }
        self.seen.insert(hash);
    }
}
