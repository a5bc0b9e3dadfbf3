//! An LRU cache of the identities and words of sealed files, bounded by bytes: a page queries the same ones every few
//! seconds, and a sealed file never changes.
//!
//! It contains callers' addresses. An erasure clears it once the replaced files, and all their readers, are gone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::limits;

use super::names::{FileTexts, Wanted};

/// A text of a file and project.
pub type TextId = (TextKind, u32);

/// A text with its name.
pub type NameOf = (TextId, Arc<str>);

#[derive(Default)]
pub struct NamesCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// The most recently used last.
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Names of rows that were shown, by file and project: to find them among a file's texts takes longer than all else
    /// where these are very many.
    shown: HashMap<(String, u32), HashMap<TextId, Arc<str>>>,
    shown_bytes: usize,
}

struct Entry {
    file: String,
    project: u32,
    wanted: Wanted,
    texts: Arc<FileTexts>,
    bytes: usize,
}

/// Bytes of a name in the cache besides its text, roughly.
const NAME_OVERHEAD: usize = 80;

impl NamesCache {
    pub fn get(&self, file: &str, project: u32, wanted: &Wanted) -> Option<Arc<FileTexts>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |entry: &Entry| {
            entry.project == project && entry.file == file && entry.wanted == *wanted
        };
        let at = cache.entries.iter().position(is_it)?;
        let entry = cache.entries.remove(at)?;
        let texts = entry.texts.clone();
        cache.entries.push_back(entry);
        Some(texts)
    }

    pub fn put(&self, file: &str, project: u32, wanted: Wanted, texts: &Arc<FileTexts>) {
        let bytes = texts.bytes().max(limits::NAMES_ENTRY_BYTES as usize);
        let most = limits::NAMES_CACHE_BYTES as usize;
        // One project must not evict all others.
        if bytes > most / 2 {
            return;
        }
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |entry: &Entry| {
            entry.project == project && entry.file == file && entry.wanted == wanted
        };
        if let Some(known) =
            cache.entries.iter().position(is_it).and_then(|at| cache.entries.remove(at))
        {
            cache.bytes -= known.bytes;
        }
        let entry = Entry { file: file.to_owned(), project, wanted, texts: texts.clone(), bytes };
        cache.entries.push_back(entry);
        cache.bytes += bytes;
        while cache.bytes > most {
            let Some(oldest) = cache.entries.pop_front() else { break };
            cache.bytes -= oldest.bytes;
        }
    }

    /// The known ones of these names.
    pub fn shown(&self, file: &str, project: u32, ids: &[TextId]) -> Vec<NameOf> {
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = cache.shown.get(&(file.to_owned(), project)) else { return Vec::new() };
        ids.iter().filter_map(|id| Some((*id, names.get(id)?.clone()))).collect()
    }

    pub fn put_shown(&self, file: &str, project: u32, names: &[NameOf]) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: usize = names.iter().map(|(_, name)| name.len() + NAME_OVERHEAD).sum();
        if cache.shown_bytes + bytes > limits::SHOWN_NAMES_BYTES as usize {
            // Pages that are asked for soon make it anew.
            (cache.shown, cache.shown_bytes) = (HashMap::new(), 0);
        }
        cache.shown_bytes += bytes;
        cache.shown.entry((file.to_owned(), project)).or_default().extend(names.iter().cloned());
    }

    /// After an erasure.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(identities: &[TextKind]) -> Wanted {
        Wanted { identities: identities.to_vec(), ..Wanted::default() }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = NamesCache::default();
        let texts = Arc::new(FileTexts::default());
        cache.put("a", 1, wanted(&[TextKind::Route]), &texts);
        assert!(cache.get("a", 1, &wanted(&[TextKind::Route])).is_some());
        assert!(cache.get("a", 2, &wanted(&[TextKind::Route])).is_none());
        assert!(cache.get("b", 1, &wanted(&[TextKind::Route])).is_none());
        let most = limits::NAMES_CACHE_BYTES as usize;
        for n in 0..(2 * most / limits::NAMES_ENTRY_BYTES as usize) as u32 {
            cache.put("a", n, wanted(&[]), &texts);
        }
        assert!(cache.0.lock().unwrap().bytes <= most);
        assert!(cache.get("a", 0, &wanted(&[])).is_none());
        cache.clear();
        assert!(cache.0.lock().unwrap().entries.is_empty());
    }

    #[test]
    fn names_that_were_shown_are_kept_within_their_room() {
        let cache = NamesCache::default();
        let name = |id: u32| ((TextKind::User, id), Arc::<str>::from("n".repeat(920)));
        cache.put_shown("a", 1, &[name(1), name(2)]);
        let found = cache.shown("a", 1, &[name(2).0, name(3).0]);
        assert_eq!(found, [name(2)]);
        assert!(cache.shown("a", 2, &[name(2).0]).is_empty());
        let most = limits::SHOWN_NAMES_BYTES as u32 / 1_000;
        (0..2 * most).for_each(|id| cache.put_shown("b", 1, &[name(id)]));
        let of_b: Vec<_> = (0..2 * most).map(|id| name(id).0).collect();
        assert!((1..=most as usize).contains(&cache.shown("b", 1, &of_b).len()));
        assert!(cache.shown("a", 1, &[name(2).0]).is_empty());
        cache.clear();
        assert!(cache.shown("b", 1, &of_b).is_empty());
    }
}
