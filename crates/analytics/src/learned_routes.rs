//! Routes learned from paths: if more than `route_values` values follow the same prefix, that place in the path is a
//! parameter (`/articles/{slug}`), and its values are one endpoint instead of a million.
//!
//! Learns only from paths whose client sent no route, and only from requests that were served. The result depends on
//! the order of requests alone. Segments are kept as hashes, so that no value can be read here; the templates
//! themselves are text.

mod kind;
mod place;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use kind::Kind;
use place::Place;

use crate::limits;

/// The route of requests that no handler served, once a project has had `route_unmatched` different ones: a scanner's.
pub const UNMATCHED: &str = "other paths that no route matches";

/// A place that is a parameter, or must not become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Template {
    /// The path up to and including the place: `/articles/{slug}`.
    pub template: String,
    /// The owner added, renamed or refused it.
    pub by_owner: bool,
    /// Its values stay endpoints of their own.
    pub refused: bool,
    /// Words at this place with an endpoint of their own, because they are frequent or the owner decided so.
    pub kept_words: usize,
}

/// A template that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("a template begins with /")]
    NoSlash,
    #[error("a template has at most {} segments", limits::ROUTE_SEGMENTS)]
    TooDeep,
    #[error("a template has at most {} characters", limits::ROUTE_TEMPLATE_CHARACTERS)]
    TooLong,
    #[error(
        "a parameter's name is a lower-case letter followed by up to {} lower-case letters, digits or _",
        limits::ROUTE_NAME_CHARACTERS - 1
    )]
    BadName,
    #[error("only a template that ends in a parameter, such as /articles/{{slug}}, can be refused")]
    NotAParameter,
    #[error("this project has as many learned words as it may have ({})", limits::ROUTE_WORDS)]
    Full,
}

/// The answers to the requests of one path, as evidence that the path exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    /// Something served the request.
    pub served: u32,
    /// Turned away as any path might be: not found, not allowed, redirected.
    pub turned_away: u32,
    /// No evidence: a gateway that reached no server.
    pub unclear: u32,
}

impl Answers {
    pub fn add(&mut self, status: u16) {
        match status {
            200..=299 | 304 | 409 | 412 | 422 | 500 => self.served += 1,
            300..=399 | 400 | 401 | 403..=405 | 410 | 414 | 429 => self.turned_away += 1,
            _ => self.unclear += 1,
        }
    }

    pub fn count(&self) -> u32 {
        self.served + self.turned_away + self.unclear
    }
}

/// Templates and words learned from the paths of one project. Bounded by `route_words`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LearnedRoutes {
    /// Key of the hashes: hashes of two projects cannot be compared, and no client can choose paths whose hashes
    /// collide.
    key: (u64, u64),
    root: Place,
    words: usize,
    unmatched: HashSet<u64>,
    /// Routes that clients have sent.
    #[serde(default)]
    sent: HashSet<u64>,
    #[serde(skip, default = "most_words")]
    most_words: usize,
    /// Grows with every change worth saving, apart from counts.
    #[serde(skip)]
    version: u64,
    /// Grows with every change of a template.
    #[serde(skip)]
    templates_version: u64,
    /// Found out when it is first asked for.
    #[serde(skip)]
    has_templates: OnceCell<bool>,
}

/// A path followed through what is known.
struct Walked {
    /// To its end.
    is_known: bool,
    /// A segment is a parameter's value.
    by_template: bool,
}

