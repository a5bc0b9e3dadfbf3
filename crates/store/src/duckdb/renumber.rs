//! New ids for the texts of merged files: each text once, numbered per project in order of text, so that ids are as
//! small as a project's texts are few, which makes columns narrow.
//!
//! A file's own ids are dense, so an array for each file, kind and project maps them to the new ones, and a function
//! over their columns (`renumber`) rewrites hits. With joins to tables of old and new ids instead, a merge of four
//! files with 450,000 addresses each ran out of memory.

mod addresses;
mod rows;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use analytics::hit::{ProjectId, TextKind};
use analytics::slots::Slots;
use duckdb::Connection;
use duckdb::arrow::array::{AsArray, RecordBatch, StringArray};
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type};
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::duckdb::column_scan::ColumnScans;
use crate::duckdb::failure::failed;
use crate::duckdb::sql;
use crate::duckdb::sql::build::Stretch;
use crate::duckdb::sql::file::Tables;
use crate::duckdb::text_order::{self, Text};
use crate::types::{RouteRules, StoreError};
use addresses::Address;
use rows::NewRows;

const CONTEXT: &str = "merging texts";

const ADDRESS: u8 = TextKind::Address as u8;

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
    #[expect(clippy::too_many_arguments, reason = "an engine, and what is merged in it")]
    pub fn merge_texts(
        &self,
        connection: &Connection,
        scans: &ColumnScans,
        into: &str,
        files: &[Tables<'_>],
        stretch: &Stretch,
        before: u32,
        routes: Option<&dyn RouteRules>,
    ) -> Result<u32, StoreError> {
        let addresses = addresses::read(connection, scans, files, stretch)?;
        let mut batches = Vec::new();
        for (place, file) in files.iter().enumerate() {
            let text = sql::build::literals_of(*file, stretch);
            each_batch(connection, &text, &stretch.values(), |batch| batches.push((place, batch)))?;
        }
        let rows = self.number(&addresses, &batches, stretch, before, routes);
        let new = rows.len();
        if new > 0 {
            rows.append(connection, into)?;
        }
        Ok(new)
    }

    /// Numbers the texts of a stretch, by kind, project and text; addresses precede a project's other texts of their kind.
    fn number(
        &self,
        addresses: &[Address],
        batches: &[(usize, RecordBatch)],
        stretch: &Stretch,
        before: u32,
        routes: Option<&dyn RouteRules>,
    ) -> NewRows {
        let texts = read(batches, routes);
        let words: Vec<[&StringArray; WORDS]> = batches
            .iter()
            .map(|(_, batch)| std::array::from_fn(|n| batch.column(4 + n).as_string::<i32>()))
            .collect();
        let mut numbers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Numbers { files, joined } = &mut *numbers;
        let mut rows = NewRows::default();
        let mut addresses =
            addresses.chunk_by(|one, other| one.project == other.project).peekable();
        // A kind and project with addresses, and their greatest number.
        let mut numbered: Option<((u8, u32), u32)> = None;
        let order = text_order::order(&texts);
        let of = |place: &u32| texts[*place as usize].kind_and_project();
        for alike in order.chunk_by(|one, other| of(one) == of(other)) {
            let kind_and_project = of(&alike[0]);
            while let Some(run) =
                addresses.next_if(|run| (ADDRESS, run[0].project) <= kind_and_project)
            {
                let greatest = addresses::number(run, files, before, &mut rows);
                numbered = Some(((ADDRESS, run[0].project), greatest));
            }
            let mut greatest = match numbered {
                Some((of, greatest)) if of == kind_and_project => greatest,
                _ => before,
            };
            // The text before, and its number.
            let mut last: Option<(&Found<'_>, u32)> = None;
            for place in alike {
                let text = &texts[*place as usize];
                let new = match last {
                    Some((known, number)) if known.literal == text.literal => number,
                    _ => {
                        let joins = stretch.part.is_some() && text.is_joined;
                        let known =
                            joins.then(|| joined.get(&text.project_and_text()).copied()).flatten();
                        let new = known.unwrap_or_else(|| {
                            greatest += 1;
                            rows.push(text, &words[text.batch as usize], greatest);
                            greatest
                        });
                        if joins {
                            joined.insert(text.project_and_text(), new);
                        }
                        new
                    }
                };
                last = Some((text, new));
                if let Some(of_kind) = files[batches[text.batch as usize].0]
                    .entry(text.project)
                    .or_default()
                    .get_mut(usize::from(text.kind))
                {
                    *of_kind.slot(text.id) = new;
                }
            }
        }
        for run in addresses {
            addresses::number(run, files, before, &mut rows);
        }
        rows
    }
}

/// Passes a statement's rows to `take`.
fn each_batch(
    connection: &Connection,
    text: &str,
    values: &[String],
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

/// A text of one of the files, but no IPv4 address.
struct Found<'a> {
    kind: u8,
    /// A route that others may become.
    is_joined: bool,
    project: u32,
    literal: Cow<'a, str>,
    id: u32,
    /// The batch that it was read in, and its row there.
    batch: u32,
    row: u32,
}

impl Found<'_> {
    fn kind_and_project(&self) -> (u8, u32) {
        (self.kind, self.project)
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
        texts.extend((0..batch.num_rows()).map(|row| {
            let joined = join(kind[row], project[row], literal.value(row));
            Found {
                kind: kind[row],
                is_joined: joined.is_some(),
                project: project[row],
                literal: joined.map_or(Cow::Borrowed(literal.value(row)), Cow::Owned),
                id: id[row],
                batch: number,
                row: row as u32,
            }
        }));
    }
    texts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duckdb::sql::build::Projects;
    use crate::duckdb::sql::file::FORMAT;

    /// Addresses of several projects, of one very many; and texts of the same kind and of others, before and after, in each
    /// or in some of the files.
    #[test]
    fn texts_are_numbered_in_order_and_each_once() {
        let connection = Connection::open_in_memory().unwrap();
        let (scans, numbers) = (ColumnScans::default(), NewNumbers::default());
        scans.register(&connection).unwrap();
        numbers.register(&connection).unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        let names = ["f0", "f1", "f2"];
        for (n, name) in names.iter().enumerate() {
            run(&format!("ATTACH ':memory:' AS {name}"));
            run(&sql::file::create(name));
            // `r % 7`: the kinds, of which 3 in 7 are addresses, two thirds of them IPv4. Project 4 is in one file only.
            run(&format!(
                "INSERT INTO {name}.strings BY NAME SELECT kind, project, row_number() OVER (PARTITION BY kind) AS id, literal, ipv4,
                     CASE WHEN kind = {agent} THEN nullif(literal[1:6], 'text 1') END AS client
                 FROM (SELECT DISTINCT ON (kind, project, literal, ipv4) *, hash(literal, {n}) AS id FROM (
                     SELECT CASE WHEN r % 7 < 4 THEN {address} WHEN r % 7 = 4 THEN {agent} WHEN r % 7 = 5 THEN {host} ELSE {user} END AS kind,
                         CASE WHEN r % 61 > 8 THEN 2 WHEN r % 61 < 3 THEN 1 ELSE 3 + {n} % 2 END AS project,
                         CASE WHEN r % 7 < 3 THEN '' ELSE 'text ' || (r // 7 * 7919 + {n}) % 3001 END AS literal,
                         CASE WHEN r % 7 < 3 THEN 1 + (r * 2654435761 + {n}) % 4000037 * 1000 ELSE 0 END AS ipv4
                     FROM range(30_000) t(r)))
                 ORDER BY hash(id)",
                address = TextKind::Address as u8,
                agent = TextKind::Agent as u8,
                host = TextKind::Host as u8,
                user = TextKind::User as u8,
            ));
        }
        let files = names.map(|file| Tables { file, format: FORMAT });
        let projects = Projects { first: 1, last: 9 };
        let stretch = Stretch { projects, part: None };
        run("ATTACH ':memory:' AS made");
        run(&sql::file::create_sealed("made"));
        numbers.begin(files.len());
        let new =
            numbers.merge_texts(&connection, &scans, "made", &files, &stretch, 0, None).unwrap();
        let count =
            |text: &str| connection.query_row(text, [], |row| row.get::<_, u64>(0)).unwrap();
        let order = "kind, project, literal, ipv4";
        let all =
            names.map(|name| format!("SELECT {order}, client FROM {name}.strings")).join(" UNION ");
        assert_eq!(count(&format!("SELECT count(*) FROM ({all})")), u64::from(new));
        assert_eq!(count("SELECT count(*) FROM made.strings"), u64::from(new));
        let most = "SELECT count(*) FROM made.strings WHERE project = 2 AND ipv4 > 0";
        assert!(count(most) > 20_000);
        let misplaced = format!(
            "SELECT count(*) FROM (SELECT id, rowid AS row, row_number() OVER (ORDER BY {order}) - 1 AS place,
                 row_number() OVER (PARTITION BY kind, project ORDER BY {order}) AS rank FROM made.strings)
             WHERE row <> place OR id <> rank"
        );
        assert_eq!(count(&misplaced), 0);
        for (n, name) in names.iter().enumerate() {
            let wrong = format!(
                "SELECT count(*) FROM (SELECT *, {}({n}::UINTEGER, kind::UINTEGER, project, id) AS new FROM {name}.strings) s
                 LEFT JOIN made.strings m ON m.kind = s.kind AND m.project = s.project AND m.id = s.new
                 WHERE (m.literal, m.ipv4) IS DISTINCT FROM (s.literal, s.ipv4)",
                sql::engine::RENUMBER
            );
            assert_eq!(count(&wrong), 0, "{name}");
        }
        let wrong = format!("SELECT count(*) FROM made.strings m WHERE NOT EXISTS (FROM ({all}) s
             WHERE (s.kind, s.project, s.literal, s.ipv4, s.client) IS NOT DISTINCT FROM (m.kind, m.project, m.literal, m.ipv4, m.client))");
        assert_eq!(count(&wrong), 0, "words are those of a file's text");
    }
}
