//! Consumers of a sealed file that has very many, from its hits.
//!
//! The identities of all of them would take more memory than everything else. So those of few hits (the edges of a
//! period, or what a filter leaves) are looked up after these hits are known, which are kept meanwhile. Of more hits
//! the consumers are counted a stretch of ids at a time, and for each stretch the hits are read once more.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::grid::Grid;
use analytics::hit::TextKind;
use analytics::slots::Ids;
use analytics::tally::{Counted, Identities, Needs, Parts, ShownTexts, Tally, TallyLimits};
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::UInt32Type;

use super::cache::NamesCache;
use super::later::Later;
use super::merged;
use super::names::{FileTexts, Wanted};
use super::read::{Source, Summing};
use crate::duckdb::filter::FileFilter;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql;
use crate::types::StoreError;

/// Ids of users and of addresses.
pub type Stretch = [Range<u32>; 2];

/// The texts that consumers are known by.
const KINDS: [TextKind; 2] = [TextKind::User, TextKind::Address];

/// Ids of users and of addresses.
type ConsumerIds = [Ids; 2];

fn set_of(kind: TextKind) -> usize {
    usize::from(kind != TextKind::User)
}

/// The texts that a file's sums need, with the identities of the kept hits' consumers besides. `wanted`: what was read of the
/// file so far. A page that is asked again mostly has the same hits, so they are cached.
pub fn identify(
    later: &[Later],
    texts: &Identities,
    file: &OpenFile<'_>,
    project: u32,
    wanted: &Wanted,
    cache: &NamesCache,
) -> Result<Arc<Identities>, StoreError> {
    let wanted = wanted.clone().with_kept();
    let consumers = || later.iter().flat_map(Later::consumers);
    let cached = cache.get(file.alias(), project, &wanted);
    if let Some(known) = cached
        && consumers().all(|(kind, id)| known.identities.has(kind, id))
    {
        return Ok(known.identities.clone());
    }
    let mut ids = ConsumerIds::default();
    consumers().for_each(|(kind, id)| ids[set_of(kind)].put(id));
    let text = sql::sums::identities(file.tables(), project, &KINDS);
    let identities =
        put(texts.clone(), file, &text, move |identities, kinds, all, hashes, ipv4| {
            let wanted = |kind, id| ids[set_of(kind)].has(id);
            identities.put_wanted(kinds, all, hashes, ipv4, wanted);
        })?;
    let identities = Arc::new(identities);
    cache.put(file.alias(), project, wanted, &Arc::new(FileTexts::of(identities.clone())));
    Ok(identities)
}

/// Passes columns of a statement's rows to `add`: kind, id, hash and address as a number.
fn put(
    identities: Identities,
    file: &OpenFile<'_>,
    text: &str,
    add: impl Fn(&mut Identities, &[u8], &[u32], &[u64], &[u32]) + Send + Sync + 'static,
) -> Result<Identities, StoreError> {
    let identities = Arc::new(Mutex::new(identities));
    let into = identities.clone();
    file.scan_columns(text, &[], move |chunk| {
        let (kinds, ids) = (chunk.column(0), chunk.column(1));
        let (hashes, ipv4) = (chunk.column(2), chunk.column(3));
        let mut identities = into.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut identities, kinds, ids, hashes, ipv4);
    })?;
    let mut identities = identities.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *identities))
}

/// A file whose consumers are counted in stretches.
pub struct Crowd<'a> {
    pub file: OpenFile<'a>,
    pub project: u32,
    pub filter: &'a Arc<FileFilter>,
    pub grid: &'a Arc<Grid>,
    pub limits: TallyLimits,
}

impl Crowd<'_> {
    /// `hits`: the ranges to read, each with what is needed of its consumers.
    pub fn count(
        &self,
        hits: &[((i64, i64), Needs)],
        parts: &Parts,
    ) -> Result<Counted, StoreError> {
        let mut counted = parts.counted();
        let stretches = stretches(self.ids()?, self.limits.consumers_at_once);
        let is_all = stretches.len() == 1;
        for stretch in stretches {
            let known = Identities::of_stretch(stretch.clone());
            let identities = match is_all {
                true => identities_of(known, &self.file, self.project, &KINDS)?,
                false => {
                    let [users, addresses] = stretch.clone();
                    let of = [(TextKind::User, users), (TextKind::Address, addresses)];
                    identities_between(known, &self.file, self.project, &of)?
                }
            };
            let identities = Arc::new(identities);
            let (grid, known) = (self.grid.clone(), identities.clone());
            // No sums of each: there are more than that.
            let limits = TallyLimits { consumers_summed: 0, ..self.limits };
            let sums = Arc::new(Pool::new(move || {
                Summing::new(Tally::new(grid.clone(), known.clone(), None, limits))
            }));
            let source = Source::new(self.file, self.project, &sums);
            let only = (!is_all).then_some(&stretch);
            for (range, needs) in hits {
                source.count_consumers(*range, *needs, self.filter, only)?;
            }
            if let Some((tally, _)) = merged(&sums) {
                counted.add(tally, &identities);
            }
        }
        Ok(counted)
    }

    /// From the least id of a user and an address to after the greatest.
    fn ids(&self) -> Result<Stretch, StoreError> {
        let ids = |kind| id_range(&self.file, self.project, kind);
        Ok([ids(TextKind::User)?, ids(TextKind::Address)?])
    }
}

