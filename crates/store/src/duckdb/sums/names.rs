//! Reads a file's texts as far as sums need them: identities, derived words, and the names of the few shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::identity::{Ipv4Text, ipv4_range};
use analytics::query::SumsQuery;
use analytics::slots::{Ids, Slots};
use analytics::tally::{Dimension, Identities, Needs, Words};
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type};

use crate::duckdb::joined_routes::JoinedRoutes;
use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql;
use crate::types::StoreError;

/// Identities and derived words of a file's texts, which may be cached until an erasure (`cache`).
#[derive(Default)]
pub struct FileTexts {
    pub identities: Arc<Identities>,
    /// Of the same rules as the identities.
    pub joined: Option<Arc<JoinedRoutes>>,
    words: FileWords,
}

/// The kinds that it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub identities: Vec<TextKind>,
    pub words: Vec<TextKind>,
    /// Only identities of the consumers that the file's rollups list, instead of all.
    pub listed_consumers: bool,
    /// Besides, those of consumers of hits that were kept (`crowd`).
    pub kept_consumers: bool,
    /// The version of the rules that join routes of the file; 0: they join none.
    pub joined: u64,
}

impl Wanted {
    pub fn of(query: &SumsQuery) -> Wanted {
        let needs = query.all_needs();
        let has_identity = |kind: &TextKind| {
            let by_need = match kind {
                TextKind::User | TextKind::Address => Needs::CONSUMERS | Needs::CONSUMER_SERIES,
                TextKind::Method | TextKind::Route => Needs::ENDPOINTS,
                _ => Needs::default(),
            };
            needs.has(by_need) || query.values.contains(&Dimension::Text(*kind))
        };
        let is_read_from = |kind: &TextKind| {
            query.values.iter().any(|value| {
                !matches!(value, Dimension::Text(_)) && value.needs().has(Needs::text(*kind))
            })
        };
        Wanted {
            identities: TextKind::ALL.into_iter().filter(has_identity).collect(),
            words: [TextKind::Agent, TextKind::Path].into_iter().filter(is_read_from).collect(),
            listed_consumers: false,
            kept_consumers: false,
            joined: 0,
        }
    }

    pub fn with_kept(self) -> Wanted {
        Wanted { kept_consumers: true, ..self }
    }

    pub fn joined_by(self, joined: Option<&JoinedRoutes>) -> Wanted {
        Wanted { joined: joined.map_or(0, JoinedRoutes::version), ..self }
    }

    pub fn of_listed_consumers(mut self) -> Wanted {
        let all = self.identities.len();
        self.identities.retain(|kind| !matches!(kind, TextKind::User | TextKind::Address));
        self.listed_consumers = self.identities.len() < all;
        self
    }
}

/// Words derived from texts. Many user agents are one client, so each word is kept once.
#[derive(Default)]
struct FileWords {
    words: Vec<Arc<str>>,
    /// Indexes in `words`, by id: client, system and device of a user agent; version of a path.
    agents: Slots<[u32; 3]>,
    versions: Slots<u32>,
}

impl FileTexts {
    pub fn of(identities: Arc<Identities>) -> FileTexts {
        FileTexts { identities, ..FileTexts::default() }
    }

    pub fn read(
        file: &OpenFile<'_>,
        project: u32,
        wanted: &Wanted,
        joined: Option<Arc<JoinedRoutes>>,
    ) -> Result<FileTexts, StoreError> {
        let mut texts = FileTexts::default();
        let few: &[TextKind] =
            if wanted.listed_consumers { &[TextKind::User, TextKind::Address] } else { &[] };
        let identities = Arc::new(Mutex::new(Identities::of_few(few)));
        if !wanted.identities.is_empty() {
            let text = sql::sums::identities(file.tables(), project, &wanted.identities);
            let into = identities.clone();
            file.scan_columns(&text, &[], move |chunk| {
                let mut identities = into.lock().unwrap_or_else(PoisonError::into_inner);
                let (kind, id) = (chunk.column(0), chunk.column(1));
                identities.put_all(kind, id, chunk.column(2), chunk.column(3));
            })?;
        }
        if wanted.listed_consumers {
            let text = sql::sums::listed_identities(file.alias(), project);
            let into = identities.clone();
            file.scan_columns(&text, &[], move |chunk| {
                let mut identities = into.lock().unwrap_or_else(PoisonError::into_inner);
                identities.put_known(chunk.column(0), chunk.column(1), chunk.column(2));
            })?;
        }
        let mut identities = identities.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(joined) = &joined {
            joined.put_into(&mut identities);
        }
        texts.identities = Arc::new(std::mem::take(&mut *identities));
        texts.joined = joined;
        if !wanted.words.is_empty() {
            texts.words = FileWords::read(file, project, &wanted.words)?;
        }
        Ok(texts)
    }

