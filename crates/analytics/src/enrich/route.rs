//! The route of a path whose client sent none: segments that look like an id become `{id}`; other parameters are
//! learned from the project's paths (`learned_routes`).
//!
//! The look of a segment says little: one that might be a word stays, because it is worse to show two endpoints as one
//! than one as two.

use std::sync::{Mutex, PoisonError};

use crate::hit::TextKind;
use crate::ingest::{PostedHit, Texts};
use crate::learned_routes::{Answers, LearnedRoutes};
use crate::limits;

/// A run of hexadecimal digits from this length on is an id: no word has sixteen letters from a to f.
const LONG_HEX: usize = 16;

/// `/users/42/orders` to `/users/{id}/orders`: numbers, UUIDs and long hexadecimal numbers.
pub fn derive_route(path: &str) -> String {
    let mut route = String::with_capacity(path.len());
    derive_into(path, &mut route);
    route
}

/// Replaces the content of `route`.
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

/// The number of each path's route, by the path's number; 0 for paths whose hits all have a route.
pub(super) fn put_routes(
    hits: &[PostedHit],
    texts: &mut Texts,
    learned: Option<&Mutex<LearnedRoutes>>,
) -> Vec<u32> {
    if let Some(learned) = learned
        && texts.all(TextKind::Route).len() > 1
    {
        let mut learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
        texts.all(TextKind::Route).iter().skip(1).for_each(|route| learned.note_sent(route));
    }
    let paths = texts.take(TextKind::Path);
    let mut answers = vec![Answers::default(); paths.len()];
    for hit in hits.iter().filter(|hit| hit.texts[TextKind::Route as usize] == 0) {
        answers[hit.texts[TextKind::Path as usize] as usize].add(hit.status);
    }
    if answers.iter().all(|answers| answers.count() == 0) {
        texts.give_back(TextKind::Path, paths);
        return vec![0; answers.len()];
    }
    let wanted = || (0..paths.len()).filter(|path| answers[*path].count() > 0);
    let mut numbers = vec![0; paths.len()];
    let (mut derived, mut route) = (String::new(), String::new());
    match learned {
        None => {
            for path in wanted() {
                derive_into(&paths[path], &mut derived);
                numbers[path] = texts.put(TextKind::Route, &derived);
            }
        }
        Some(learned) => {
            let mut learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
            // Learns the whole batch first: a batch of a million slugs must not begin with a hundred endpoints of its
            // own.
            for path in wanted() {
                derive_into(&paths[path], &mut derived);
                learned.observe(&derived, answers[path]);
            }
            for path in wanted() {
                derive_into(&paths[path], &mut derived);
                learned.put_route(&derived, answers[path], &mut route);
                numbers[path] = texts.put(TextKind::Route, &route);
            }
        }
    }
    texts.give_back(TextKind::Path, paths);
    numbers
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
