//! The hits that reach the database through other servers.
//!
//! A server with watchers says of which projects. The others then tell it which hits they have stored, as soon as they can
//! be read; it reads those from ClickHouse, with one statement for all watchers of a project, and shows them. Projects that nobody
//! watches cost nothing.
//!
//! If a server was out of touch, its watchers start again, and come back with the position that they have reached.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use analytics::filter::{self, Filter};
use analytics::hit::{HitId, ProjectId};
use analytics::limits;

use super::message::{Message, Says, numbers};
use super::stored::StoredHits;
use super::watch::{Seen, Watch};
use super::{State, Tail};
use crate::types::HitRow;

const WANTED: Duration = Duration::from_secs(limits::TAIL_WANTED_SECONDS);
const SAY: Duration = Duration::from_millis(limits::SERVER_BEAT_MS);
const WANTED_PROJECTS: usize = limits::TAIL_WANTED_PROJECTS as usize;
const TOLD_PROJECTS: usize = limits::TAIL_TOLD_PROJECTS as usize;

#[derive(Default)]
pub struct Others {
    /// This server's number; none: it shares nothing.
    node: Option<u8>,
    /// Nothing is heard of the others.
    is_lost: bool,
    /// The other servers that run; none: not known yet.
    alive: Option<BTreeSet<u8>>,
    /// Projects that have watchers at other servers, and until when.
    wanted: HashMap<ProjectId, BTreeMap<u8, Instant>>,
    /// Projects that have watchers here, and the servers that tell their hits.
    told_by: HashMap<ProjectId, BTreeSet<u8>>,
    asked: BTreeSet<ProjectId>,
    asked_at: Option<Instant>,
    reached: BTreeMap<u8, Reached>,
    to_say: Vec<Says>,
    /// Hits of this server that others want to know of.
    to_tell: BTreeMap<ProjectId, StoredHits>,
    /// Hits of others, by project and node.
    to_read: BTreeMap<ProjectId, BTreeMap<u8, StoredHits>>,
    erasures: u64,
    /// Servers that have not said yet that they forgot what was erased.
    to_forget: BTreeMap<u64, BTreeSet<u8>>,
}

/// Records of another server.
#[derive(Clone, Copy, Default)]
struct Reached {
    told: u64,
    shown: u64,
}

/// Hits of a project to be read, for its watchers.
pub struct ToRead {
    pub project: ProjectId,
    pub hits: BTreeMap<u8, StoredHits>,
    pub watches: Vec<Arc<Watch>>,
}

/// Everything that is to be read now.
pub struct Round {
    pub reads: Vec<ToRead>,
    told: BTreeMap<u8, u64>,
}

impl Others {
    pub fn shares(&self) -> bool {
        self.node.is_some()
    }

    pub fn wants(&mut self, project: ProjectId) -> bool {
        let Some(nodes) = self.wanted.get_mut(&project) else { return false };
        let now = Instant::now();
        nodes.retain(|_, until| *until > now);
        if nodes.is_empty() {
            self.wanted.remove(&project);
            return false;
        }
        true
    }

    /// This server has stored these.
    pub fn tell(&mut self, stored: StoredHits) {
        let project = ProjectId(stored.project);
        if self.wants(project) {
            let known = self.to_tell.entry(project);
            known.and_modify(|known| known.add(&stored)).or_insert(stored);
        }
    }

    pub fn has_to_tell(&self) -> bool {
        !self.to_tell.is_empty()
    }

    /// The last hits of others that every watcher was shown.
    pub fn shown(&self) -> impl Iterator<Item = i64> + '_ {
        self.reached.iter().map(|(node, reached)| last_id(*node, reached.shown))
    }

    /// A watcher that begins now is not shown these.
    pub fn told(&self) -> impl Iterator<Item = (u8, i64)> + '_ {
        self.reached.iter().map(|(node, reached)| (*node, last_id(*node, reached.told)))
    }

    /// The last watcher of the project here is gone.
    pub fn stop_asking(&mut self, project: ProjectId) {
        self.asked.remove(&project);
        self.told_by.remove(&project);
        self.to_read.remove(&project);
    }

    fn reach(&mut self, node: u8, seq: u64) {
        let reached = self.reached.entry(node).or_default();
        reached.told = reached.told.max(seq);
    }
}

impl Tail {
    /// Other servers may store hits of the same projects.
    pub fn share(&self, node: u8) {
        self.state().others.node = Some(node);
    }

    /// The next messages to the others; waits until there are some.
    pub async fn messages(&self) -> Vec<Message> {
        loop {
            let messages = self.take_messages();
            if !messages.is_empty() {
                return messages;
            }
            let _ = tokio::time::timeout(SAY, self.telling.notified()).await;
        }
    }

