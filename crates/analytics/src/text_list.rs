//! The texts of one kind in a batch, one after another in one buffer: a small batch has some fifty of them, and
//! allocating each cost more than reading it.

use std::ops::Index;

/// The first text is always "", "none". The texts of a kind stay far below 4 GiB: a batch's hits and its texts are both
/// bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextList {
    bytes: String,
    /// Ends of all texts but the first.
    ends: Vec<u32>,
}

impl TextList {
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.ends.len() + 1
    }

    pub fn get(&self, number: usize) -> Option<&str> {
        let end = match number {
            0 => 0,
            _ => *self.ends.get(number - 1)? as usize,
        };
        let start = if number < 2 { 0 } else { self.ends[number - 2] as usize };
        Some(&self.bytes[start..end])
    }

    /// Appends a text, even if it is there already; its number is the length before.
    pub fn push(&mut self, text: &str) {
        if self.ends.is_empty() {
            // Growing from nothing would take several steps for every batch.
            self.bytes.reserve(FIRST_BYTES.max(text.len()));
            self.ends.reserve(FIRST_TEXTS);
        }
        self.bytes.push_str(text);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a batch is bounded"));
    }

    /// All of them, the first included.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|number| &self[number])
    }
}

const FIRST_BYTES: usize = 64;
const FIRST_TEXTS: usize = 8;

impl Index<usize> for TextList {
    type Output = str;

    #[inline]
    fn index(&self, number: usize) -> &str {
        self.get(number).expect("a text of this list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_numbers() {
        let mut list = TextList::default();
        assert_eq!((list.len(), list.get(0), list.get(1)), (1, Some(""), None));
        for text in ["/a", "", "/é", "/a"] {
            list.push(text);
        }
        assert_eq!(list.iter().collect::<Vec<_>>(), ["", "/a", "", "/é", "/a"]);
        assert_eq!((&list[3], list.get(5)), ("/é", None));
        assert_eq!(list.len(), 5);
    }
}
