//! The order in which a sealed file has its texts: by kind, project and text.
//!
//! Texts that are compared one with another in full lie anywhere in memory, and those of a project begin alike: sorting
//! them so was a sixth of the work of building files. So each is represented by its first bytes after those that all of
//! its kind and project share, and read again only where these are equal.

use std::collections::BTreeMap;

/// A text, by all that its place in the order depends on.
pub trait Text {
    fn kind(&self) -> u8;
    fn project(&self) -> u32;
    fn literal(&self) -> &str;
}

/// Bytes of a text that represent it, besides one that tells whether it is empty.
const BYTES: usize = 15;

/// The place of a text, and what represents it.
type Key = (u64, u64, u32);

/// The places of texts in order; of equal ones the first comes first. Texts that are partly in order are sorted faster.
pub fn order<T: Text>(texts: &[T]) -> Vec<u32> {
    let mut groups: BTreeMap<(u8, u32), Vec<Key>> = BTreeMap::new();
    for (place, stretch) in stretches(texts) {
        let group = groups.entry((stretch[0].kind(), stretch[0].project())).or_default();
        group.extend((place..).zip(stretch).map(|(place, _)| (0, 0, place)));
    }
    let mut order = Vec::with_capacity(texts.len());
    for mut group in groups.into_values() {
        let of = |key: &Key| &texts[key.2 as usize];
        let shared = shared(group.iter().map(|key| of(key).literal()));
        for key in &mut group {
            let text = &texts[key.2 as usize];
            (key.0, key.1) = represent(&text.literal()[shared..]);
        }
        group.sort_by(|one, other| {
            let by_key = (one.0, one.1).cmp(&(other.0, other.1));
            by_key.then_with(|| of(one).literal().cmp(of(other).literal()))
        });
        order.extend(group.into_iter().map(|(_, _, place)| place));
    }
    order
}

/// Neighbours of the same kind and project, with the place of the first.
fn stretches<T: Text>(texts: &[T]) -> impl Iterator<Item = (u32, &[T])> {
    let alike = |one: &T, other: &T| (one.kind(), one.project()) == (other.kind(), other.project());
    texts.chunk_by(alike).scan(0, |place, stretch| {
        let first = *place;
        *place += stretch.len() as u32;
        Some((first, stretch))
    })
}

/// The number of bytes with which all begin, up to the start of a character.
fn shared<'a>(mut texts: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = texts.next() else { return 0 };
    let mut shared = first.len();
    for text in texts {
        if shared == 0 {
            break;
        }
        let (one, other) = (&first.as_bytes()[..shared], text.as_bytes());
        if other.get(..shared) != Some(one) {
            shared = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        }
    }
    while !first.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// Numbers in the order of the texts they are made of, or equal ones.
fn represent(text: &str) -> (u64, u64) {
    if text.is_empty() {
        return (0, 0);
    }
    let mut bytes = [0; BYTES + 1];
    bytes[0] = 1;
    let length = text.len().min(BYTES);
    bytes[1..=length].copy_from_slice(&text.as_bytes()[..length]);
    let number = u128::from_be_bytes(bytes);
    ((number >> 64) as u64, number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Plain(u8, u32, String);

    impl Text for Plain {
        fn kind(&self) -> u8 {
            self.0
        }
        fn project(&self) -> u32 {
            self.1
        }
        fn literal(&self) -> &str {
            &self.2
        }
    }

    fn check(texts: &[Plain]) {
        let mut wanted: Vec<u32> = (0..texts.len() as u32).collect();
        wanted.sort_by_key(|place| {
            let Plain(kind, project, literal) = &texts[*place as usize];
            (*kind, *project, literal.as_bytes())
        });
        assert_eq!(order(texts), wanted);
    }

    #[test]
    fn texts_have_the_order_of_their_bytes() {
        let mut seed = 7u64;
        let mut random = |n: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        // Of few letters, so that many begin alike or are equal; NUL, and a character of which one byte may be shared.
        let letters = ["a", "b", "\0", "é", "è", "/"];
        for round in 0..200 {
            let begin =
                ["", "/v1/resources/", "é", "/v1/that is longer than what represents a text/"];
            let begin = begin[round % 4];
            let texts: Vec<Plain> = (0..random(120))
                .map(|_| {
                    let (kind, project) = (random(2) as u8, random(3) as u32);
                    let end: String =
                        (0..random(20)).map(|_| letters[random(6) as usize]).collect();
                    Plain(kind, project, format!("{begin}{end}"))
                })
                .collect();
            check(&texts);
        }
        check(&[]);
    }

    #[test]
    fn what_is_shared_ends_with_a_character() {
        let of = |texts: &[&str]| shared(texts.iter().copied());
        assert_eq!(of(&["/v1/a", "/v1/b", "/v1/"]), 4);
        assert_eq!(of(&["/é", "/è"]), 1);
        assert_eq!(of(&["same", "same"]), 4);
        assert_eq!(of(&["", "x"]), 0);
        assert_eq!(of(&[]), 0);
    }
}