    fn take_messages(&self) -> Vec<Message> {
        let mut state = self.state();
        let watched: BTreeSet<ProjectId> =
            state.watches.values().map(|watch| watch.project).collect();
        let shown = state.shown;
        let others = &mut state.others;
        let Some(node) = others.node else { return Vec::new() };
        let mut says = std::mem::take(&mut others.to_say);
        let is_due = others.asked_at.is_none_or(|at| at.elapsed() >= SAY);
        for asks in [true, false] {
            let some = watched.iter().filter(|project| others.asked.contains(project) != asks);
            let projects = numbers(some.copied());
            let wants = |part: &[u32]| Says::Wants { projects: part.to_vec(), asks };
            if asks || is_due {
                says.extend(projects.chunks(WANTED_PROJECTS).map(wants));
            }
        }
        if is_due {
            others.asked_at = Some(Instant::now());
        }
        others.asked = watched;
        let hits: Vec<StoredHits> = std::mem::take(&mut others.to_tell).into_values().collect();
        let parts = hits.chunks(TOLD_PROJECTS);
        says.extend(parts.map(|part| Says::Stored { up_to: shown, hits: part.to_vec() }));
        says.into_iter().map(|says| Message { node, says }).collect()
    }

    /// The other servers that run now.
    pub fn set_alive(&self, nodes: BTreeSet<u8>) {
        let mut state = self.state();
        let others = &mut state.others;
        others.alive = Some(nodes.into_iter().filter(|node| Some(*node) != others.node).collect());
    }

    /// Another server says this.
    pub fn hear(&self, message: Message) {
        let mut state = self.state();
        let Some(own) = state.others.node.filter(|own| *own != message.node) else { return };
        let from = message.node;
        match message.says {
            Says::Wants { projects, asks } => {
                let until = Instant::now() + WANTED;
                let mut begins = Vec::new();
                for project in projects {
                    let nodes = state.others.wanted.entry(ProjectId(project)).or_default();
                    // It may have been out of touch for a while: then it learns that it missed something.
                    let is_new = nodes.insert(from, until).is_none_or(|had| had < Instant::now());
                    if asks || is_new {
                        begins.push(project);
                    }
                }
                if !begins.is_empty() {
                    let after_seq = state.shown;
                    let says = Says::Begins { to: from, after_seq, projects: begins };
                    state.others.to_say.push(says);
                    self.telling.notify_one();
                }
            }
            Says::Begins { to, after_seq, projects } if to == own => {
                let told = state.others.reached.get(&from).map_or(0, |reached| reached.told);
                for project in projects.into_iter().map(ProjectId) {
                    if state.of_project(project).next().is_none() {
                        continue;
                    }
                    let is_known = !state.others.told_by.entry(project).or_default().insert(from);
                    if is_known && after_seq > told {
                        state.of_project(project).for_each(|watch| watch.end());
                    }
                }
                state.others.reach(from, after_seq);
            }
            Says::Stored { up_to, hits } => {
                for stored in hits {
                    let project = ProjectId(stored.project);
                    if state.of_project(project).next().is_none() {
                        continue;
                    }
                    let of_project = state.others.to_read.entry(project).or_default();
                    let known = of_project.entry(from);
                    known.and_modify(|known| known.add(&stored)).or_insert(stored);
                }
                state.others.reach(from, up_to);
                self.reading.notify_one();
            }
            Says::Erased { number, project } => {
                let project = ProjectId(project);
                state.of_project(project).for_each(|watch| watch.forget_all());
                state.others.to_say.push(Says::Forgot { to: from, number });
                self.telling.notify_one();
            }
            Says::Forgot { to, number } if to == own => {
                if let Some(nodes) = state.others.to_forget.get_mut(&number) {
                    nodes.remove(&from);
                    self.shown.notify_all();
                }
            }
            Says::Begins { .. } | Says::Forgot { .. } => {}
        }
    }

