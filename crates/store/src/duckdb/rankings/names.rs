//! The names of a file's rows.

use analytics::hit::TextKind;
use analytics::hit_fields::Word;
use analytics::ranking::{Ranked, RowId, RowName, RowSum};
use analytics::slots::Slots;
use analytics::tally::Dimension;
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::UInt32Type;

use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql::filter::{TextField, texts};
use crate::types::StoreError;

/// The texts of the ids that rows have, one after the other.
pub struct FileNames {
    text: String,
    /// By kind and id: from, to.
    places: Vec<(TextKind, Slots<(u32, u32)>)>,
}

impl FileNames {
    pub fn read(
        file: &OpenFile<'_>,
        project: u32,
        of: Ranked,
        rows: &[(RowId, RowSum)],
    ) -> Result<FileNames, StoreError> {
        let mut wanted: Vec<(TextKind, Slots<bool>)> =
            of.texts().into_iter().map(|kind| (kind, Slots::default())).collect();
        for (id, _) in rows {
            for (kind, text) in of.texts_of(*id) {
                if let Some((_, ids)) = wanted.iter_mut().find(|(other, _)| *other == kind) {
                    *ids.slot(text) = true;
                }
            }
        }
        let mut names = FileNames { text: String::new(), places: Vec::new() };
        for (kind, wanted) in wanted {
            let mut places: Slots<(u32, u32)> = Slots::default();
            each_text(file, project, of, kind, &mut |id, text| {
                if wanted.get(id).copied().unwrap_or_default() {
                    let from = names.text.len() as u32;
                    names.text.push_str(text);
                    *places.slot(id) = (from, names.text.len() as u32);
                }
            })?;
            names.places.push((kind, places));
        }
        Ok(names)
    }

    pub fn name(&self, of: Ranked, id: RowId) -> RowName<'_> {
        let RowId { first, second } = id;
        match of {
            Ranked::Endpoints => RowName {
                first: self.text(TextKind::Method, first),
                second: self.text(TextKind::Route, second),
            },
            Ranked::Consumers if first == 0 => {
                RowName { first: "u", second: self.text(TextKind::User, second) }
            }
            Ranked::Consumers => {
                RowName { first: "a", second: self.text(TextKind::Address, second) }
            }
            Ranked::Statuses | Ranked::Value(_) => {
                let kind = self.places.first().map(|(kind, _)| *kind);
                RowName { first: "", second: kind.map_or("", |kind| self.text(kind, second)) }
            }
        }
    }

    /// "" for an id that has no text.
    fn text(&self, kind: TextKind, id: u32) -> &str {
        let of_kind = self.places.iter().find(|(other, _)| *other == kind);
        let (from, to) =
            of_kind.and_then(|(_, places)| places.get(id)).copied().unwrap_or_default();
        &self.text[from as usize..to as usize]
    }
}

/// Passes every text of a kind to `take`, or the word derived from it if rows are named by that.
pub fn each_text(
    file: &OpenFile<'_>,
    project: u32,
    of: Ranked,
    kind: TextKind,
    take: &mut dyn FnMut(u32, &str),
) -> Result<(), StoreError> {
    let field = match of {
        Ranked::Value(Dimension::Client) => TextField::Word(Word::Client),
        Ranked::Value(Dimension::Os) => TextField::Word(Word::Os),
        Ranked::Value(Dimension::Device) => TextField::Word(Word::Device),
        Ranked::Value(Dimension::Version) => TextField::Word(Word::Version),
        _ => TextField::Text,
    };
    let scan = texts(file.tables(), project, kind, &[field], None);
    file.each(&scan.sql, &scan.values, |batch| {
        let ids = batch.column(0).as_primitive::<UInt32Type>().values();
        let names = batch.column(1 + field.place()).as_string::<i32>();
        for (row, id) in ids.iter().enumerate() {
            take(*id, if names.is_valid(row) { names.value(row) } else { "" });
        }
    })
}