    /// About how much memory this takes.
    pub fn bytes(&self) -> usize {
        let words = &self.words;
        size_of::<FileTexts>()
            + self.identities.bytes()
            + words.words.iter().map(|word| word.len() + 32).sum::<usize>()
            + words.agents.bytes()
            + words.versions.bytes()
    }
}

impl FileWords {
    fn read(
        file: &OpenFile<'_>,
        project: u32,
        kinds: &[TextKind],
    ) -> Result<FileWords, StoreError> {
        // The first is "": the word of ids without a row.
        let mut all = FileWords { words: vec![Arc::from("")], ..FileWords::default() };
        let mut place_of: HashMap<Arc<str>, u32> = HashMap::from([(Arc::from(""), 0)]);
        file.each(&sql::sums::words(file.alias(), project, kinds), &[], |batch| {
            let kind = batch.column(0).as_primitive::<UInt8Type>().values();
            let id = batch.column(1).as_primitive::<UInt32Type>().values();
            let mut place = |column: usize, row: usize| {
                let words = batch.column(column).as_string::<i32>();
                let word = if words.is_valid(row) { words.value(row) } else { "" };
                if let Some(known) = place_of.get(word) {
                    return *known;
                }
                let (word, place): (Arc<str>, _) = (Arc::from(word), all.words.len() as u32);
                place_of.insert(word.clone(), place);
                all.words.push(word);
                place
            };
            for (row, (&kind, &id)) in kind.iter().zip(id).enumerate() {
                if kind == TextKind::Agent as u8 {
                    *all.agents.slot(id) = [place(2, row), place(3, row), place(4, row)];
                } else {
                    *all.versions.slot(id) = place(5, row);
                }
            }
        })?;
        Ok(all)
    }
}

impl Words for FileTexts {
    fn number(&self, value: Dimension, id: u32) -> u32 {
        let words = &self.words;
        let of_agent = |n: usize| words.agents.get(id).map(|places| places[n]);
        let place = match value {
            Dimension::Client => of_agent(0),
            Dimension::Os => of_agent(1),
            Dimension::Device => of_agent(2),
            Dimension::Version => words.versions.get(id).copied(),
            Dimension::Country | Dimension::Text(_) => None,
        };
        place.unwrap_or_default()
    }

    fn word(&self, number: u32) -> Arc<str> {
        self.words.words.get(number as usize).cloned().unwrap_or_default()
    }
}

/// Passes the names of these ids to `take`.
pub fn read_names(
    file: &OpenFile<'_>,
    project: u32,
    ids: &[(TextKind, u32)],
    mut take: impl FnMut(TextKind, u32, &str),
) -> Result<(), StoreError> {
    file.each(&sql::sums::texts_of(file.tables(), project, ids), &[], |batch| {
        let kind = batch.column(0).as_primitive::<UInt8Type>();
        let id = batch.column(1).as_primitive::<UInt32Type>();
        let text = batch.column(2).as_string::<i32>();
        for row in 0..batch.num_rows() {
            if let Some(kind) = TextKind::ALL.get(usize::from(kind.value(row))) {
                take(*kind, id.value(row), text.value(row));
            }
        }
    })
}

/// The ids of a kind whose text begins with `prefix`.
pub fn ids_with_prefix(
    file: &OpenFile<'_>,
    project: u32,
    kind: TextKind,
    prefix: &str,
    joined: Option<&JoinedRoutes>,
) -> Result<Ids, StoreError> {
    let mut ids = Ids::default();
    let numbers = ipv4_range(prefix).filter(|_| kind == TextKind::Address);
    let text = sql::sums::with_prefix(file.tables(), project, kind, numbers);
    file.each(&text, &[prefix.to_owned()], |batch| {
        let found = batch.column(0).as_primitive::<UInt32Type>().values();
        let ipv4 = batch.column(1).as_primitive::<UInt32Type>().values();
        for (&id, &ipv4) in found.iter().zip(ipv4) {
            let begins = ipv4 == 0 || Ipv4Text::new(ipv4).as_str().starts_with(prefix);
            if begins && !joined.is_some_and(|joined| joined.is_outdated(id)) {
                ids.put(id);
            }
        }
    })?;
    let names = joined.into_iter().flat_map(JoinedRoutes::names);
    names.filter(|(_, name)| name.starts_with(prefix)).for_each(|(id, _)| ids.put(id));
    Ok(ids)
}
