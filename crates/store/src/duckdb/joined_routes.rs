//! Routes of a file that a rule of today joins or renames. They stay in the file until it is rewritten; until then what is
//! read counts and names them by the route that they will have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::{ProjectId, TextKind};
use analytics::identity::identity;
use analytics::limits;
use analytics::slots::Slots;
use analytics::tally::Identities;

use crate::types::{RouteRules, StoreError};

/// The outdated routes of a project in one file.
pub struct JoinedRoutes {
    /// Of the project's rules.
    version: u64,
    /// By the id of an outdated route, the id that stands for what it becomes: of the same text if the file has it, or
    /// else of the first route that becomes it. 0: it is not outdated.
    to: Slots<u32>,
    /// By the id that stands for it.
    names: HashMap<u32, Arc<str>>,
}

impl JoinedRoutes {
    /// None if no route is outdated.
    fn read(
        project: u32,
        rules: &dyn RouteRules,
        version: u64,
        each_route: &EachRoute<'_>,
    ) -> Result<Option<JoinedRoutes>, StoreError> {
        let mut outdated: Vec<(u32, Arc<str>)> = Vec::new();
        let mut stands_for: HashMap<Arc<str>, u32> = HashMap::new();
        each_route(&mut |id, route| {
            let joined = rules.join(ProjectId(project), route).filter(|joined| joined != route);
            let Some(joined) = joined else { return };
            let name = match stands_for.get_key_value(&*joined) {
                Some((name, _)) => name.clone(),
                None => Arc::from(joined),
            };
            let first = stands_for.entry(name.clone()).or_insert(id);
            *first = id.min(*first);
            outdated.push((id, name));
        })?;
        if outdated.is_empty() {
            return Ok(None);
        }
        each_route(&mut |id, route| {
            if let Some(first) = stands_for.get_mut(route) {
                *first = id;
            }
        })?;
        let mut to = Slots::default();
        outdated.iter().for_each(|(id, name)| *to.slot(*id) = stands_for[name]);
        let names = stands_for.into_iter().map(|(name, id)| (id, name)).collect();
        Ok(Some(JoinedRoutes { version, to, names }))
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// The id that stands for this route, which may be the same.
    #[inline]
    pub fn id(&self, route: u32) -> u32 {
        match self.to.get(route) {
            Some(&to) if to > 0 => to,
            _ => route,
        }
    }

    /// The name of an id that stands for joined routes.
    pub fn name(&self, id: u32) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    pub fn is_outdated(&self, route: u32) -> bool {
        self.to.get(route).is_some_and(|to| *to > 0)
    }

    /// Each outdated route with the name of what it becomes.
    pub fn outdated(&self) -> impl Iterator<Item = (u32, &Arc<str>)> {
        let outdated = self.to.iter().filter(|(_, to)| **to > 0);
        outdated.filter_map(|(id, to)| Some((id, self.names.get(to)?)))
    }

    /// Each id that stands for joined routes, with its name.
    pub fn names(&self) -> impl Iterator<Item = (u32, &Arc<str>)> {
        self.names.iter().map(|(id, name)| (*id, name))
    }

    /// Joined routes have the identity of their name, as in a file that has it as a text.
    pub fn put_into(&self, identities: &mut Identities) {
        for (id, name) in &self.names {
            identities.put(TextKind::Route, *id, identity(name.as_bytes()));
        }
    }

    fn bytes(&self) -> usize {
        let names = self.names.values().map(|name| name.len() + NAME_OVERHEAD).sum::<usize>();
        size_of::<JoinedRoutes>() + self.to.bytes() + names
    }
}

/// Bytes of a name besides its text, roughly.
const NAME_OVERHEAD: usize = 60;
/// The same of a file and project.
const ENTRY_OVERHEAD: usize = 120;

/// Passes all routes of a project in a file, with their ids.
pub type EachRoute<'a> = dyn Fn(&mut dyn FnMut(u32, &str)) -> Result<(), StoreError> + 'a;

/// The rules of reads, and what is outdated by them in sealed files, whose texts never change.
#[derive(Clone, Default)]
pub struct ReadRoutes {
    pub rules: Option<Arc<dyn RouteRules>>,
    pub cache: Arc<JoinedRoutesCache>,
}

impl ReadRoutes {
    /// The route that a rule of today makes of one. None: it stays as it is.
    pub fn join(&self, project: u32, route: &str) -> Option<Arc<str>> {
        let joined = self.rules.as_ref()?.join(ProjectId(project), route)?;
        (joined != route).then(|| Arc::from(joined))
    }

