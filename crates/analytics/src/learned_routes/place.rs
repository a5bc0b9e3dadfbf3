//! A place in a path: the words seen at it, and the parameter that it has become.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::{Template, in_braces};
use crate::limits;

/// The words and values that follow a prefix.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    hits: u64,
    /// By hash.
    words: BTreeMap<u64, Word>,
    parameter: Option<Box<Parameter>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Word {
    kind: Kind,
    hits: u64,
    /// It stays apart when the place becomes a parameter.
    kept: bool,
    next: Place,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Parameter {
    name: String,
    /// Segments before this place.
    depth: usize,
    /// The template up to this place, with a trailing slash; "" until a path supplies it.
    prefix: String,
    by_owner: bool,
    refused: bool,
    next: Place,
}

impl Place {
    /// Whether a path with this word continues to a known place.
    pub fn has_way(&self, word: u64) -> bool {
        self.has_parameter() || self.words.contains_key(&word)
    }

    /// The place after this word, and the name of the parameter that the word is a value of.
    pub fn way(&self, word: u64) -> (Option<&Place>, Option<&str>) {
        match (self.words.get(&word), self.active()) {
            (Some(word), _) => (Some(&word.next), None),
            (None, Some(parameter)) => (Some(&parameter.next), Some(&parameter.name)),
            (None, None) => (None, None),
        }
    }

    pub fn way_mut(&mut self, word: u64) -> Option<&mut Place> {
        match self.words.get_mut(&word) {
            Some(word) => Some(&mut word.next),
            None => {
                let parameter = self.parameter.as_mut().filter(|parameter| !parameter.refused);
                parameter.map(|parameter| &mut parameter.next)
            }
        }
    }

    pub fn add_word(&mut self, word: u64, kind: Kind) {
        let new = Word { kind, hits: 0, kept: false, next: Place::default() };
        self.words.entry(word).or_insert(new);
    }

    pub fn count(&mut self, word: u64, hits: u64) {
        self.hits += hits;
        if let Some(word) = self.words.get_mut(&word) {
            word.hits += hits;
        }
    }

    fn active(&self) -> Option<&Parameter> {
        self.parameter.as_deref().filter(|parameter| !parameter.refused)
    }

    pub fn has_parameter(&self) -> bool {
        self.active().is_some()
    }

    pub fn is_refused(&self) -> bool {
        self.parameter.as_ref().is_some_and(|parameter| parameter.refused)
    }

    /// Whether the text before the parameter is unknown.
    pub fn lacks_prefix(&self) -> bool {
        self.active().is_some_and(|parameter| parameter.prefix.is_empty())
    }

    pub fn set_prefix(&mut self, prefix: &str) {
        if let Some(parameter) = &mut self.parameter {
            prefix.clone_into(&mut parameter.prefix);
        }
    }

    /// Forgets the texts supplied by paths; those that the owner has written stay.
    pub fn forget_texts(&mut self) {
        if let Some(parameter) = &mut self.parameter {
            if !parameter.by_owner {
                parameter.prefix.clear();
            }
            parameter.next.forget_texts();
        }
        self.words.values_mut().for_each(|word| word.next.forget_texts());
    }

    /// Whether it has more values than a place without a parameter may have.
    pub fn is_crowded(&self) -> bool {
        self.parameter.is_none()
            && self.words.len() as u64 > limits::ROUTE_VALUES
            && self.values().count() as u64 > limits::ROUTE_VALUES
    }

    fn values(&self) -> impl Iterator<Item = &Word> {
        self.words.values().filter(|word| word.kind != Kind::Derived && !word.kept)
    }

    /// Makes the place a parameter, named after the form of most of its values.
    pub fn join(&mut self, prefix: &str, depth: usize) {
        let name = self.most_frequent_kind().unwrap_or(Kind::Name).parameter();
        self.set_parameter(prefix, depth, name, false);
        self.absorb();
    }

    fn set_parameter(&mut self, prefix: &str, depth: usize, name: &str, by_owner: bool) {
        self.parameter = Some(Box::new(Parameter {
            name: name.to_owned(),
            depth,
            prefix: prefix.to_owned(),
            by_owner,
            refused: false,
            next: Place::default(),
        }));
    }

    /// The owner's decision on this place.
    pub fn decide(&mut self, prefix: &str, name: &str, refused: bool) {
        if self.parameter.is_none() {
            let depth = prefix.matches('/').count() - 1;
            self.set_parameter(prefix, depth, name, true);
        }
        let Some(parameter) = &mut self.parameter else { return };
        if parameter.prefix.is_empty() {
            prefix.clone_into(&mut parameter.prefix);
        }
        parameter.by_owner = true;
        parameter.refused = refused;
        if !refused {
            name.clone_into(&mut parameter.name);
            parameter.next.rename(parameter.depth, name);
            self.absorb();
        }
    }

    /// The place after the parameter, created if missing.
    pub fn parameter_mut(&mut self, prefix: &str, name: &str) -> &mut Place {
        if !self.has_parameter() {
            self.decide(prefix, name, false);
        }
        let parameter = self.parameter.as_mut().expect("one was just made");
        &mut parameter.next
    }

    /// The place after a word; `apart`: even if the word would be a value of a parameter.
    pub fn keep_word(&mut self, word: u64, kind: Kind, apart: bool) -> &mut Place {
        let goes_through = !apart && self.has_parameter() && !self.words.contains_key(&word);
        if goes_through {
            return &mut self.parameter.as_mut().expect("it has one").next;
        }
        self.add_word(word, kind);
        let word = self.words.get_mut(&word).expect("it was just added");
        word.kept |= apart;
        &mut word.next
    }

    fn most_frequent_kind(&self) -> Option<Kind> {
        let mut kinds = BTreeMap::<Kind, usize>::new();
        self.values().for_each(|word| *kinds.entry(word.kind).or_default() += 1);
        kinds.into_iter().max_by_key(|(_, words)| *words).map(|(kind, _)| kind)
    }

    /// Moves all words into the parameter except those that stay apart: the owner's, ids, and the frequent ones.
    fn absorb(&mut self) {
        let total = self.values().map(|word| word.hits).sum::<u64>();
        let kind = self.most_frequent_kind();
        let Some(parameter) = &mut self.parameter else { return };
        let depth = parameter.depth;
        for (hash, mut word) in std::mem::take(&mut self.words) {
            let percent = match Some(word.kind) == kind {
                true => limits::ROUTE_KEPT_PERCENT,
                // It does not look like a value.
                false => limits::ROUTE_KEPT_UNLIKE_PERCENT,
            };
            word.kept |= word.hits >= limits::ROUTE_KEPT_HITS && word.hits * 100 >= total * percent;
            if word.kept || word.kind == Kind::Derived {
                self.words.insert(hash, word);
            } else {
                word.next.rename(depth, &parameter.name);
                parameter.next.merge(word.next);
            }
        }
        let prefix = match parameter.prefix.is_empty() {
            true => String::new(),
            false => format!("{}{}/", parameter.prefix, in_braces(&parameter.name)),
        };
        parameter.next.settle(&prefix, depth + 1);
    }

    /// Makes a parameter if merging has brought too many values. Below a word, whose text is unknown here, the next
    /// request does that.
    fn settle(&mut self, prefix: &str, depth: usize) {
        if self.is_crowded() {
            self.join(prefix, depth);
        }
    }

    fn merge(&mut self, other: Place) {
        self.hits += other.hits;
        match (&mut self.parameter, other.parameter) {
            (Some(mine), Some(theirs)) => {
                if theirs.by_owner && !mine.by_owner {
                    mine.name = theirs.name;
                    (mine.by_owner, mine.refused) = (true, theirs.refused);
                }
                mine.next.merge(theirs.next);
            }
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        for (hash, word) in other.words {
            match self.words.entry(hash) {
                Entry::Vacant(entry) => {
                    entry.insert(word);
                }
                Entry::Occupied(entry) => {
                    let mine = entry.into_mut();
                    mine.hits += word.hits;
                    mine.kept |= word.kept;
                    mine.next.merge(word.next);
                }
            }
        }
        if self.has_parameter() {
            self.absorb();
        }
    }

    /// The templates below contain the parameter's new name at this depth from now on.
    fn rename(&mut self, depth: usize, name: &str) {
        if let Some(parameter) = &mut self.parameter {
            // A prefix of "" has nothing to rename: it has one segment, and `depth + 1` is another.
            let segments = parameter.prefix.split('/').enumerate();
            let segments: Vec<String> = segments
                .map(|(number, segment)| match number == depth + 1 {
                    true => in_braces(name),
                    false => segment.to_owned(),
                })
                .collect();
            parameter.prefix = segments.join("/");
            parameter.next.rename(depth, name);
        }
        self.words.values_mut().for_each(|word| word.next.rename(depth, name));
    }

    pub fn words_below(&self) -> usize {
        let below = self.words.values().map(|word| 1 + word.next.words_below()).sum::<usize>();
        below + self.parameter.as_ref().map_or(0, |parameter| parameter.next.words_below())
    }

    /// Whether here or at a place below is a parameter.
    pub fn has_parameter_below(&self) -> bool {
        self.active().is_some() || self.words.values().any(|word| word.next.has_parameter_below())
    }

    pub fn add_templates(&self, templates: &mut Vec<Template>) {
        if let Some(parameter) = &self.parameter {
            if !parameter.prefix.is_empty() {
                templates.push(Template {
                    template: format!("{}{}", parameter.prefix, in_braces(&parameter.name)),
                    by_owner: parameter.by_owner,
                    refused: parameter.refused,
                    kept_words: self.words.values().filter(|word| word.kept).count(),
                });
            }
            parameter.next.add_templates(templates);
        }
        self.words.values().for_each(|word| word.next.add_templates(templates));
    }
}
