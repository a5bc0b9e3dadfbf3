//! Prepares the sums of each file for `Merge::add`, on any thread: its lists of consumers, endpoints and texts, and the counts of
//! words that are derived from its texts.

use std::collections::HashMap;
use std::sync::Arc;

use super::counted::Counted;
use super::endpoints::Pair;
use super::identities::{Identities, TextId};
use super::top_list::FileList;
use super::total::Dimension;
use super::{Count, Tally, TallyLimits};
use crate::hit::{Country, TextKind};
use crate::slots::Slots;

/// Words derived from a file's texts: the client of a user agent, the version of a path. Each has a number in the file,
/// so that very many texts with few words are counted without comparing words.
pub trait Words {
    /// The number of the word derived from the text with this id.
    fn number(&self, value: Dimension, id: u32) -> u32;

    fn word(&self, number: u32) -> Arc<str>;
}

/// A file's lists, and its words with their counts.
pub struct Part {
    pub(super) consumers: FileList<TextId>,
    pub(super) endpoints: FileList<Pair>,
    pub(super) texts: Vec<FileList<u32>>,
    pub(super) words: Vec<(Dimension, HashMap<Arc<str>, Count>)>,
}

/// Makes the parts of files.
#[derive(Clone)]
pub struct Parts {
    limits: TallyLimits,
    texts: Vec<TextKind>,
    values: Vec<Dimension>,
}

impl Parts {
    /// `texts`: the kinds among `values`.
    pub(super) fn new(limits: TallyLimits, texts: Vec<TextKind>, values: Vec<Dimension>) -> Parts {
        Parts { limits, texts, values }
    }

    /// Prepares a file's sums for `Merge::add`. It visits everything that the file has, and files don't need each other.
    /// `is_listed(kind, id)`: whether a text may be among the values.
    pub fn of(
        &self,
        tally: &Tally,
        identities: &Identities,
        words: &impl Words,
        is_listed: impl Fn(TextKind, u32) -> bool,
    ) -> Part {
        let plain = |requests| Count { requests, errors: 0 };
        let endpoints = tally.endpoints.counts();
        let of_text = |kind: &TextKind| {
            let counts = tally.texts[*kind as usize].iter();
            let listed = counts.filter(|(id, _)| is_listed(*kind, *id));
            FileList::new(listed, |id| identities.get(*kind, id), self.limits)
        };
        let of_words = |value: &Dimension| Some((*value, counts_of_words(*value, tally, words)?));
        Part {
            consumers: tally.consumers.list(identities, self.limits),
            endpoints: FileList::new(
                endpoints.map(|(pair, requests)| (pair, plain(requests))),
                |pair| identities.of_endpoint(pair),
                self.limits,
            ),
            texts: self.texts.iter().map(of_text).collect(),
            words: self.values.iter().filter_map(of_words).collect(),
        }
    }

    /// No consumers yet.
    pub fn counted(&self) -> Counted {
        Counted::new(self.limits)
    }
}

/// Counts of the words that `value` stands for. None if its values are not words.
fn counts_of_words(
    value: Dimension,
    tally: &Tally,
    words: &impl Words,
) -> Option<HashMap<Arc<str>, Count>> {
    let counts = match value {
        Dimension::Text(_) => return None,
        Dimension::Country => &tally.countries,
        Dimension::Client | Dimension::Os | Dimension::Device => {
            &tally.texts[TextKind::Agent as usize]
        }
        Dimension::Version => &tally.texts[TextKind::Path as usize],
    };
    let mut by_number: Slots<Count> = Slots::default();
    for (id, count) in counts.iter() {
        let number = if value == Dimension::Country { id } else { words.number(value, id) };
        by_number.slot(number).add_count(count);
    }
    let word = |number: u32| match value {
        Dimension::Country => Arc::from(Country::from_number(number as u16).as_str()),
        _ => words.word(number),
    };
    let mut all: HashMap<Arc<str>, Count> = HashMap::new();
    for (number, count) in by_number.iter().filter(|(_, count)| count.requests > 0) {
        all.entry(word(number)).or_default().add_count(*count);
    }
    Some(all)
}
