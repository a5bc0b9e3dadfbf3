//! Lists the values of a field of which a file may have one for each hit: a menu of addresses or paths.
//!
//! A count and an identity of each of ten million would take more memory than a page may, so a file's values are counted a
//! stretch of ids at a time, and for each stretch its hits are read once more.

use std::ops::Range;
use std::sync::Arc;

use analytics::filter::Filter;
use analytics::grid::Grid;
use analytics::hit::TextKind;
use analytics::query::SumsQuery;
use analytics::slots::Ids;
use analytics::tally::{
    Breakdown, FileValues, Identities, Named, ShownTexts, Tally, TallyLimits, ValueMerge,
};

use super::cache::NamesCache;
use super::crowd::Found;
use super::read::{Source, Summing};
use super::{crowd, files_of, in_parallel, merged, names, names_of, plan};
use crate::duckdb::files::Entry;
use crate::duckdb::filter::{FileFilter, FilterCache};
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{Connections, OpenFile, Reading};
use crate::duckdb::stats::ProjectStats;
use crate::types::StoreError;

/// Those of which rollups have no counts either.
pub const KINDS: [TextKind; 4] =
    [TextKind::User, TextKind::Address, TextKind::Path, TextKind::RequestId];

/// The values of this kind with most hits.
pub fn list(
    reading: &Reading<'_>,
    query: &SumsQuery,
    kind: TextKind,
    limits: TallyLimits,
    cache: &NamesCache,
    filters: &FilterCache,
) -> Result<Breakdown, StoreError> {
    let files = files_of(reading.snapshot, query);
    let filter = query.scope.with_locked(&query.filter);
    let project = query.scope.project().0;
    let question = Question { query, kind, files: &files, filter, filters, limits };
    let each_file = (0..files.len()).collect();
    let counted = in_parallel(reading, each_file, |connections, n| {
        question.open(connections, n)?.count(&query.prefix)
    })?;
    let mut merge = ValueMerge::new(query.top.rows, limits);
    counted.into_iter().enumerate().for_each(|(n, values)| merge.add(n, values));
    merge.choose();
    let lacking = merge.lacking();
    let found = in_parallel(reading, lacking, |connections, (n, shown)| {
        question.open(connections, n)?.find(&Arc::new(shown))
    })?;
    for (found, tally) in found {
        merge.add_lacking(&found, &tally);
    }
    let connections = reading.connections();
    let mut named = Named::new();
    for (n, ids) in merge.names() {
        let file = connections.open(&files[n].0.file)?;
        for ((kind, id), text) in names_of(&file, project, ids, cache)? {
            named.insert((n, kind, id), text);
        }
    }
    Ok(merge.finish(&named))
}

struct Question<'a> {
    query: &'a SumsQuery,
    kind: TextKind,
    files: &'a [(&'a Entry, ProjectStats)],
    filter: Filter,
    filters: &'a FilterCache,
    limits: TallyLimits,
}

impl Question<'_> {
    fn open<'a>(
        &'a self,
        connections: &'a Connections<'_>,
        n: usize,
    ) -> Result<InFile<'a>, StoreError> {
        let (entry, stats) = &self.files[n];
        let file = connections.open(&entry.file)?;
        let (kind, limits, project) = (self.kind, self.limits, self.query.scope.project().0);
        let range = plan::range(stats, self.query);
        let grid = Arc::new(Grid::whole(range.0, range.1, &self.query.grid.tz));
        let filter = self.filters.get(&file, &self.filter, project)?;
        Ok(InFile { file, project, kind, range, grid, filter, limits })
    }
}

struct InFile<'a> {
    file: OpenFile<'a>,
    project: u32,
    kind: TextKind,
    range: (i64, i64),
    grid: Arc<Grid>,
    filter: Arc<FileFilter>,
    limits: TallyLimits,
}

impl InFile<'_> {
    fn count(&self, prefix: &str) -> Result<FileValues, StoreError> {
        let mut values = FileValues::new(self.kind, self.limits);
        let only = match prefix {
            "" => None,
            prefix => {
                let found =
                    names::ids_with_prefix(&self.file, self.project, self.kind, prefix, None)?;
                Some(Arc::new(found))
            }
        };
        for ids in self.stretches(only.as_deref())? {
            let known = Identities::of_ids(self.kind, ids.clone());
            let stretch = [(self.kind, ids.clone())];
            let identities = crowd::identities_between(known, &self.file, self.project, &stretch)?;
            let identities = Arc::new(identities);
            let only = only.clone();
            let tally = self.tally(&identities, move |id| {
                ids.contains(&id) && only.as_ref().is_none_or(|only| only.has(id))
            })?;
            if let Some(tally) = tally {
                values.add(&tally, &identities);
            }
        }
        Ok(values)
    }

    /// Ids of the file's texts of this kind, so many at a time. Without a prefix 0 is one of them: "no text".
    fn stretches(&self, only: Option<&Ids>) -> Result<Vec<Range<u32>>, StoreError> {
        let most = self.limits.values_at_once.clamp(1, u64::from(u32::MAX)) as u32;
        let mut ids = match only {
            Some(only) => only.range(),
            None => crowd::id_range(&self.file, self.project, self.kind)?,
        };
        let mut all = Vec::new();
        if only.is_none() {
            all.push(0..1);
            ids.start = ids.start.max(1);
        }
        while !ids.is_empty() {
            let end = ids.start.saturating_add(most).min(ids.end);
            all.push(ids.start..end);
            ids.start = end;
        }
        // The hits are not read a second time for one id more.
        if let [none, first, ..] = all.as_mut_slice()
            && none.end == first.start
            && (first.len() as u32) < most
        {
            first.start = none.start;
            all.remove(0);
        }
        Ok(all)
    }

    /// The shown values that the file has, and their hits.
    fn find(&self, shown: &Arc<ShownTexts>) -> Result<(Vec<Found>, Tally), StoreError> {
        let mut found = crowd::find_shown(&self.file, self.project, &[self.kind], shown)?;
        found.extend(shown.find_none(self.kind).map(|identity| (self.kind, 0, identity)));
        let mut ids = Ids::default();
        found.iter().for_each(|(_, id, _)| ids.put(*id));
        let identities = Arc::new(Identities::of_few(&[self.kind]));
        let tally = self.tally(&identities, move |id| ids.has(id))?;
        Ok((found, tally.unwrap_or_else(|| self.none(&identities))))
    }

    fn tally(
        &self,
        identities: &Arc<Identities>,
        wanted: impl Fn(u32) -> bool + Send + Sync + 'static,
    ) -> Result<Option<Tally>, StoreError> {
        let (grid, known, limits) = (self.grid.clone(), identities.clone(), self.limits);
        let sums = Arc::new(Pool::new(move || {
            Summing::new(Tally::new(grid.clone(), known.clone(), None, limits))
        }));
        Source::new(self.file, self.project, &sums).count_texts(
            self.range,
            self.kind,
            &self.filter,
            wanted,
        )?;
        Ok(merged(&sums).map(|(tally, _)| tally))
    }

    fn none(&self, identities: &Arc<Identities>) -> Tally {
        Tally::new(self.grid.clone(), identities.clone(), None, self.limits)
    }
}
