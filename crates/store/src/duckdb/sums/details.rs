//! Completes the rows of a table from one file. For every consumer and endpoint these details would take as much memory
//! as the hits.
//!
//! If the period covers the whole file, its rollup has the durations of its busiest consumers. Everything else comes
//! from a second scan of its hits that sums up only the rows of the table.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::query::SumsQuery;
use analytics::tally::{Identities, Merge, MissingDetails, Tally, TallyLimits};

use super::plan::Piece;
use super::read::{Source, Summing};
use super::{merged, plan};
use crate::duckdb::files::Entry;
use crate::duckdb::filter::FileFilter;
use crate::duckdb::joined_routes::JoinedRoutes;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{Connections, OpenFile};
use crate::duckdb::sql;
use crate::duckdb::stats::ProjectStats;
use crate::types::StoreError;

/// A file to complete rows from.
pub struct Searched<'a> {
    pub entry: &'a Entry,
    pub stats: ProjectStats,
    pub identities: Arc<Identities>,
    pub joined: Option<Arc<JoinedRoutes>>,
    pub filter: &'a Arc<FileFilter>,
    /// The period holds all of the project's hits in the file, and nothing is filtered.
    pub whole: bool,
}

/// The result for one file: durations by consumer, and the sums of a second scan with the rows that they complete.
pub struct Details {
    durations: Vec<(u64, u16, u64)>,
    missing: MissingDetails,
    tally: Option<Tally>,
}

impl Details {
    pub fn add_to(&self, merge: &mut Merge) {
        for (who, latency, hits) in &self.durations {
            merge.add_duration(*who, *latency, *hits);
        }
        if let Some(tally) = &self.tally {
            merge.add_missing(&self.missing, tally);
        }
    }
}

impl Searched<'_> {
    pub fn find(
        &self,
        connections: &Connections<'_>,
        query: &SumsQuery,
        mut missing: MissingDetails,
    ) -> Result<Details, StoreError> {
        let file = connections.open(&self.entry.file)?;
        let project = query.scope.project().0;
        let mut durations = Vec::new();
        if self.whole && !missing.durations.is_empty() {
            durations = durations_of_busiest(&file, project, &missing.durations)?;
            let known: HashSet<u64> = durations.iter().map(|(who, _, _)| *who).collect();
            missing.durations.retain(|(_, _, who)| !known.contains(who));
        }
        if missing.is_empty() {
            return Ok(Details { durations, missing, tally: None });
        }
        let (grid, identities) = (Arc::new(query.grid.clone()), self.identities.clone());
        let subset = Arc::new(missing.subset());
        // The subset is bounded already: it has at most the rows of a table.
        let limits = TallyLimits {
            consumers_summed: u64::MAX,
            endpoints_summed: u64::MAX,
            ..TallyLimits::default()
        };
        let only = subset.clone();
        let sums = Arc::new(Pool::new(move || {
            let subset = Some(subset.clone());
            Summing::new(Tally::new(grid.clone(), identities.clone(), subset, limits))
        }));
        let range = plan::range(&self.stats, query);
        let hits = Piece::hits(range, missing.needs(query.all_needs()));
        let joined = self.joined.clone();
        Source { only: Some(only), joined, ..Source::new(file, project, &sums) }
            .read(&hits, self.filter)?;
        Ok(Details { durations, missing, tally: merged(&sums).map(|(tally, _)| tally) })
    }
}

/// (consumer, latency, hits) of the wanted consumers that the whole file's rollup has.
fn durations_of_busiest(
    file: &OpenFile<'_>,
    project: u32,
    wanted: &[(TextKind, u32, u64)],
) -> Result<Vec<(u64, u16, u64)>, StoreError> {
    let who_is: HashMap<(TextKind, u32), u64> =
        wanted.iter().map(|(kind, id, who)| ((*kind, *id), *who)).collect();
    let found = Arc::new(Mutex::new(Vec::new()));
    let into = found.clone();
    file.scan_columns(&sql::sums::consumer_latencies(file.alias(), project), &[], move |chunk| {
        let (user, address) = (chunk.column::<u32>(0), chunk.column::<u32>(1));
        let (latency, requests) = (chunk.column::<u16>(2), chunk.column::<u64>(3));
        let mut found = into.lock().unwrap_or_else(PoisonError::into_inner);
        for row in 0..chunk.rows() {
            let id = match user[row] {
                0 => (TextKind::Address, address[row]),
                user => (TextKind::User, user),
            };
            if let Some(who) = who_is.get(&id) {
                found.push((*who, latency[row], requests[row]));
            }
        }
    })?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *found))
}
