//! New ids for the texts of merged files: each text once, numbered per project in order of text, so that ids are as
//! small as a project's texts are few, which makes columns narrow.
//!
//! A file's own ids are dense, so an array for each file, kind and project maps them to the new ones, and a function
//! over their columns (`renumber`) rewrites hits. With joins to tables of old and new ids instead, a merge of four
//! files with 450,000 addresses each ran out of memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use analytics::hit::{ProjectId, TextKind};
use analytics::slots::Slots;
use duckdb::Connection;
use duckdb::arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, StringBuilder, UInt8Array,
    UInt32Array,
};
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type};
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::duckdb::columns;
use crate::duckdb::failure::failed;
use crate::duckdb::sql;
use crate::duckdb::sql::build::Stretch;
use crate::duckdb::sql::file::Tables;
use crate::duckdb::text_order::{self, Text};
use crate::types::{RouteRules, StoreError};

const CONTEXT: &str = "merging texts";

/// The words derived from a text and stored beside it: client, system, device, version.
const WORDS: usize = 4;

/// The new ids of a running merge; shared with the function that rewrites hits.
#[derive(Clone, Default)]
pub struct NewNumbers(Arc<RwLock<Numbers>>);

#[derive(Default)]
struct Numbers {
    files: Vec<OfFile>,
    joined: Joined,
}

/// Numbers of the routes that others may become, by project and text, where a project's routes are cut into stretches: such a
/// route may stand in one stretch and what becomes it in another.
type Joined = BTreeMap<(u32, String), u32>;

/// By project, then kind and old id. 0, "no text", stays 0.
type OfFile = BTreeMap<u32, [Slots<u32>; TextKind::COUNT]>;

impl NewNumbers {
    /// Call it once per engine.
    pub fn register(&self, connection: &Connection) -> duckdb::Result<()> {
        connection.register_scalar_function_with_state::<Renumber>(sql::engine::RENUMBER, self)
    }

    /// Forgets the ids of an earlier merge.
    pub fn begin(&self, files: usize) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            Numbers { files: vec![OfFile::new(); files], joined: Joined::new() };
    }

    pub fn end(&self) {
        self.begin(0);
    }

    /// Remembers the first path of each version in place of all paths of that version, of these projects in the file
    /// `into`: so hits are counted by version without a join with paths, which may be as many.
    pub fn know_versions(
        &self,
        connection: &Connection,
        into: &str,
        projects: &[u32],
    ) -> Result<(), StoreError> {
        let mut batches = Vec::new();
        let text = sql::derive::versions(into, projects);
        each_batch(connection, &text, &[], |batch| batches.push(batch))?;
        let mut first: HashMap<(u32, &str), u32> = HashMap::new();
        let rows = || {
            batches.iter().flat_map(|batch| {
                let project = batch.column(0).as_primitive::<UInt32Type>().values();
                let id = batch.column(1).as_primitive::<UInt32Type>().values();
                let version = batch.column(2).as_string::<i32>();
                (0..batch.num_rows()).map(|row| (project[row], id[row], version.value(row)))
            })
        };
        for (project, id, version) in rows() {
            let least = first.entry((project, version)).or_insert(id);
            *least = id.min(*least);
        }
        self.begin(1);
        let mut numbers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (project, id, version) in rows() {
            let of_project = numbers.files[0].entry(project).or_default();
            *of_project[TextKind::Path as usize].slot(id) = first[&(project, version)];
        }
        Ok(())
    }

    /// Adds a stretch of the files' texts to `into.strings`, each once, and remembers their ids. `before`: the number of texts of
    /// the stretch's kind already added. Returns how many are new. Routes that `routes` joins become one text.
    pub fn merge_texts(
        &self,
        connection: &Connection,
        into: &str,
        files: &[Tables<'_>],
        stretch: &Stretch,
        before: u32,
        routes: Option<&dyn RouteRules>,
    ) -> Result<u32, StoreError> {
        let mut batches = Vec::new();
        for (place, file) in files.iter().enumerate() {
            let text = sql::build::texts_of(*file, stretch);
            each_batch(connection, &text, &stretch.values(), |batch| batches.push((place, batch)))?;
        }
        let texts = read(&batches, routes);
        let words: Vec<[&StringArray; WORDS]> = batches
            .iter()
            .map(|(_, batch)| std::array::from_fn(|n| batch.column(5 + n).as_string::<i32>()))
            .collect();
        let mut numbers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Numbers { files: of_files, joined } = &mut *numbers;
        let mut merged = Merged::default();
        let mut last: Option<&Found<'_>> = None;
        // The number of the text before, and the greatest of its kind and project.
        let (mut new, mut greatest) = (0, before);
        for place in text_order::order(&texts) {
            let text = &texts[place as usize];
            if last.is_none_or(|known| known.kind_and_project() != text.kind_and_project()) {
                greatest = before;
            }
            if last.is_none_or(|known| known.key() != text.key()) {
                let joins = stretch.part.is_some() && text.is_joined;
                let known = joins.then(|| joined.get(&text.project_and_text()).copied()).flatten();
                new = known.unwrap_or_else(|| {
                    greatest += 1;
                    merged.push(text, &words[text.batch as usize], greatest);
                    greatest
                });
                if joins {
                    joined.insert(text.project_and_text(), new);
                }
            }
            last = Some(text);
            if let Some(of_kind) = of_files[batches[text.batch as usize].0]
                .entry(text.project)
                .or_default()
                .get_mut(usize::from(text.kind))
            {
                *of_kind.slot(text.id) = new;
            }
        }
        drop(numbers);
        let new = merged.kind.len() as u32;
        if new > 0 {
            merged.append(connection, into)?;
        }
        Ok(new)
    }
}

