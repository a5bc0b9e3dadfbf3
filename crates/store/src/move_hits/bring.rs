//! Brings a database to where a folder is. Hits come in the order of their ids, those of later records in later passes;
//! what was erased is erased there too; and where hits still differ, for instance because they got other routes or were
//! too old to keep, they are replaced, a day of a project at a time.
//!
//! Each page is inserted under a token of its own: a run that was interrupted goes on, and what arrived is not stored
//! twice. A run that goes on from another source than the last one may have other pages, so the last one's page is
//! deleted first, and tokens name the turn.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use analytics::hit::{ProjectId, TextKind};
use analytics::period::Period;

use super::mark::Mark;
use super::reach::Reach;
use crate::clickhouse::arriving::{Arriving, Stretch};
use crate::ledger::{self, What};
use crate::progress::{self, Progress, Unit};
use crate::store::Store;
use crate::types::{Erasure, StoreError};

/// Between two tries of a statement that takes long.
const STEP: Duration = Duration::from_millis(500);

pub struct Bringing<'a> {
    /// The source, which nobody else changes.
    pub store: &'a Store,
    pub arriving: &'a Arriving,
    /// Has the mark, and the ledger of erasures.
    pub data: &'a Path,
    pub node: u8,
    /// Hits of the source by project.
    pub projects: &'a BTreeMap<u32, u64>,
    pub mark: Mark,
}

impl Bringing<'_> {
    /// `source`: the same one has the same pages.
    pub async fn begin(&mut self, source: &str, progress: &dyn Progress) -> Result<(), StoreError> {
        if self.mark.source == source {
            return Ok(());
        }
        if let Some(ids) = self.mark.inserting {
            let project = self.mark.project;
            patiently(progress, async || self.arriving.remove_ids(project, ids).await).await?;
            self.mark.inserting = None;
        }
        source.clone_into(&mut self.mark.source);
        self.mark.turn += 1;
        self.mark.write(self.data)
    }

    /// Erases what was erased from the source since the last run. Hits that were too old are in no ledger, see
    /// `remove_excess`.
    pub async fn erase(
        &mut self,
        last_seq: u64,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let source = &self.store.shared().options.data;
        // The one of the copy lacks erasures that were made while it began, the folder's lacks those that the copy still made.
        let mut lines = BTreeMap::new();
        for file in BTreeSet::from([self.data.join(ledger::FILE), source.join(ledger::FILE)]) {
            if file.exists() {
                lines.extend(ledger::read(&file)?.into_iter().map(|line| (line.seq, line)));
            }
        }
        lines.retain(|seq, _| *seq > self.mark.erased && *seq <= last_seq);
        // Nothing has come that could be erased.
        if self.mark.goal == 0 {
            lines.clear();
        }
        progress.begin("erasing", lines.len() as u64, Unit::Erasures);
        let mut texts = Texts::default();
        for (seq, line) in lines {
            for erasure in texts.erasures(self, line.project, &line.what).await? {
                patiently(progress, async || self.arriving.erase(&erasure, self.node, seq).await)
                    .await?;
            }
            progress.advance(1);
        }
        self.mark.erased = self.mark.erased.max(last_seq);
        self.mark.write(self.data)
    }

    /// Moves all hits up to this record that have not been moved.
    pub async fn copy_to(
        &mut self,
        last_seq: u64,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let there = self.arriving.projects().await?;
        progress.begin("moving hits", self.projects.values().sum(), Unit::Hits);
        progress.advance(there.values().map(|arrived| arrived.hits).sum());
        if self.mark.goal > self.mark.done {
            self.pass(progress).await?;
        }
        if last_seq > self.mark.done {
            self.mark.begin_pass(last_seq);
            self.mark.write(self.data)?;
            self.pass(progress).await?;
        }
        Ok(())
    }

    /// Moves the hits of records after `mark.done` up to `mark.goal`.
    async fn pass(&mut self, progress: &dyn Progress) -> Result<(), StoreError> {
        let there = self.arriving.projects().await?;
        // TRICKY: if as many hits came as went, the days still differ, and are replaced.
        let is_there = |project: &u32, hits: u64| {
            there.get(project).is_some_and(|arrived| arrived.hits == hits)
        };
        let is_first = self.mark.done == 0;
        for (project, hits) in self.projects.range(self.mark.project..) {
            if is_first || !is_there(project, *hits) {
                self.pass_project(*project, progress).await?;
            }
        }
        self.mark.end_pass();
        self.mark.write(self.data)
    }

    async fn pass_project(
        &mut self,
        project: u32,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let (store, arriving) = (self.store, self.arriving);
        let reach = Reach {
            read: async |query| store.arrivals(query).await,
            project,
            after: self.mark.done,
            up_to: self.mark.goal,
        };
        let mut page = reach.page(self.mark.in_project(project)).await?;
        while let (Some(first), Some(last)) = (page.first(), page.last()) {
            if progress.is_cancelled() {
                self.mark.write(self.data)?;
                return Err(StoreError::Cancelled);
            }
            let ids = (first.hit_id, last.hit_id);
            self.mark.hit_id = self.mark.in_project(project);
            self.mark.project = project;
            self.mark.inserting = Some(ids);
            self.mark.write(self.data)?;
            // The next one is read meanwhile.
            let insert = arriving.insert(ProjectId(project), &page, self.mark.turn);
            let (inserted, next) = tokio::join!(insert, reach.page(Some(ids.1)));
            inserted?;
            (self.mark.hit_id, self.mark.inserting) = (Some(ids.1), None);
            progress.advance(page.len() as u64);
            page = next?;
        }
        Ok(())
    }

    /// Takes away what the source has nothing of: projects, and hits older or newer than all of a project's.
    pub async fn remove_excess(&self, progress: &dyn Progress) -> Result<(), StoreError> {
        let mut excess = Vec::new();
        for (project, arrived) in self.arriving.projects().await? {
            let extent = self.store.extent(&super::scope(project)).await?;
            let Some((first_us, last_us)) = extent else {
                excess.push(Stretch { project, period: Period::default() });
                continue;
            };
            if arrived.first_us < first_us {
                let period = Period { from_us: None, to_us: Some(first_us) };
                excess.push(Stretch { project, period });
            }
            if arrived.last_us > last_us {
                let period = Period { from_us: Some(last_us + 1), to_us: None };
                excess.push(Stretch { project, period });
            }
        }
        patiently(progress, async || self.arriving.remove(&excess).await).await
    }

    /// Moves these hits again.
    pub async fn replace(
        &mut self,
        stretches: &[Stretch],
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        self.mark.turn += 1;
        self.mark.write(self.data)?;
        progress.begin("replacing hits that changed", stretches.len() as u64, Unit::Days);
        patiently(progress, async || self.arriving.remove(stretches).await).await?;
        for Stretch { project, period } in stretches {
            let page_after =
                |after| self.store.arrivals(super::period_page_of(*project, *period, after));
            let mut page = page_after(None).await?;
            while let Some(last) = page.last().map(|hit| hit.hit_id) {
                progress::check(progress)?;
                self.arriving.insert(ProjectId(*project), &page, self.mark.turn).await?;
                page = page_after(Some(last)).await?;
            }
            progress.advance(1);
        }
        Ok(())
    }
}