    /// None: the project has no outdated route in the file. `kept_as`: the name of a sealed file.
    pub fn of_file(
        &self,
        kept_as: Option<&str>,
        project: u32,
        each_route: &EachRoute<'_>,
    ) -> Result<Option<Arc<JoinedRoutes>>, StoreError> {
        let Some(rules) = &self.rules else { return Ok(None) };
        let version = rules.version_of(ProjectId(project));
        if version == 0 {
            return Ok(None);
        }
        if let Some(known) = kept_as.and_then(|file| self.cache.get(file, project, version)) {
            return Ok(known.found);
        }
        let found = JoinedRoutes::read(project, &**rules, version, each_route)?.map(Arc::new);
        if let Some(file) = kept_as {
            self.cache.put(file, project, OfFile { version, found: found.clone() });
        }
        Ok(found)
    }
}

/// Bounded by bytes, and emptied once it is full.
#[derive(Default)]
pub struct JoinedRoutesCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// By file and project.
    files: HashMap<(String, u32), OfFile>,
    bytes: usize,
}

/// By the rules of this version.
#[derive(Clone)]
struct OfFile {
    version: u64,
    found: Option<Arc<JoinedRoutes>>,
}

impl OfFile {
    fn bytes(&self) -> usize {
        ENTRY_OVERHEAD + self.found.as_ref().map_or(0, |joined| joined.bytes())
    }
}

impl JoinedRoutesCache {
    fn get(&self, file: &str, project: u32, version: u64) -> Option<OfFile> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_file = known.files.get(&(file.to_owned(), project))?;
        (of_file.version == version).then(|| of_file.clone())
    }

    fn put(&self, file: &str, project: u32, of_file: OfFile) {
        let (bytes, most) = (of_file.bytes(), limits::JOINED_ROUTES_BYTES as usize);
        if bytes > most {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.bytes + bytes > most {
            *known = Known::default();
        }
        known.bytes += bytes;
        if let Some(before) = known.files.insert((file.to_owned(), project), of_file) {
            known.bytes -= before.bytes();
        }
    }

    /// After an erasure.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_of_one_version_and_bounded() {
        let cache = JoinedRoutesCache::default();
        let found = |project, version| Some(cache.get("a", project, version)?.found.is_some());
        let joined = |version| {
            let names = HashMap::from([(1, Arc::from("/a/{slug}"))]);
            let found = Some(Arc::new(JoinedRoutes { version, to: Slots::default(), names }));
            OfFile { version, found }
        };
        let bytes = || cache.0.lock().unwrap().bytes;
        cache.put("a", 1, OfFile { version: 1, found: None });
        assert_eq!([found(1, 1), found(1, 2), found(2, 1)], [Some(false), None, None]);
        cache.put("a", 1, joined(2));
        assert_eq!([found(1, 1), found(1, 2)], [None, Some(true)]);
        let of_one = bytes();
        cache.put("a", 1, joined(3));
        assert_eq!(bytes(), of_one, "it takes the other's place");
        let most = limits::JOINED_ROUTES_BYTES as usize;
        for project in 0..(2 * most / of_one) as u32 {
            cache.put("b", project, joined(1));
            assert!(bytes() <= most);
        }
        assert_eq!(found(1, 3), None, "it was full once");
        cache.clear();
        assert_eq!(bytes(), 0);
    }
}
