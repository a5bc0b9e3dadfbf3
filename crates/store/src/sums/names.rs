//! A file's texts, as far as an answer needs them.

use std::collections::HashSet;
use std::sync::Arc;

use analytics::hit::Text;
use analytics::slots::Slots;
use analytics::tally::{ConsumerName, Names, Needs, Value};
use duckdb::Connection;
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::{UInt32Type, UInt64Type};

use super::read;
use crate::read::Reading;
use crate::sql;
use crate::types::StoreError;

#[derive(Default)]
pub struct FileNames {
    known: Needs,
    texts: [Slots<Option<Arc<str>>>; Text::COUNT],
    /// Of user agents: client, system, device. Of paths: the version, first.
    traits: Slots<[Option<Arc<str>>; 3]>,
    versions: Slots<Option<Arc<str>>>,
    users: Slots<u64>,
    addresses: Slots<u64>,
}

impl FileNames {
    /// Reads what these sums are named by, where it was not read before.
    pub fn learn(
        &mut self,
        reading: &Reading<'_>,
        connection: &Connection,
        file: &str,
        project: u32,
        needs: Needs,
        values: &[Value],
    ) -> Result<(), StoreError> {
        let needs = needs.without(self.known);
        self.known |= needs;
        for kind in Text::ALL {
            let of_endpoint =
                needs.has(Needs::ENDPOINTS) && matches!(kind, Text::Method | Text::Route);
            if !of_endpoint && !needs.has(Needs::text(kind)) {
                continue;
            }
            let with_text = of_endpoint || values.contains(&Value::Text(kind));
            self.read_texts(reading, connection, file, project, kind, with_text)?;
        }
        if needs.has(Needs::CONSUMERS | Needs::CONSUMER_SERIES)
            && self.users.iter().next().is_none()
        {
            for (kind, slots) in
                [(Text::User, &mut self.users), (Text::Address, &mut self.addresses)]
            {
                let text = sql::sums::identities(file, project, kind);
                read::each(reading, connection, &text, &[], |batch| {
                    let id = batch.column(0).as_primitive::<UInt32Type>().values();
                    let identity = batch.column(1).as_primitive::<UInt64Type>().values();
                    id.iter().zip(identity).for_each(|(id, identity)| *slots.slot(*id) = *identity);
                })?;
            }
        }
        Ok(())
    }

    fn read_texts(
        &mut self,
        reading: &Reading<'_>,
        connection: &Connection,
        file: &str,
        project: u32,
        kind: Text,
        with_text: bool,
    ) -> Result<(), StoreError> {
        // Many user agents are one client: their words are kept once.
        let mut once: HashSet<Arc<str>> = HashSet::new();
        let text = sql::sums::names(file, project, kind, with_text);
        read::each(reading, connection, &text, &[], |batch| {
            let id = batch.column(0).as_primitive::<UInt32Type>().values();
            let mut word = |column: usize, row: usize| -> Option<Arc<str>> {
                let words = batch.column(column).as_string::<i32>();
                if !words.is_valid(row) {
                    return None;
                }
                let word = words.value(row);
                if column == 1 {
                    return Some(Arc::from(word));
                }
                if let Some(known) = once.get(word) {
                    return Some(known.clone());
                }
                let word: Arc<str> = Arc::from(word);
                once.insert(word.clone());
                Some(word)
            };
            for (row, &id) in id.iter().enumerate() {
                if with_text {
                    *self.texts[kind as usize].slot(id) = word(1, row);
                }
                match kind {
                    Text::Agent => {
                        *self.traits.slot(id) = [word(2, row), word(3, row), word(4, row)]
                    }
                    Text::Path => *self.versions.slot(id) = word(5, row),
                    _ => {}
                }
            }
        })
    }

    /// Which ids of this file stand for these consumers.
    pub fn find(&self, wanted: &HashSet<ConsumerName>) -> Vec<(u32, ConsumerName)> {
        let users = self.users.iter().map(|(id, identity)| (id, ConsumerName::User(*identity)));
        let addresses =
            self.addresses.iter().map(|(id, identity)| (id, ConsumerName::Address(*identity)));
        users.chain(addresses).filter(|(id, who)| *id > 0 && wanted.contains(who)).collect()
    }
}

impl Names for FileNames {
    fn text(&self, kind: Text, id: u32) -> Arc<str> {
        self.texts[kind as usize].get(id).cloned().flatten().unwrap_or_default()
    }

    fn read_from(&self, value: Value, id: u32) -> Arc<str> {
        let word = match value {
            Value::Client => self.traits.get(id).and_then(|traits| traits[0].clone()),
            Value::Os => self.traits.get(id).and_then(|traits| traits[1].clone()),
            Value::Device => self.traits.get(id).and_then(|traits| traits[2].clone()),
            Value::Version => self.versions.get(id).cloned().flatten(),
            Value::Country | Value::Text(_) => None,
        };
        word.unwrap_or_default()
    }

    fn identity(&self, kind: Text, id: u32) -> u64 {
        let slots = if kind == Text::User { &self.users } else { &self.addresses };
        slots.get(id).copied().unwrap_or_default()
    }
}
