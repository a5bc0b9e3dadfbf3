//! The fields of a hit as one table, from which decoding, storing, filtering, listing, documents and the page derive.
//!
//! To add a text: a name in `Field`, one in `TextKind` with the next number, and a row at the end of `FIELDS`, all in
//! `hit_fields/table.rs`; its length in `limits`. The format version of `store`'s files must be at least the row's
//! `since`. A number takes more: a member of `hit::Hit` and a column of inbox records.

mod table;

pub use table::{FIELDS, Field, TextKind};

/// A row of `FIELDS`.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    pub field: Field,
    /// Its name in the filter language.
    pub name: &'static str,
    /// Other names it is understood by: those of the original's data API and of our JSON.
    pub aliases: &'static [&'static str],
    /// False for the time, which has parameters of its own.
    pub filterable: bool,
    pub kind: Kind,
    /// None if a client does not send it.
    pub posted: Option<Posted>,
    pub stored: Stored,
    /// A column of `hits`, or of `strings` for a `Word`; "" if it has none.
    pub column: &'static str,
    /// The first format of data files that has the column. Hits in older files have no value.
    pub since: u32,
    /// The highest privacy level that keeps it. Raising a project's level erases the fields that the new one does not
    /// keep.
    pub kept_up_to: u8,
    /// The key in the JSON of a listed hit, and the column of its CSV; "" if it is not listed.
    pub listed: &'static str,
    /// Its values are counted for menus and completion; false if nearly every hit has another.
    pub counted: bool,
    /// Its name on the page.
    pub label: &'static str,
    /// The page sets it in a monospaced face.
    pub is_code: bool,
    /// One line, for documents and completion.
    pub doc: &'static str,
    /// Values as a filter takes them, at the end of that line.
    pub examples: &'static str,
}

/// Privacy levels are 0 to this one.
pub const STRICTEST_LEVEL: u8 = 2;

/// How a client sends a field.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    /// Its key in JSON.
    pub key: &'static str,
    pub part: Part,
    pub reading: Reading,
    /// Longer texts are cut to this many characters; 0 for numbers and closed lists.
    pub limit: u64,
    /// None if a value of the wrong type is ignored and its hit kept.
    pub rejection: Option<FieldRejection>,
    /// The value in the example of the documents; "" for none.
    pub example: &'static str,
}

/// The part of a posted batch that has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The batch itself, for all of its hits.
    Batch,
    Hit,
}

/// How a posted value becomes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By its own code (`ingest::posted_hit`): numbers, required fields, and fields whose bad value must not cost the
    /// hit.
    Own,
    /// Any text.
    Text,
    /// In lower case, without a port.
    Host,
    /// Any text, or a whole number.
    UserId,
    /// One of these, and nothing else.
    OneOf(&'static [&'static str]),
}

/// The reason given to a client when a field's value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRejection {
    /// Stored: never renumber. 13 and 14 belong to `ingest::Reason`.
    pub number: u8,
    pub code: &'static str,
}

/// How a data file stores a field. A hit without it has 0 for a text, a word or the country, and NULL for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Time,
    Number(Number),
    Country,
    /// A text's number; the text is stored once in its file's `strings`.
    Text(TextKind),
    /// Derived from a text, and stored beside it.
    Word(Word),
    /// Not stored: made of other fields.
    Nothing,
}

/// A number of a hit that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Status,
    /// Microseconds.
    Duration,
    /// Bytes.
    RequestSize,
    ResponseSize,
}

/// A word derived from a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Client,
    Os,
    Device,
    Version,
}

impl Word {
    pub const COUNT: usize = 4;

    /// Its column of `strings`.
    pub fn column(self) -> &'static str {
        let field = match self {
            Word::Client => Field::Client,
            Word::Os => Field::Os,
            Word::Device => Field::Device,
            Word::Version => Field::Version,
        };
        field.info().column
    }

    /// The text that it is derived from.
    pub fn source(self) -> TextKind {
        match self {
            Word::Client | Word::Os | Word::Device => TextKind::Agent,
            Word::Version => TextKind::Path,
        }
    }
}

/// The kind of value that a field has, and so the tests that a filter may make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal or wildcard.
    Text,
    /// Like `Duration` and `Size`, without a unit.
    Number,
    /// In microseconds; written with `us`, `ms`, `s`, `m` or `h`, in milliseconds without a unit.
    Duration,
    /// In bytes; written with `b`, `kb`, `mb` or `gb` (of 1,024), in bytes without a unit.
    Size,
    /// Two letters or a wildcard.
    Country,
    /// A number from 100 to 599, a class as `5xx`, a comparison or range.
    Status,
}

impl Field {
    #[inline]
    pub const fn info(self) -> &'static FieldInfo {
        &FIELDS[self as usize]
    }

    /// A filterable field by name or alias, in any case.
    pub fn find(name: &str) -> Option<Field> {
        let is_it = |info: &&FieldInfo| {
            info.name.eq_ignore_ascii_case(name)
                || info.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        };
        filterable().find(is_it).map(|info| info.field)
    }

    /// Whether a hit without it is rejected.
    pub fn is_required(self) -> bool {
        matches!(self, Field::Method | Field::Path | Field::Status)
    }

    /// A posted text is cut to this many characters.
    pub(crate) const fn limit(self) -> u64 {
        match self.info().posted {
            Some(posted) => posted.limit,
            None => 0,
        }
    }
}

