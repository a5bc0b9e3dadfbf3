//! A file's texts, as far as an answer needs them.

use std::collections::HashSet;
use std::sync::Arc;

use analytics::hit::Text;
use analytics::slots::Slots;
use analytics::tally::{ConsumerName, Names, Needs, Value};
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type, UInt64Type};

use crate::reading::OpenFile;
use crate::sql;
use crate::types::StoreError;

/// The column of `sql::sums::names` with the text itself.
const TEXT: usize = 2;

/// A file's texts for one answer: what may be kept for others, and what must be read each time.
pub struct OfFile {
    pub kept: Arc<FileNames>,
    pub fresh: FileNames,
}

#[derive(Default)]
pub struct FileNames {
    texts: [Slots<Option<Arc<str>>>; Text::COUNT],
    /// Of user agents: client, system, device. Of paths: the version, first.
    traits: Slots<[Option<Arc<str>>; 3]>,
    versions: Slots<Option<Arc<str>>>,
    users: Slots<u64>,
    addresses: Slots<u64>,
}

/// What is read of a file's texts, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub texts: Vec<Text>,
    /// Words read from the text.
    pub traits: Vec<Text>,
    pub identities: Vec<Text>,
}

impl Wanted {
    /// What these sums are named by.
    pub fn of(needs: Needs, values: &[Value]) -> Wanted {
        let of_endpoint =
            |kind: Text| needs.has(Needs::ENDPOINTS) && matches!(kind, Text::Method | Text::Route);
        let named = |kind: &Text| of_endpoint(*kind) || values.contains(&Value::Text(*kind));
        let read_from = [Text::Agent, Text::Path].into_iter();
        let consumers = needs.has(Needs::CONSUMERS | Needs::CONSUMER_SERIES);
        Wanted {
            texts: Text::ALL.into_iter().filter(named).collect(),
            traits: read_from.filter(|kind| needs.has(Needs::text(*kind))).collect(),
            identities: if consumers { vec![Text::User, Text::Address] } else { Vec::new() },
        }
    }

    /// What may be kept, and the rest: texts by which a caller can be told.
    pub fn split(self) -> (Wanted, Wanted) {
        let tells_callers = |kind: &Text| {
            matches!(kind, Text::Path | Text::User | Text::Address | Text::Agent | Text::Referrer)
        };
        let (fresh, texts) = self.texts.into_iter().partition(tells_callers);
        (Wanted { texts, ..self }, Wanted { texts: fresh, ..Wanted::default() })
    }
}

impl FileNames {
    pub fn read(
        file: &OpenFile<'_>,
        project: u32,
        wanted: &Wanted,
    ) -> Result<FileNames, StoreError> {
        let mut names = FileNames::default();
        let Wanted { texts, traits, identities } = wanted;
        if texts.is_empty() && traits.is_empty() && identities.is_empty() {
            return Ok(names);
        }
        // Many user agents are one client: their words are kept once.
        let mut once: HashSet<Arc<str>> = HashSet::new();
        let text = sql::sums::names(file.alias(), project, texts, traits, identities);
        file.each(&text, &[], |batch| {
            let kind = batch.column(0).as_primitive::<UInt8Type>().values();
            let id = batch.column(1).as_primitive::<UInt32Type>().values();
            let identity = batch.column(7).as_primitive::<UInt64Type>();
            let mut word = |column: usize, row: usize| -> Option<Arc<str>> {
                let words = batch.column(column).as_string::<i32>();
                if !words.is_valid(row) {
                    return None;
                }
                let word = words.value(row);
                if column == TEXT {
                    return Some(Arc::from(word));
                }
                if let Some(known) = once.get(word) {
                    return Some(known.clone());
                }
                let word: Arc<str> = Arc::from(word);
                once.insert(word.clone());
                Some(word)
            };
            for (row, (&kind, &id)) in kind.iter().zip(id).enumerate() {
                let Some(kind) = Text::ALL.get(usize::from(kind)).copied() else { continue };
                if let Some(text) = word(TEXT, row) {
                    *names.texts[kind as usize].slot(id) = Some(text);
                }
                match kind {
                    Text::Agent => {
                        *names.traits.slot(id) = [word(3, row), word(4, row), word(5, row)];
                    }
                    Text::Path => *names.versions.slot(id) = word(6, row),
                    Text::User if identity.is_valid(row) => {
                        *names.users.slot(id) = identity.value(row);
                    }
                    Text::Address if identity.is_valid(row) => {
                        *names.addresses.slot(id) = identity.value(row);
                    }
                    _ => {}
                }
            }
        })?;
        Ok(names)
    }

    /// About how much memory this takes.
    pub fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|slots| {
            slots
                .iter()
                .map(|(_, text)| 16 + text.as_ref().map_or(0, |text| text.len() + 16))
                .sum::<usize>()
        });
        let words = 48 * self.traits.iter().count() + 16 * self.versions.iter().count();
        let identities = 8 * (self.users.iter().count() + self.addresses.iter().count());
        size_of::<FileNames>() + texts.sum::<usize>() + words + identities
    }

    /// Which ids of this file stand for these consumers.
    pub fn find(&self, wanted: &HashSet<ConsumerName>) -> Vec<(u32, ConsumerName)> {
        let users = self.users.iter().map(|(id, identity)| (id, ConsumerName::User(*identity)));
        let addresses =
            self.addresses.iter().map(|(id, identity)| (id, ConsumerName::Address(*identity)));
        users.chain(addresses).filter(|(id, who)| *id > 0 && wanted.contains(who)).collect()
    }
}

impl Names for OfFile {
    fn text(&self, kind: Text, id: u32) -> Arc<str> {
        let text = |names: &FileNames| names.texts[kind as usize].get(id).cloned().flatten();
        text(&self.kept).or_else(|| text(&self.fresh)).unwrap_or_default()
    }

    fn read_from(&self, value: Value, id: u32) -> Arc<str> {
        let word = match value {
            Value::Client => self.kept.traits.get(id).and_then(|traits| traits[0].clone()),
            Value::Os => self.kept.traits.get(id).and_then(|traits| traits[1].clone()),
            Value::Device => self.kept.traits.get(id).and_then(|traits| traits[2].clone()),
            Value::Version => self.kept.versions.get(id).cloned().flatten(),
            Value::Country | Value::Text(_) => None,
        };
        word.unwrap_or_default()
    }

    fn identity(&self, kind: Text, id: u32) -> u64 {
        let names = &self.kept;
        let slots = if kind == Text::User { &names.users } else { &names.addresses };
        slots.get(id).copied().unwrap_or_default()
    }
}