    /// Nothing is heard of the others: hits of theirs that wait may have been erased meanwhile.
    pub fn lose_others(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.others.is_lost, true) {
            self.start_again(&mut state);
        }
    }

    /// They are heard from here on.
    pub fn find_others(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.others.is_lost) {
            self.start_again(&mut state);
        }
    }

    fn start_again(&self, state: &mut State) {
        state.watches.values().for_each(|watch| watch.end());
        state.others.asked.clear();
        state.others.told_by.clear();
        state.others.to_read.clear();
        self.telling.notify_one();
    }

    /// Whether each server that runs tells the project's hits.
    pub fn is_told_by_all(&self, project: ProjectId) -> bool {
        let state = self.state();
        let others = &state.others;
        let Some(alive) = others.alive.as_ref().filter(|_| !others.is_lost) else {
            return !others.shares();
        };
        let none = BTreeSet::new();
        alive.is_subset(others.told_by.get(&project).unwrap_or(&none))
    }

    /// Waits until there are hits of others to be read.
    pub async fn next_round(&self) -> Round {
        loop {
            if let Some(round) = self.take_round() {
                return round;
            }
            self.reading.notified().await;
        }
    }

    fn take_round(&self) -> Option<Round> {
        let mut state = self.state();
        let told = state.others.reached.iter().map(|(node, reached)| (*node, reached.told));
        let told = told.collect();
        let to_read = std::mem::take(&mut state.others.to_read);
        let reads = to_read.into_iter().map(|(project, hits)| {
            let watches = state.of_project(project).cloned().collect();
            ToRead { project, hits, watches }
        });
        let reads: Vec<ToRead> = reads.collect();
        (!reads.is_empty()).then_some(Round { reads, told })
    }

    /// All its hits were shown.
    pub fn end_round(&self, round: Round) {
        let mut state = self.state();
        for (node, told) in round.told {
            let reached = state.others.reached.entry(node).or_default();
            reached.shown = reached.shown.max(told);
        }
    }

    /// Waits until no watcher at another server is shown what this one has erased. A server that does not answer hears nothing
    /// any more, and has sent its watchers away by then.
    pub(super) fn forget_elsewhere(&self, project: ProjectId) {
        const PATIENCE: Duration = Duration::from_secs(limits::TAIL_ERASURE_SECONDS);
        let began = Instant::now();
        let mut state = self.state();
        if !state.others.shares() {
            return;
        }
        state.others.erasures += 1;
        let number = state.others.erasures;
        state.others.wants(project);
        let nodes = state.others.wanted.get(&project).into_iter().flatten();
        let nodes = nodes.map(|(node, _)| *node).collect();
        state.others.to_forget.insert(number, nodes);
        state.others.to_say.push(Says::Erased { number, project: project.0 });
        self.telling.notify_one();
        while !state.closed
            && state.others.to_forget.get(&number).is_some_and(|nodes| !nodes.is_empty())
            && let Some(left) = PATIENCE.checked_sub(began.elapsed())
        {
            let waited = self.shown.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.others.to_forget.remove(&number);
    }
}

impl ToRead {
    /// Hits that were told.
    pub fn count(&self) -> u64 {
        self.hits.values().map(|stored| stored.hits).sum()
    }

    /// Tells the watchers for whom it is enough that there are hits, and those for whom some were not examined.
    pub fn show_numbers(&mut self) {
        let hits = self.count();
        if self.hits.values().any(|stored| stored.more) {
            self.miss();
        }
        if hits > 0 {
            self.watches.retain(|watch| {
                let is_enough = !watch.wants_hits && watch.filter.conditions.is_empty();
                if is_enough {
                    watch.put(Seen { any: true, ..Seen::default() });
                }
                !is_enough
            });
        }
    }

    /// They can't be read.
    pub fn miss(&self) {
        self.watches.iter().for_each(|watch| watch.miss_unseen());
    }

    /// The filters of its watchers; none: one of them wants everything.
    pub fn filters(&self) -> Option<Vec<&Filter>> {
        let mut filters: Vec<&Filter> = Vec::new();
        for watch in &self.watches {
            if watch.filter.conditions.is_empty() {
                return None;
            }
            if !filters.contains(&&watch.filter) {
                filters.push(&watch.filter);
            }
        }
        Some(filters)
    }

    pub fn erasures(&self) -> Vec<u64> {
        self.watches.iter().map(|watch| watch.erasures()).collect()
    }

    /// Shows hits, which were read after `erasures`, in order of their ids. `missed`: there are that many more, all earlier.
    /// Watchers of which something was erased meanwhile stay, and the hits must be read again.
    pub fn show(&mut self, hits: &[Arc<HitRow>], missed: u64, erasures: &[u64]) {
        let now = Instant::now();
        let mut erasures = erasures.iter();
        self.watches.retain(|watch| {
            let Some(erasures) = erasures.next() else { return true };
            let passed = watch.passed();
            let has_passed =
                |id: i64| passed.get(&HitId(id).node()).is_some_and(|last| id <= *last);
            let mut seen = Seen::default();
            let mut room = if watch.wants_hits { watch.room(now) } else { 0 };
            // The newest hits are worth more.
            for hit in hits.iter().rev() {
                if has_passed(hit.hit_id) || !filter::matches(&watch.filter, &**hit) {
                    continue;
                }
                if seen.add(watch, &mut room, || hit.clone()).is_break() {
                    break;
                }
            }
            seen.rows.reverse();
            let is_put = watch.put_read(seen, *erasures);
            if is_put && missed > 0 {
                match watch.filter.conditions.is_empty() && watch.wants_hits {
                    true => watch.miss(missed),
                    false => watch.miss_unseen(),
                }
            }
            !is_put
        });
    }
}

fn last_id(node: u8, seq: u64) -> i64 {
    HitId::new(node, seq + 1, 0).0 - 1
}

#[cfg(test)]
mod tests;