impl FieldInfo {
    /// Its line in the documents about filters.
    pub fn filter_doc(&self) -> String {
        match self.examples {
            "" => self.doc.to_owned(),
            examples => format!("{}: {examples}.", self.doc.trim_end_matches('.')),
        }
    }
}

/// In the order of the table.
pub fn filterable() -> impl Iterator<Item = &'static FieldInfo> {
    FIELDS.iter().filter(|info| info.filterable)
}

/// In the order of the columns of CSV files.
pub fn listed() -> impl Iterator<Item = &'static FieldInfo> {
    FIELDS.iter().filter(|info| !info.listed.is_empty())
}

/// The fields that a level does not keep.
pub fn not_kept_at(privacy_level: u8) -> impl Iterator<Item = &'static FieldInfo> {
    FIELDS.iter().filter(move |info| info.kept_up_to < privacy_level)
}

impl TextKind {
    pub const COUNT: usize = count_texts();
    /// By number.
    pub const ALL: [TextKind; TextKind::COUNT] = all_texts();

    #[inline]
    pub const fn info(self) -> &'static FieldInfo {
        &FIELDS[TEXT_ROWS[self as usize]]
    }

    /// Its column of `hits`.
    pub const fn column(self) -> &'static str {
        self.info().column
    }
}

/// The row of each text in `FIELDS`.
const TEXT_ROWS: [usize; TextKind::COUNT] = text_rows();

const fn count_texts() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < FIELDS.len() {
        count += matches!(FIELDS[row].stored, Stored::Text(_)) as usize;
        row += 1;
    }
    count
}

const fn text_rows() -> [usize; TextKind::COUNT] {
    let mut rows = [usize::MAX; TextKind::COUNT];
    let mut row = 0;
    while row < FIELDS.len() {
        if let Stored::Text(text) = FIELDS[row].stored {
            assert!(rows[text as usize] == usize::MAX, "two texts have the same number");
            rows[text as usize] = row;
        }
        row += 1;
    }
    rows
}

const fn all_texts() -> [TextKind; TextKind::COUNT] {
    let mut all = [TextKind::Method; TextKind::COUNT];
    let mut number = 0;
    while number < all.len() {
        if let Stored::Text(text) = FIELDS[TEXT_ROWS[number]].stored {
            all[number] = text;
        }
        number += 1;
    }
    all
}

/// The number of known keys of a posted hit.
pub(crate) const KEYS: usize = count_keys();

/// The fields with a key in a posted hit, in the order of the table.
pub(crate) const KEYED: [Field; KEYS] = keyed();

const fn is_keyed(info: &FieldInfo) -> bool {
    matches!(info.posted, Some(Posted { part: Part::Hit, .. }))
}

const fn count_keys() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < FIELDS.len() {
        count += is_keyed(&FIELDS[row]) as usize;
        row += 1;
    }
    count
}

const fn keyed() -> [Field; KEYS] {
    let mut fields = [Field::Time; KEYS];
    let (mut count, mut row) = (0, 0);
    while row < FIELDS.len() {
        if is_keyed(&FIELDS[row]) {
            fields[count] = FIELDS[row].field;
            count += 1;
        }
        row += 1;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_row_in_its_place_and_names_of_its_own() {
        let mut names = Vec::new();
        for (place, info) in FIELDS.iter().enumerate() {
            assert_eq!(info.field as usize, place, "{}", info.name);
            for name in info.aliases.iter().chain([&info.name]) {
                let found = Field::find(&name.to_uppercase());
                assert_eq!(found, info.filterable.then_some(info.field), "{name}");
                names.push(*name);
            }
        }
        for of in [|info: &FieldInfo| info.listed, |info: &FieldInfo| info.column] {
            let mut all: Vec<&str> =
                FIELDS.iter().map(of).filter(|name| !name.is_empty()).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(Field::find("nothing"), None);
    }

    #[test]
    fn rows_agree_with_themselves() {
        for info in FIELDS {
            let name = info.name;
            assert!(info.kept_up_to <= STRICTEST_LEVEL, "{name}");
            assert_eq!(info.column.is_empty(), info.stored == Stored::Nothing, "{name}");
            assert!(info.doc.ends_with('.') && !info.examples.ends_with('.'), "{name}");
            if let Stored::Word(word) = info.stored {
                let source = word.source().info();
                assert!(info.posted.is_none() && source.posted.is_some(), "{name}");
                assert!(info.kept_up_to <= source.kept_up_to, "{name} would outlive its text");
            }
            let Some(posted) = info.posted else { continue };
            if let Some(rejection) = posted.rejection {
                assert_eq!(rejection.code, format!("invalid_{}", posted.key));
            }
            let is_open_text = matches!(info.stored, Stored::Text(_))
                && !matches!(posted.reading, Reading::OneOf(_));
            assert_eq!(posted.limit > 0, is_open_text, "{name}");
        }
        assert_eq!(TextKind::ALL.map(|text| text as usize), std::array::from_fn(|number| number));
        assert_eq!(
            (TextKind::User.column(), TextKind::User.info().field),
            ("user_id", Field::User)
        );
    }

    #[test]
    fn a_level_keeps_what_the_one_below_it_keeps_or_less() {
        let names = |level| not_kept_at(level).map(|info| info.name).collect::<Vec<_>>();
        assert_eq!(names(0), Vec::<&str>::new());
        assert_eq!(names(1), ["address"]);
        assert_eq!(names(2), ["country", "address"]);
    }
}