impl LearnedRoutes {
    /// `key`: random.
    pub fn new(key: (u64, u64)) -> LearnedRoutes {
        LearnedRoutes {
            key,
            root: Place::default(),
            words: 0,
            unmatched: HashSet::new(),
            sent: HashSet::new(),
            most_words: most_words(),
            version: 0,
            templates_version: 0,
            has_templates: OnceCell::new(),
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn templates_version(&self) -> u64 {
        self.templates_version
    }

    /// Whether `join` may say anything of any route.
    pub fn has_templates(&self) -> bool {
        *self.has_templates.get_or_init(|| self.root.has_parameter_below())
    }

    /// Becomes what another server has learned.
    pub fn become_like(&mut self, other: LearnedRoutes) {
        *self = LearnedRoutes {
            most_words: self.most_words,
            version: self.version + 1,
            templates_version: self.templates_version + 1,
            ..other
        };
    }

    /// Number of known words, for a budget over all projects.
    pub fn words(&self) -> usize {
        self.words
    }

    /// `room`: the number of words that may be added within that budget.
    pub fn limit_words(&mut self, room: usize) {
        self.most_words = most_words().min(self.words.saturating_add(room));
    }

    /// Learns from a path, in which `derive_route` has put its `{id}`s.
    pub fn observe(&mut self, path: &str, answers: Answers) {
        if answers.served == 0 || is_too_long(path) {
            return;
        }
        let mut hits = answers.count();
        // At most once for each place of the path.
        for _ in 0..limits::ROUTE_SEGMENTS {
            let Some(start) = self.count(path, hits) else { break };
            self.name_or_join(path, start);
            hits = 0;
        }
    }

    /// The start of a place that has too many words now, or of a parameter without a text.
    fn count(&mut self, path: &str, hits: u32) -> Option<usize> {
        let mut place = &mut self.root;
        for (start, segment) in segments(path).take(limits::ROUTE_SEGMENTS as usize) {
            let hash = hash(self.key, segment);
            if !place.has_way(hash) {
                if place.is_refused() || self.words >= self.most_words {
                    return None;
                }
                place.add_word(hash, Kind::of(segment));
                self.words += 1;
                self.version += 1;
            }
            place.count(hash, hits.into());
            if place.is_crowded() || place.lacks_prefix() {
                return Some(start);
            }
            place = place.way_mut(hash)?;
        }
        None
    }

    fn name_or_join(&mut self, path: &str, start: usize) {
        let mut prefix = String::new();
        self.walk(&path[..start - 1], &mut prefix);
        prefix.push('/');
        let (mut place, mut depth) = (Some(&mut self.root), 0);
        for (_, segment) in segments(&path[..start - 1]) {
            let hash = hash(self.key, segment);
            place = place.and_then(|place| place.way_mut(hash));
            depth += 1;
        }
        match place {
            Some(place) if place.has_parameter() => place.set_prefix(&prefix),
            Some(place) => place.join(&prefix, depth),
            None => {}
        }
        self.note_templates();
    }

    /// Forgets the words of paths in learned templates, which may belong to an erased person; later requests teach them
    /// again. Routes stay as they are.
    pub fn forget_texts(&mut self) {
        self.root.forget_texts();
        self.note_templates();
    }

    fn note_templates(&mut self) {
        self.words = self.root.words_below();
        self.version += 1;
        self.templates_version += 1;
        self.has_templates = OnceCell::new();
    }

    /// Writes the route of a path (with `{id}`s) over `route`.
    pub fn put_route(&mut self, path: &str, answers: Answers, route: &mut String) {
        route.clear();
        let is_known = self.walk(path, route).is_known;
        if is_known || answers.turned_away == 0 || answers.turned_away < answers.count() {
            return;
        }
        let hash = hash(self.key, route);
        if self.unmatched.contains(&hash) {
            return;
        }
        if self.unmatched.len() as u64 >= limits::ROUTE_UNMATCHED {
            route.clear();
            route.push_str(UNMATCHED);
        } else {
            self.unmatched.insert(hash);
            self.version += 1;
        }
    }

    /// Takes notice of a route that a client has sent: it stays what it is.
    pub fn note_sent(&mut self, route: &str) {
        if self.knows_too_many_sent() {
            return;
        }
        if self.sent.insert(hash(self.key, route)) {
            self.version += 1;
        }
    }

    /// Then nobody knows which routes are a client's own.
    fn knows_too_many_sent(&self) -> bool {
        self.sent.len() as u64 >= limits::ROUTES_SENT
    }

    /// The route by today's templates of requests that were given `route` by those of earlier; it may be the same. None: no template
    /// says anything of it.
    pub fn join(&self, route: &str) -> Option<String> {
        if is_too_long(route) || self.knows_too_many_sent() {
            return None;
        }
        let mut joined = String::with_capacity(route.len());
        let walked = self.walk(route, &mut joined);
        (walked.by_template && !self.sent.contains(&hash(self.key, route))).then_some(joined)
    }

    /// Appends the route of a path.
    fn walk(&self, path: &str, route: &mut String) -> Walked {
        let mut place = Some(&self.root);
        let mut by_template = false;
        let mut copied = 0;
        for (start, segment) in segments(path).take(limits::ROUTE_SEGMENTS as usize) {
            let Some(here) = place else { break };
            let (next, parameter) = here.way(hash(self.key, segment));
            place = next;
            if let Some(name) = parameter {
                by_template = true;
                route.push_str(&path[copied..start]);
                route.push_str(&in_braces(name));
                copied = start + segment.len();
            }
        }
        route.push_str(&path[copied..]);
        Walked { is_known: place.is_some(), by_template }
    }

    /// In the order of their texts.
    pub fn templates(&self) -> Vec<Template> {
        let mut templates = Vec::new();
        self.root.add_templates(&mut templates);
        templates.sort_by(|a, b| a.template.cmp(&b.template));
        templates
    }

    /// The owner's decision on the last place of a template: it is a parameter of that name, or (`refused`) never one.
    /// A template that ends in a fixed word keeps that word apart from the parameter at its place.
    pub fn decide(&mut self, template: &str, refused: bool) -> Result<(), TemplateError> {
        if !template.starts_with('/') {
            return Err(TemplateError::NoSlash);
        }
        if is_too_long(template) {
            return Err(TemplateError::TooLong);
        }
        let segments: Vec<(usize, &str)> = segments(template).collect();
        if segments.len() as u64 > limits::ROUTE_SEGMENTS {
            return Err(TemplateError::TooDeep);
        }
        let mut names = Vec::with_capacity(segments.len());
        for (_, segment) in &segments {
            names.push(parameter_name(segment)?);
        }
        if refused && names.last().is_none_or(Option::is_none) {
            return Err(TemplateError::NotAParameter);
        }
        if self.words + segments.len() > most_words() {
            return Err(TemplateError::Full);
        }
        let mut place = &mut self.root;
        for (number, ((start, segment), name)) in segments.iter().zip(names).enumerate() {
            let is_last = number + 1 == segments.len();
            let prefix = &template[..*start];
            place = match name {
                Some(name) if is_last => {
                    place.decide(prefix, name, refused);
                    break;
                }
                Some(name) if *segment != DERIVED || place.has_parameter() => {
                    place.parameter_mut(prefix, name)
                }
                _ => place.keep_word(hash(self.key, segment), Kind::of(segment), is_last),
            };
        }
        self.note_templates();
        Ok(())
    }
}

/// In bytes; a character has one or more.
fn is_too_long(path: &str) -> bool {
    path.len() as u64 > limits::ROUTE_TEMPLATE_CHARACTERS
}

fn most_words() -> usize {
    limits::ROUTE_WORDS as usize
}

/// `derive_route` writes this for a segment that is an id.
const DERIVED: &str = "{id}";

/// The start and text of each segment of a path. Empty if the path has no leading slash.
fn segments(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let rest = path.strip_prefix('/');
    let mut start = 1;
    rest.into_iter().flat_map(|rest| rest.split('/')).map(move |segment| {
        let begins = start;
        start += segment.len() + 1;
        (begins, segment)
    })
}

/// None: a fixed word.
fn parameter_name(segment: &str) -> Result<Option<&str>, TemplateError> {
    let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return if segment.contains(['{', '}']) { Err(TemplateError::BadName) } else { Ok(None) };
    };
    let is_good = name.len() as u64 <= limits::ROUTE_NAME_CHARACTERS
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_good { Ok(Some(name)) } else { Err(TemplateError::BadName) }
}

fn in_braces(name: &str) -> String {
    format!("{{{name}}}")
}

fn hash((a, b): (u64, u64), text: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(a, b);
    hasher.write(text.as_bytes());
    hasher.finish()
}