/// The users and addresses that the database has, by the names that the ledger has for them.
#[derive(Default)]
struct Texts(BTreeMap<(ProjectId, &'static str), BTreeMap<String, BTreeSet<String>>>);

impl Texts {
    async fn erasures(
        &mut self,
        bringing: &Bringing<'_>,
        project: ProjectId,
        what: &What,
    ) -> Result<Vec<Erasure>, StoreError> {
        let (kind, letter, name) = match what {
            What::Project => return Ok(vec![Erasure::Project(project)]),
            What::Addresses => return Ok(vec![Erasure::Addresses(project)]),
            What::AddressesAndCountries => {
                return Ok(vec![Erasure::AddressesAndCountries(project)]);
            }
            What::User(name) => (TextKind::User, ledger::USER, name),
            What::Address(name) => (TextKind::Address, ledger::ADDRESS, name),
        };
        let names = match self.0.entry((project, letter)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let key = bringing.store.shared().key;
                let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                let take = |text: String| {
                    let name = ledger::name(&key, project, letter, &text);
                    names.entry(name).or_default().insert(text);
                };
                bringing.arriving.each_text(project, kind, take).await?;
                unknown.insert(names)
            }
        };
        let texts = names.get(name).into_iter().flatten().cloned();
        Ok(texts
            .map(|text| match kind {
                TextKind::User => Erasure::User(project, text),
                _ => Erasure::Address(project, text),
            })
            .collect())
    }
}

/// Again until parts are rewritten.
async fn patiently<T>(
    progress: &dyn Progress,
    work: impl AsyncFn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    loop {
        progress::check(progress)?;
        match work().await {
            Err(StoreError::ErasureWaits) => tokio::time::sleep(STEP).await,
            done => return done,
        }
    }
}