/// Adds the identities of the texts of these kinds.
fn identities_of(
    identities: Identities,
    file: &OpenFile<'_>,
    project: u32,
    kinds: &[TextKind],
) -> Result<Identities, StoreError> {
    let text = sql::sums::identities(file.tables(), project, kinds);
    put(identities, file, &text, Identities::put_all)
}

/// Adds the identities of the texts with these ids.
pub fn identities_between(
    identities: Identities,
    file: &OpenFile<'_>,
    project: u32,
    stretch: &[(TextKind, Range<u32>)],
) -> Result<Identities, StoreError> {
    let text = sql::sums::identities_between(file.tables(), project, stretch);
    let of = stretch.to_vec();
    let wanted = move |kind: TextKind, id: u32| {
        of.iter().any(|(other, ids)| *other == kind && ids.contains(&id))
    };
    put(identities, file, &text, move |identities, kinds, ids, hashes, ipv4| {
        identities.put_wanted(kinds, ids, hashes, ipv4, &wanted);
    })
}

/// From the least id of a text of this kind to after the greatest; empty if there is none.
pub fn id_range(
    file: &OpenFile<'_>,
    project: u32,
    kind: TextKind,
) -> Result<Range<u32>, StoreError> {
    if let Some(known) = file.file().id_range(project, kind) {
        return Ok(known);
    }
    let mut ids = 0..0;
    file.each(&sql::sums::id_range(file.alias(), project, kind), &[], |batch| {
        let least = batch.column(0).as_primitive::<UInt32Type>();
        let greatest = batch.column(1).as_primitive::<UInt32Type>();
        if batch.num_rows() > 0 && least.is_valid(0) {
            ids = least.value(0)..greatest.value(0).saturating_add(1);
        }
    })?;
    file.file().know_id_range(project, kind, ids.clone());
    Ok(ids)
}

/// Divides ids into stretches of at most so many; a user counts for two, since it takes twice the memory.
fn stretches([users, addresses]: Stretch, most: u64) -> Vec<Stretch> {
    let most = most.clamp(1, u64::from(u32::MAX)) as u32;
    let (mut users, mut addresses) = (users, addresses);
    let mut all = Vec::new();
    let take = |from: &mut Range<u32>, most: u32| {
        let end = from.start.saturating_add(most).min(from.end);
        let taken = from.start..end;
        from.start = end;
        taken
    };
    while !users.is_empty() || !addresses.is_empty() {
        let of_users = take(&mut users, (most / 2).max(1));
        let left = most.saturating_sub(2 * of_users.len() as u32);
        all.push([of_users, take(&mut addresses, left)]);
    }
    all
}

/// A text that a file has: kind, id, identity.
pub type Found = (TextKind, u32, u64);

/// The shown texts of these kinds that the file has.
pub fn find_shown(
    file: &OpenFile<'_>,
    project: u32,
    kinds: &[TextKind],
    shown: &Arc<ShownTexts>,
) -> Result<Vec<Found>, StoreError> {
    let text = sql::sums::identities(file.tables(), project, kinds);
    let found = Arc::new(Mutex::new(Vec::new()));
    let (into, shown) = (found.clone(), shown.clone());
    file.scan_columns(&text, &[], move |chunk| {
        let (kinds, ids) = (chunk.column::<u8>(0), chunk.column::<u32>(1));
        let (hashes, ipv4) = (chunk.column::<u64>(2), chunk.column::<u32>(3));
        for row in 0..chunk.rows() {
            let Some(kind) = TextKind::ALL.get(usize::from(kinds[row])) else { continue };
            if let Some(identity) = shown.find(*kind, hashes[row], ipv4[row]) {
                let mut found = into.lock().unwrap_or_else(PoisonError::into_inner);
                found.push((*kind, ids[row], identity));
            }
        }
    })?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = std::mem::take(&mut *found);
    // Chunks come in no order.
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_every_id_once() {
        for (users, addresses) in [(0..0, 0..0), (3..3, 1..2), (1..8, 1..30), (5..6, 0..0)] {
            for most in [1, 2, 7, 1_000] {
                let all = stretches([users.clone(), addresses.clone()], most);
                assert!(all.iter().all(|[users, addresses]| {
                    (1..=most as usize).contains(&(users.len() + addresses.len()))
                }));
                let of = |n: usize| all.iter().flat_map(|one| one[n].clone()).collect::<Vec<_>>();
                assert_eq!(of(0), users.clone().collect::<Vec<_>>());
                assert_eq!(of(1), addresses.clone().collect::<Vec<_>>());
            }
        }
    }
}
