//! The values of a field of which a file may have one for each hit, for instance addresses: a file counts them a stretch of ids
//! at a time, so that memory does not follow their number. The lists of all files are merged like other top lists.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::counted::ShownTexts;
use super::distinct::Prehashed;
use super::identities::{Identities, TextId};
use super::merge::{Named, listing};
use super::top_list::{ByIdentity, FileList, TopList};
use super::total::Breakdown;
use super::{Count, Tally, TallyLimits};
use crate::hit::TextKind;
use crate::identity::Ipv4Text;

/// The values that a file has, all or those with most hits.
#[derive(Debug)]
pub struct FileValues {
    kind: TextKind,
    limits: TallyLimits,
    list: FileList<TextId>,
}

/// The values of all files: `add` each file, `choose` those to show, `add_lacking` what files' lists left out, then `finish`.
pub struct ValueMerge {
    rows: usize,
    list: TopList<TextId>,
    /// The files whose list was cut, with what it has.
    cut: Vec<(usize, HashSet<u64, BuildHasherDefault<Prehashed>>)>,
    shown: ByIdentity<Count>,
}

impl FileValues {
    pub fn new(kind: TextKind, limits: TallyLimits) -> FileValues {
        FileValues { kind, limits, list: FileList::none(limits) }
    }

    /// Adds the values of a stretch of ids.
    pub fn add(&mut self, tally: &Tally, identities: &Identities) {
        let kind = self.kind;
        let counts = tally.texts[kind as usize].iter();
        let list = FileList::new(counts, |id| identities.get(kind, id), self.limits);
        self.list.join(list.map(|id| TextId::new(kind, id, identities)), self.limits);
    }
}

impl ValueMerge {
    /// `rows`: the most values to show.
    pub fn new(rows: usize, limits: TallyLimits) -> ValueMerge {
        let list = TopList::new(limits);
        ValueMerge { rows, list, cut: Vec::new(), shown: ByIdentity::default() }
    }

    /// `file`: its number.
    pub fn add(&mut self, file: usize, values: FileValues) {
        if values.list.is_cut() {
            self.cut.push((file, values.list.identities().collect()));
        }
        self.list.add(file, values.list, 0);
    }

    /// Call it after every file was added.
    pub fn choose(&mut self) {
        let shown = self.list.first(self.rows).into_iter();
        let shown = shown.filter_map(|which| Some((which, self.list.get(which)?.count)));
        self.shown = shown.collect();
    }

    /// The shown values that the list of a file may have left out, by file.
    pub fn lacking(&self) -> Vec<(usize, ShownTexts)> {
        let of_file = |(file, listed): &(usize, HashSet<u64, _>)| {
            let lacks = self.shown.keys().filter(|which| !listed.contains(which));
            let lacks = lacks.filter_map(|which| Some((*which, self.list.get(*which)?.named_in.1)));
            let lacks: Vec<_> = lacks.collect();
            (!lacks.is_empty()).then(|| (*file, ShownTexts::new(&lacks)))
        };
        self.cut.iter().filter_map(of_file).collect()
    }

    /// Adds the hits of these values in a file whose list left them out. `found`: kind, id and identity.
    pub fn add_lacking(&mut self, found: &[(TextKind, u32, u64)], tally: &Tally) {
        for (kind, id, which) in found {
            if let Some(sum) = self.shown.get_mut(which) {
                sum.add_count(tally.texts[*kind as usize].get(*id));
            }
        }
    }

    /// The ids whose names are needed, by file number.
    pub fn names(&self) -> HashMap<usize, Vec<(TextKind, u32)>> {
        let mut names: HashMap<usize, Vec<(TextKind, u32)>> = HashMap::new();
        let shown = self.shown.keys().filter_map(|which| Some(self.list.get(*which)?.named_in));
        for (file, of) in shown.filter(|(_, of)| of.ipv4 == 0 && of.id > 0) {
            names.entry(file).or_default().push((of.kind, of.id));
        }
        names
    }

    pub fn finish(&self, named: &Named) -> Breakdown {
        let rows = self.shown.iter().filter_map(|(which, count)| {
            let (file, of) = self.list.get(*which)?.named_in;
            let text = match (of.ipv4, of.id) {
                (0, 0) => Arc::from(""),
                (0, id) => named.get(&(file, of.kind, id)).cloned().unwrap_or_default(),
                (number, _) => Arc::from(Ipv4Text::new(number).as_str()),
            };
            Some((text, *count))
        });
        listing(&self.list, rows.collect())
    }
}
