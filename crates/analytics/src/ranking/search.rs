//! The search of a list: words, each of which must be somewhere in a row's text, in any case.

use memchr::memmem::Finder;

use super::{Ranked, RowId};
use crate::hit::TextKind;
use crate::limits;
use crate::slots::Slots;

/// Words in lower case. Empty: every row matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SearchWords(Vec<String>);

impl SearchWords {
    /// More words than `LIST_SEARCH_WORDS` are an error: a search without some of its words would find too much.
    pub fn parse(text: &str) -> Option<SearchWords> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        (words.len() as u64 <= limits::LIST_SEARCH_WORDS).then_some(SearchWords(words))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether a row has every word. `mask`: the masks of its texts, combined. A word that spans two texts is in neither.
    pub(super) fn are_all(&self, mask: u32) -> bool {
        mask == (1u32 << self.0.len()) - 1
    }

    /// Tests many texts.
    pub(super) fn matcher(&self) -> Matcher<'_> {
        let finders = self.0.iter().map(|word| Finder::new(word.as_bytes())).collect();
        Matcher { finders, lower: String::new() }
    }
}

pub(super) struct Matcher<'a> {
    finders: Vec<Finder<'a>>,
    /// The current text, in lower case.
    lower: String,
}

impl Matcher<'_> {
    /// A bit for each word that the text has.
    pub fn mask(&mut self, text: &str) -> u32 {
        self.lower.clear();
        if text.is_ascii() {
            self.lower.push_str(text);
            self.lower.make_ascii_lowercase();
        } else {
            self.lower.push_str(&text.to_lowercase());
        }
        let bytes = self.lower.as_bytes();
        let found = (0..).zip(&self.finders).filter(|(_, finder)| finder.find(bytes).is_some());
        found.fold(0, |mask, (n, _)| mask | 1 << n)
    }
}

/// The words that each text of a file has, so that hits of other rows are skipped.
pub struct WordMasks {
    words: SearchWords,
    by_kind: Vec<(TextKind, Slots<u32>)>,
}

impl WordMasks {
    pub fn new(words: SearchWords) -> WordMasks {
        WordMasks { words, by_kind: Vec::new() }
    }

    /// Tests the texts of a kind that `each` shows.
    pub fn put_all(
        &mut self,
        kind: TextKind,
        each: impl FnOnce(&mut (dyn FnMut(u32, &str) + Send)),
    ) {
        let mut masks = Slots::default();
        let mut matcher = self.words.matcher();
        each(&mut |id, text| *masks.slot(id) = matcher.mask(text));
        self.by_kind.push((kind, masks));
    }

    fn mask(&self, kind: TextKind, id: u32) -> u32 {
        let of_kind = self.by_kind.iter().find(|(other, _)| *other == kind);
        of_kind.and_then(|(_, masks)| masks.get(id)).copied().unwrap_or_default()
    }

    /// Whether a row of the file has every word.
    pub fn pass(&self, of: Ranked, RowId { first, second }: RowId) -> bool {
        let kinds = of.texts();
        let mask = match of {
            Ranked::Endpoints => self.mask(kinds[0], first) | self.mask(kinds[1], second),
            Ranked::Consumers => self.mask(kinds[first as usize], second),
            // Statuses and countries have no texts, and are never too many to list.
            _ => kinds.first().map_or(0, |kind| self.mask(*kind, second)),
        };
        self.words.are_all(mask)
    }
}
