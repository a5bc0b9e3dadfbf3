//! An LRU cache of the identities and words of sealed files, bounded by bytes: a page queries the same ones every few
//! seconds, and a sealed file never changes.
//!
//! It contains callers' addresses. An erasure clears it once the replaced files, and all their readers, are gone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::limits;

use super::names::{FileTexts, Wanted};

#[derive(Default)]
pub struct NamesCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// The most recently used last.
    entries: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    file: String,
    project: u32,
    wanted: Wanted,
    texts: Arc<FileTexts>,
    bytes: usize,
}

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
        let bytes = texts.bytes();
        let most = limits::NAMES_CACHE_BYTES as usize;
        // One project must not evict all others.
        if bytes > most / 2 {
            return;
        }
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry { file: file.to_owned(), project, wanted, texts: texts.clone(), bytes };
        cache.entries.push_back(entry);
        cache.bytes += bytes;
        while cache.bytes > most {
            let Some(oldest) = cache.entries.pop_front() else { break };
            cache.bytes -= oldest.bytes;
        }
    }

    /// After an erasure.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analytics::hit::TextKind;

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
        let each = texts.bytes();
        for n in 0..(2 * most / each) as u32 {
            cache.put("a", n, wanted(&[]), &texts);
        }
        assert!(cache.0.lock().unwrap().bytes <= most);
        assert!(cache.get("a", 0, &wanted(&[])).is_none());
        cache.clear();
        assert!(cache.0.lock().unwrap().entries.is_empty());
    }
}