/// Passes a statement's rows to `take`.
fn each_batch(
    connection: &Connection,
    text: &str,
    values: &[&str],
    mut take: impl FnMut(RecordBatch),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(text).map_err(failed(CONTEXT))?;
    // TRICKY: this iterator panics if the statement fails; `step` reports it instead.
    drop(statement.stream_arrow(duckdb::params_from_iter(values)).map_err(failed(CONTEXT))?);
    while let Some(rows) = statement.step().map_err(failed(CONTEXT))? {
        take(RecordBatch::from(&rows));
    }
    Ok(())
}

/// A text of one of the files.
struct Found<'a> {
    kind: u8,
    /// A route that others may become.
    is_joined: bool,
    project: u32,
    literal: Cow<'a, str>,
    ipv4: u32,
    id: u32,
    /// The batch that it was read in, and its row there.
    batch: u32,
    row: u32,
}

impl Found<'_> {
    fn kind_and_project(&self) -> (u8, u32) {
        (self.kind, self.project)
    }

    fn key(&self) -> (u8, u32, &str, u32) {
        (self.kind, self.project, &self.literal, self.ipv4)
    }

    fn project_and_text(&self) -> (u32, String) {
        (self.project, self.literal.clone().into_owned())
    }
}

impl Text for Found<'_> {
    fn kind(&self) -> u8 {
        self.kind
    }

    fn project(&self) -> u32 {
        self.project
    }

    fn literal(&self) -> &str {
        &self.literal
    }

    fn ipv4(&self) -> u32 {
        self.ipv4
    }
}

/// The texts of batches of rows, each with the place of its file. Routes are what `routes` makes of them.
fn read<'a>(
    batches: &'a [(usize, RecordBatch)],
    routes: Option<&dyn RouteRules>,
) -> Vec<Found<'a>> {
    let join = |kind: u8, project: u32, text: &str| match routes {
        Some(routes) if kind == TextKind::Route as u8 => routes.join(ProjectId(project), text),
        _ => None,
    };
    let mut texts = Vec::with_capacity(batches.iter().map(|(_, batch)| batch.num_rows()).sum());
    for (number, (_, batch)) in (0..).zip(batches) {
        let kind = batch.column(0).as_primitive::<UInt8Type>().values();
        let project = batch.column(1).as_primitive::<UInt32Type>().values();
        let id = batch.column(2).as_primitive::<UInt32Type>().values();
        let literal = batch.column(3).as_string::<i32>();
        let ipv4 = batch.column(4).as_primitive::<UInt32Type>().values();
        texts.extend((0..batch.num_rows()).map(|row| {
            let joined = join(kind[row], project[row], literal.value(row));
            Found {
                kind: kind[row],
                is_joined: joined.is_some(),
                project: project[row],
                literal: joined.map_or(Cow::Borrowed(literal.value(row)), Cow::Owned),
                ipv4: ipv4[row],
                id: id[row],
                batch: number,
                row: row as u32,
            }
        }));
    }
    texts
}

