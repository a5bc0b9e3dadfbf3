//! A second look at a file, for what a table shows of the few consumers and endpoints that are in it: summed up for all of
//! them it would be as large as the hits.
//!
//! Durations of a file's busiest consumers are in its rollup, where the file lies in the period whole. Else its hits are read
//! once more, and only those of whom the table is about are summed up.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::Text;
use analytics::query::SumsQuery;
use analytics::tally::{Identities, Lacking, Merge, Tally, TallyLimits};

use super::plan::Piece;
use super::read::{Source, Summing};
use super::{merged, plan};
use crate::files::{Entry, Share};
use crate::filter::FileFilter;
use crate::pool::Pool;
use crate::reading::{Connections, OpenFile};
use crate::sql;
use crate::types::StoreError;

/// A file in which something is to be looked up.
pub struct Searched<'a> {
    pub entry: &'a Entry,
    pub share: Share,
    pub identities: Arc<Identities>,
    pub filter: &'a Arc<FileFilter>,
    /// All of the project's hits in it are in the period, and nothing is filtered.
    pub whole: bool,
}

/// What was found: durations by consumer, and what the sums of a second look are to fill in.
pub struct Found {
    durations: Vec<(u64, u16, u64)>,
    lacking: Lacking,
    tally: Option<Tally>,
}

impl Found {
    pub fn add_to(&self, merge: &mut Merge) {
        for (who, latency, hits) in &self.durations {
            merge.add_duration(*who, *latency, *hits);
        }
        if let Some(tally) = &self.tally {
            merge.add_lacking(&self.lacking, tally);
        }
    }
}

impl Searched<'_> {
    pub fn find(
        &self,
        connections: &Connections<'_>,
        query: &SumsQuery,
        mut lacking: Lacking,
    ) -> Result<Found, StoreError> {
        let file = connections.open(&self.entry.file)?;
        let project = query.scope.project().0;
        let mut durations = Vec::new();
        if self.whole && !lacking.durations.is_empty() {
            durations = durations_of_busiest(&file, project, &lacking.durations)?;
            let known: HashSet<u64> = durations.iter().map(|(who, _, _)| *who).collect();
            lacking.durations.retain(|(_, _, who)| !known.contains(who));
        }
        if lacking.is_empty() {
            return Ok(Found { durations, lacking, tally: None });
        }
        let (grid, identities) = (Arc::new(query.grid.clone()), self.identities.clone());
        let only = Arc::new(lacking.only());
        // They are as few as a table has rows.
        let limits = TallyLimits {
            consumers_summed: u64::MAX,
            endpoints_summed: u64::MAX,
            ..TallyLimits::default()
        };
        let sums = Arc::new(Pool::new(move || {
            let only = Some(only.clone());
            Summing::new(Tally::new(grid.clone(), identities.clone(), only, limits))
        }));
        let range = plan::range(&self.share, query);
        let hits = Piece::Hits { range, needs: lacking.needs(query.all_needs()) };
        Source { file, project, sums: &sums }.read(&hits, self.filter)?;
        Ok(Found { durations, lacking, tally: merged(&sums) })
    }
}

/// Consumer, latency, hits: of those consumers that the rollup of the whole file has.
fn durations_of_busiest(
    file: &OpenFile<'_>,
    project: u32,
    wanted: &[(Text, u32, u64)],
) -> Result<Vec<(u64, u16, u64)>, StoreError> {
    let who_is: HashMap<(Text, u32), u64> =
        wanted.iter().map(|(kind, id, who)| ((*kind, *id), *who)).collect();
    let found = Arc::new(Mutex::new(Vec::new()));
    let into = found.clone();
    file.hand_out(&sql::sums::consumer_latencies(file.alias(), project), &[], move |chunk| {
        let (user, address) = (chunk.column::<u32>(0), chunk.column::<u32>(1));
        let (latency, requests) = (chunk.column::<u16>(2), chunk.column::<u64>(3));
        let mut found = into.lock().unwrap_or_else(PoisonError::into_inner);
        for row in 0..chunk.rows() {
            let id = match user[row] {
                0 => (Text::Address, address[row]),
                user => (Text::User, user),
            };
            if let Some(who) = who_is.get(&id) {
                found.push((*who, latency[row], requests[row]));
            }
        }
    })?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *found))
}
