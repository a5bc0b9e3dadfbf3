//! The search of a list: words, each of which must be somewhere in a row's text, in any case.

use memchr::memmem::Finder;

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
    /// Whether these texts together have every word. A word that spans both is in neither.
    pub fn matches(&mut self, texts: [&str; 2]) -> bool {
        let mask = texts.into_iter().fold(0, |mask, text| mask | self.mask(text));
        mask == all(self.finders.len())
    }

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

fn all(words: usize) -> u32 {
    (1u32 << words) - 1
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
    pub fn put_all(&mut self, kind: TextKind, each: impl FnOnce(&mut dyn FnMut(u32, &str))) {
        let mut masks = Slots::default();
        let mut matcher = self.words.matcher();
        each(&mut |id, text| *masks.slot(id) = matcher.mask(text));
        self.by_kind.push((kind, masks));
    }

    fn mask(&self, kind: TextKind, id: u32) -> u32 {
        let of_kind = self.by_kind.iter().find(|(other, _)| *other == kind);
        of_kind.and_then(|(_, masks)| masks.get(id)).copied().unwrap_or_default()
    }

    /// Whether these texts together have every word.
    pub(super) fn pass(&self, texts: &[(TextKind, u32)]) -> bool {
        let mask = texts.iter().fold(0, |mask, (kind, id)| mask | self.mask(*kind, *id));
        mask == all(self.words.0.len())
    }
}