/// Rows for `strings` of a sealed file.
#[derive(Default)]
struct Merged {
    kind: Vec<u8>,
    project: Vec<u32>,
    /// Counts on over projects; the offset beside it is subtracted to get the text's id: see `sql::file`.
    number: Vec<i32>,
    base: Vec<i32>,
    literal: StringBuilder,
    ipv4: Vec<u32>,
    words: [StringBuilder; WORDS],
}

impl Merged {
    fn push(&mut self, found: &Found<'_>, words: &[&StringArray; WORDS], new: u32) {
        let number = self.kind.len() as i32 + 1;
        self.kind.push(found.kind);
        self.project.push(found.project);
        self.number.push(number);
        self.base.push(number - new as i32);
        self.literal.append_value(&found.literal);
        self.ipv4.push(found.ipv4);
        let row = found.row as usize;
        for (builder, words) in self.words.iter_mut().zip(words) {
            builder.append_option(words.is_valid(row).then(|| words.value(row)));
        }
    }

    fn append(mut self, connection: &Connection, into: &str) -> Result<(), StoreError> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("kind", Arc::new(UInt8Array::from(self.kind))),
            ("project", Arc::new(UInt32Array::from(self.project))),
            ("number", Arc::new(Int32Array::from(self.number))),
            ("base", Arc::new(Int32Array::from(self.base))),
            ("literal", Arc::new(self.literal.finish())),
            ("ipv4", Arc::new(UInt32Array::from(self.ipv4))),
        ];
        for (name, builder) in ["client", "os", "device", "version"].iter().zip(&mut self.words) {
            columns.push((name, Arc::new(builder.finish())));
        }
        let batch = columns::to_batch(columns)
            .map_err(|source| StoreError::Engine { context: CONTEXT, cause: Box::new(source) })?;
        let mut appender = connection
            .appender_to_catalog_and_db("strings", into, "main")
            .map_err(failed(CONTEXT))?;
        appender.append_record_batch(batch).map_err(failed(CONTEXT))?;
        // TRICKY: dropping an appender flushes too, but hides the error.
        appender.flush().map_err(failed(CONTEXT))
    }
}

/// The function `renumber(index of the file, kind, project, old id)`.
struct Renumber;

impl VScalar for Renumber {
    type State = NewNumbers;

    fn invoke(
        state: &NewNumbers,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let rows = input.len();
        let columns: [_; 4] = std::array::from_fn(|place| input.flat_vector(place));
        #[expect(unsafe_code, reason = "the engine's memory, read where it is")]
        // SAFETY: the engine flattens a function's arguments, and by its signature all four vectors are UINTEGER, with
        // one value per row of the chunk.
        let [file, kind, project, old] =
            columns.each_ref().map(|column| unsafe { column.as_slice_with_len::<u32>(rows) });
        let mut new = output.flat_vector();
        #[expect(unsafe_code, reason = "the engine's memory, written where it is")]
        // SAFETY: the function returns UINTEGER, and the engine has allocated one per row.
        let new = unsafe { new.as_mut_slice_with_len::<u32>(rows) };
        let numbers = state.0.read().unwrap_or_else(PoisonError::into_inner);
        // Hits of a project are adjacent, and a call is about one file and kind.
        let mut near: Option<([u32; 3], Option<&Slots<u32>>)> = None;
        for row in 0..rows {
            let of = [file[row], kind[row], project[row]];
            let slots = match near {
                Some((known, slots)) if known == of => slots,
                _ => {
                    let kinds = numbers.files.get(of[0] as usize).and_then(|file| file.get(&of[2]));
                    let slots = kinds.and_then(|kinds| kinds.get(of[1] as usize));
                    near = Some((of, slots));
                    slots
                }
            };
            new[row] = slots.and_then(|slots| slots.get(old[row])).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let number = || LogicalTypeHandle::from(LogicalTypeId::UInteger);
        let parameters = (0..4).map(|_| number()).collect();
        vec![ScalarFunctionSignature::exact(parameters, number())]
    }
}
