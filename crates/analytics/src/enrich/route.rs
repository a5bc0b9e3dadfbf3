//! The route of a path where the client sent none: segments that name one of many things become `{id}`.
//!
//! A guess, and a careful one: a segment that might be a word stays, because two endpoints drawn as one are worse than
//! one drawn as two.

use crate::hit::Text;
use crate::ingest::Texts;
use crate::limits;
use crate::text_list::TextList;

/// A run of hexadecimal digits from this length on is an id: no word has sixteen letters from a to f.
const LONG_HEX: usize = 16;

/// `/users/42/orders` to `/users/{id}/orders`: numbers, UUIDs and long hexadecimal numbers.
pub fn derive_route(path: &str) -> String {
    let mut route = String::with_capacity(path.len());
    derive_into(path, &mut route);
    route
}

/// Replaces what `route` holds.
fn derive_into(path: &str, route: &mut String) {
    route.clear();
    let mut copied = 0;
    let mut start = 0;
    while start <= path.len() {
        let end = memchr::memchr(b'/', &path.as_bytes()[start..])
            .map_or(path.len(), |slash| start + slash);
        if is_id(&path.as_bytes()[start..end]) {
            route.push_str(&path[copied..start]);
            route.push_str("{id}");
            copied = end;
        }
        start = end + 1;
    }
    route.push_str(&path[copied..]);
    // A path of very many short numbers grows.
    if route.len() > limits::ROUTE_CHARACTERS as usize
        && let Some((end, _)) = route.char_indices().nth(limits::ROUTE_CHARACTERS as usize)
    {
        route.truncate(end);
    }
}

fn is_id(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [first, ..] if !first.is_ascii_hexdigit() => false,
        _ if bytes.iter().all(u8::is_ascii_digit) => true,
        _ if bytes.len() == 36 => is_uuid(bytes),
        _ => bytes.len() >= LONG_HEX && bytes.iter().all(u8::is_ascii_hexdigit),
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    }) || bytes.iter().all(u8::is_ascii_hexdigit)
}

/// The derived routes of one batch, one for each distinct path.
pub(super) struct Routes {
    paths: TextList,
    /// By number of the path; `NOT_YET` until it is asked for.
    numbers: Vec<u32>,
    route: String,
}

const NOT_YET: u32 = u32::MAX;

impl Routes {
    /// Takes the paths out of `texts` until `give_back`, so that routes can be put there meanwhile.
    pub fn new(texts: &mut Texts) -> Routes {
        let paths = texts.take(Text::Path);
        Routes { numbers: vec![NOT_YET; paths.len()], paths, route: String::new() }
    }

    #[inline]
    pub fn number(&mut self, texts: &mut Texts, path: u32) -> u32 {
        let number = &mut self.numbers[path as usize];
        if *number == NOT_YET {
            derive_into(&self.paths[path as usize], &mut self.route);
            *number = texts.put(Text::Route, &self.route);
        }
        *number
    }

    pub fn give_back(self, texts: &mut Texts) {
        texts.give_back(Text::Path, self.paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_placeholders_and_words_stay() {
        for (path, route) in [
            ("/", "/"),
            ("", ""),
            ("/users/42/update", "/users/{id}/update"),
            ("/users/42", "/users/{id}"),
            ("/users/42/", "/users/{id}/"),
            ("/a/3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11", "/a/{id}"),
            ("/a/3F0C1C4E2B1A4F0E9A525D1C7B2F9E11/b/7", "/a/{id}/b/{id}"),
            ("/m/507f1f77bcf86cd799439011", "/m/{id}"),
            ("/v1/users", "/v1/users"),
            ("/v2/items/1.5", "/v2/items/1.5"),
            ("/2fa/setup", "/2fa/setup"),
            ("/cafe/deadbeef", "/cafe/deadbeef"),
            ("/orders/A-42", "/orders/A-42"),
            ("/x/3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e1g", "/x/3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e1g"),
            ("//1//", "//{id}//"),
            ("/größe/7", "/größe/{id}"),
        ] {
            assert_eq!(derive_route(path), route, "{path}");
        }
    }

    #[test]
    fn a_derived_route_is_bounded() {
        let path = "/1".repeat(1_024);
        assert_eq!(derive_route(&path).chars().count(), limits::ROUTE_CHARACTERS as usize);
    }
}
