//! A filter resolved for one file. The engine evaluates conditions on numbers. Conditions on texts are tested once per
//! text of the file, all conditions of a kind in one scan of its texts; a hit passes if the ids of its texts do. Ids that
//! pass in few runs are a condition on numbers too: then the engine hands out only hits that pass.
//!
//! Sums and lists share it: no join, and a pattern costs nothing per hit.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::filter::{Condition, Field, Filter, Test, TextTests};
use analytics::hit::TextKind;
use analytics::limits;
use analytics::slots::Ids;
use analytics::tally::{Columns, Needs, Subset};
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::UInt32Type;

use crate::duckdb::joined_routes::JoinedRoutes;
use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql;
use crate::duckdb::sql::filter::{Only, TextField};
use crate::types::StoreError;

/// A filter resolved for one file.
pub struct FileFilter {
    /// The conditions on numbers, and on ids in few runs, for the engine.
    pub numbers: String,
    /// At most one per kind: the ids that pass all conditions on it, in many runs.
    texts: Vec<(TextKind, IdSet)>,
    /// Users; and addresses, for hits without a user.
    consumer: Option<(IdSet, IdSet)>,
}

/// Each is a comparison of every hit. A method is one; a prefix is one in a sealed file, whose ids are in order of text.
const RUNS: usize = 4;

/// A set of ids, or of all but some ids.
#[derive(Default)]
struct IdSet {
    ids: Ids,
    inverted: bool,
}

impl IdSet {
    fn put(&mut self, id: u32) {
        self.ids.put(id);
    }

    #[inline]
    fn has(&self, id: u32) -> bool {
        self.ids.has(id) != self.inverted
    }

    /// The condition that a column's id is in the set. None if that takes many comparisons.
    fn condition(&self, column: &str) -> Option<String> {
        let runs = self.ids.runs(RUNS)?;
        let one = |run: &RangeInclusive<u32>| match (run.start(), run.end()) {
            (first, last) if first == last => format!("{column} = {first}"),
            (first, last) => format!("{column} BETWEEN {first} AND {last}"),
        };
        let any = match runs.is_empty() {
            true => "FALSE".to_owned(),
            false => runs.iter().map(one).collect::<Vec<_>>().join(" OR "),
        };
        Some(if self.inverted { format!("NOT ({any})") } else { format!("({any})") })
    }
}

/// The conditions on texts of one kind.
struct KindTests {
    tests: Vec<FieldTests>,
    /// Set if only texts that equal a value, or begin with one, can matter.
    only: Option<Vec<Only>>,
    inverted: bool,
}

/// A condition, and the column of the text's row that it tests.
struct FieldTests {
    field: TextField,
    negated: bool,
    tests: TextTests,
}

impl KindTests {
    fn new(conditions: &[TextCondition]) -> KindTests {
        let only_of = |(field, _, tests): &(TextField, bool, Vec<Test>)| -> Option<Vec<Only>> {
            let only = |test: &Test| match test {
                Test::Is(value) => Some(Only::Equal(*field, value.clone())),
                Test::Wildcard(pattern) => match pattern.split_once('*') {
                    Some(("", _)) => None,
                    Some((prefix, _)) => Some(Only::Prefix(*field, prefix.to_owned())),
                    None => Some(Only::Equal(*field, pattern.clone())),
                },
                // Passes no text.
                Test::Range { .. } => Some(Only::Equal(*field, String::new())),
            };
            tests.iter().map(only).collect()
        };
        let inverted = conditions.iter().all(|(_, negated, _)| *negated);
        let only = if inverted {
            // Searches for the texts that fail: a text that no condition names passes.
            let all: Option<Vec<Vec<Only>>> = conditions.iter().map(only_of).collect();
            all.map(|all| all.into_iter().flatten().collect())
        } else {
            let positive = conditions.iter().filter(|(_, negated, _)| !negated);
            positive.filter_map(only_of).min_by_key(Vec::len)
        };
        let tests = conditions.iter().map(|(field, negated, tests)| FieldTests {
            field: *field,
            negated: *negated,
            tests: TextTests::new(tests),
        });
        KindTests { tests: tests.collect(), only, inverted }
    }

    /// Whether a text passes all conditions. `word`: the value of one of its fields, "" for none.
    fn pass<'a>(&self, word: impl Fn(TextField) -> &'a str) -> bool {
        self.tests.iter().all(|one| one.tests.pass(word(one.field)) != one.negated)
    }

    /// `joined`: ids whose text is now another one.
    fn find(
        &self,
        file: &OpenFile<'_>,
        project: u32,
        kind: TextKind,
        joined: Option<&JoinedRoutes>,
    ) -> Result<IdSet, StoreError> {
        let mut ids = IdSet { inverted: self.inverted, ..IdSet::default() };
        let fields: Vec<TextField> = self.tests.iter().map(|one| one.field).collect();
        let scan = sql::filter::texts(file.tables(), project, kind, &fields, self.only.as_deref());
        file.each(&scan.sql, &scan.values, |batch| {
            let id = batch.column(0).as_primitive::<UInt32Type>().values();
            let columns: Vec<_> =
                (1..batch.num_columns()).map(|at| batch.column(at).as_string::<i32>()).collect();
            for (row, id) in id.iter().enumerate() {
                if joined.is_some_and(|joined| joined.is_outdated(*id)) {
                    continue;
                }
                let word = |field: TextField| match columns.get(field.place()) {
                    Some(column) if column.is_valid(row) => column.value(row),
                    _ => "",
                };
                if self.pass(word) != self.inverted {
                    ids.put(*id);
                }
            }
        })?;
        for (id, name) in joined.into_iter().flat_map(JoinedRoutes::outdated) {
            if self.pass(|_| name) != self.inverted {
                ids.put(id);
            }
        }
        // Id 0 is "no text".
        if self.pass(|_| "") != self.inverted {
            ids.put(0);
        }
        Ok(ids)
    }
}

/// A field of a text, whether the condition is negated, and its tests.
type TextCondition = (TextField, bool, Vec<Test>);

impl FileFilter {
    pub fn new(
        file: &OpenFile<'_>,
        filter: &Filter,
        project: u32,
        joined: Option<&JoinedRoutes>,
    ) -> Result<FileFilter, StoreError> {
        let mut numbers = Filter::default();
        let mut by_kind: Vec<(TextKind, Vec<TextCondition>)> = Vec::new();
        let mut of_consumers: [Vec<TextCondition>; 2] = Default::default();
        for condition in &filter.conditions {
            let Condition { field, negated, tests } = condition;
            if *field == Field::Consumer {
                let (users, addresses): (Vec<_>, Vec<_>) =
                    tests.iter().map(sql::filter::split_consumer).unzip();
                for (all, tests) in of_consumers.iter_mut().zip([users, addresses]) {
                    all.push((TextField::Text, *negated, tests.into_iter().flatten().collect()));
                }
            } else if let Some((kind, text)) = sql::filter::text_of(*field) {
                let one = (text, *negated, tests.clone());
                match by_kind.iter_mut().find(|(other, _)| *other == kind) {
                    Some((_, all)) => all.push(one),
                    None => by_kind.push((kind, vec![one])),
                }
            } else {
                numbers.conditions.push(condition.clone());
            }
        }
        let mut numbers = sql::filter::compile(&numbers);
        let find = |kind: TextKind, conditions: &[TextCondition]| {
            let joined = joined.filter(|_| kind == TextKind::Route);
            KindTests::new(conditions).find(file, project, kind, joined)
        };
        let mut texts = Vec::new();
        for (kind, conditions) in &by_kind {
            let ids = find(*kind, conditions)?;
            match ids.condition(&file.tables().text(*kind)) {
                Some(condition) => numbers = format!("{numbers} AND {condition}"),
                None => texts.push((*kind, ids)),
            }
        }
        let [users, addresses] = &of_consumers;
        let consumer = match users.is_empty() {
            true => None,
            false => Some((find(TextKind::User, users)?, find(TextKind::Address, addresses)?)),
        };
        Ok(FileFilter { numbers, texts, consumer })
    }

    /// The kinds of texts whose columns `select` reads.
    pub fn kinds(&self) -> Vec<TextKind> {
        let consumer: &[TextKind] = match self.consumer {
            Some(_) => &[TextKind::User, TextKind::Address],
            None => &[],
        };
        let mut kinds: Vec<TextKind> = self.texts.iter().map(|(kind, _)| *kind).collect();
        for kind in consumer {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        kinds
    }

    /// The same as needs of sums.
    pub fn needs(&self) -> Needs {
        self.kinds().into_iter().fold(Needs::default(), |needs, kind| needs.and(Needs::text(kind)))
    }

    /// About how much memory this takes.
    fn bytes(&self) -> usize {
        let of_consumers = self.consumer.iter().flat_map(|(users, addresses)| [users, addresses]);
        let sets = self.texts.iter().map(|(_, ids)| ids).chain(of_consumers);
        256 + self.numbers.len() + sets.map(|set| set.ids.bytes()).sum::<usize>()
    }

    /// The rows that pass, ascending; false if all do.
    pub fn select(&self, hits: &Columns<'_>, rows: usize, out: &mut Vec<u32>) -> bool {
        out.clear();
        if self.texts.is_empty() && self.consumer.is_none() {
            return false;
        }
        out.extend(0..rows as u32);
        for (kind, ids) in &self.texts {
            let column = hits.texts[*kind as usize];
            keep(out, |row| ids.has(column[row]));
        }
        if let Some((users, addresses)) = &self.consumer {
            let user = hits.texts[TextKind::User as usize];
            let address = hits.texts[TextKind::Address as usize];
            keep(out, |row| match user[row] {
                0 => addresses.has(address[row]),
                id => users.has(id),
            });
        }
        out.len() < rows
    }

    /// The rows that pass and are hits of these consumers or endpoints, ascending.
    pub fn select_of(&self, only: &Subset, hits: &Columns<'_>, rows: usize, out: &mut Vec<u32>) {
        self.select_if(hits, rows, out, |row| only.has_hit(hits, row));
    }

    /// The rows that pass and are wanted, ascending.
    pub fn select_if(
        &self,
        hits: &Columns<'_>,
        rows: usize,
        out: &mut Vec<u32>,
        wanted: impl Fn(usize) -> bool,
    ) {
        if !self.select(hits, rows, out) {
            out.clear();
            out.extend(0..rows as u32);
        }
        keep(out, wanted);
    }
}

/// Filters of sealed files, cached between reads: an export reads page by page, a live dashboard every few seconds, and
/// the texts of a file that pass never change. Bounded by bytes; the least recently used goes first.
///
/// Holds ids and a keyed hash of the filter, but no text.
#[derive(Default)]
pub struct FilterCache {
    entries: Mutex<VecDeque<Cached>>,
    hash: [RandomState; 2],
}

struct Cached {
    file: String,
    project: u32,
    filter: [u64; 2],
    /// The version of the rules that join routes of this file, if it matters; or 0.
    joined: u64,
    found: Arc<FileFilter>,
}

impl FilterCache {
    pub fn get(
        &self,
        file: &OpenFile<'_>,
        filter: &Filter,
        project: u32,
    ) -> Result<Arc<FileFilter>, StoreError> {
        let joined = match tests_routes(filter) {
            true => file.joined_routes(project)?,
            false => None,
        };
        self.get_with(file, filter, project, joined.as_deref())
    }

    /// `joined`: of this file and project, if the filter has conditions on routes.
    pub fn get_with(
        &self,
        file: &OpenFile<'_>,
        filter: &Filter,
        project: u32,
        joined: Option<&JoinedRoutes>,
    ) -> Result<Arc<FileFilter>, StoreError> {
        if !file.is_sealed() || filter.conditions.is_empty() {
            return FileFilter::new(file, filter, project, joined).map(Arc::new);
        }
        let version = joined.filter(|_| tests_routes(filter)).map_or(0, JoinedRoutes::version);
        let hash = [self.hash[0].hash_one(filter), self.hash[1].hash_one(filter)];
        let is_it = |entry: &Cached| {
            (entry.project, entry.filter, entry.joined) == (project, hash, version)
                && entry.file == file.alias()
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().position(is_it).and_then(|at| entries.remove(at)) {
            let found = entry.found.clone();
            entries.push_back(entry);
            return Ok(found);
        }
        drop(entries);
        let found = Arc::new(FileFilter::new(file, filter, project, joined)?);
        let entry = Cached {
            file: file.alias().to_owned(),
            project,
            filter: hash,
            joined: version,
            found: found.clone(),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_back(entry);
        let mut bytes: usize = entries.iter().map(|entry| entry.found.bytes()).sum();
        while bytes > limits::FILTERS_CACHE_BYTES as usize {
            let Some(oldest) = entries.pop_front() else { break };
            bytes -= oldest.found.bytes();
        }
        Ok(found)
    }

    /// After an erasure.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Whether a condition is on routes.
pub fn tests_routes(filter: &Filter) -> bool {
    let kind = |condition: &Condition| sql::filter::text_of(condition.field);
    filter.conditions.iter().filter_map(kind).any(|(kind, _)| kind == TextKind::Route)
}

/// Without a branch on the result, which would be mispredicted half of the time.
fn keep(rows: &mut Vec<u32>, passes: impl Fn(usize) -> bool) {
    let mut kept = 0;
    for n in 0..rows.len() {
        let row = rows[n];
        rows[kept] = row;
        kept += usize::from(passes(row as usize));
    }
    rows.truncate(kept);
}

/// Buffers for the rows that passed, column by column.
#[derive(Default)]
pub struct Kept {
    /// Consecutive rows: from, to (excluded).
    runs: Vec<(u32, u32)>,
    wide: [Vec<i64>; 4],
    short: [Vec<u16>; 3],
    texts: [Vec<u32>; TextKind::COUNT],
}

/// Average rows per run from which runs are copied as a whole and not row by row.
const LONG_RUNS: usize = 4;

impl Kept {
    /// `rows`: ascending.
    pub fn take<'a>(&'a mut self, hits: &Columns<'_>, rows: &[u32]) -> Columns<'a> {
        fn gather<T: Copy>(from: &[T], rows: &[u32], runs: &[(u32, u32)], to: &mut Vec<T>) {
            to.clear();
            if from.is_empty() {
                return;
            }
            if runs.len() * LONG_RUNS > rows.len() {
                to.extend(rows.iter().map(|&row| from[row as usize]));
            } else {
                for &(start, end) in runs {
                    to.extend_from_slice(&from[start as usize..end as usize]);
                }
            }
        }
        self.runs.clear();
        for &row in rows {
            match self.runs.last_mut() {
                Some((_, end)) if *end == row => *end = row + 1,
                _ => self.runs.push((row, row + 1)),
            }
        }
        let runs = &self.runs;
        let wide = [hits.time_us, hits.duration_us, hits.request_size, hits.response_size];
        wide.into_iter().zip(&mut self.wide).for_each(|(from, to)| gather(from, rows, runs, to));
        let short = [hits.status, hits.latency, hits.country];
        short.into_iter().zip(&mut self.short).for_each(|(from, to)| gather(from, rows, runs, to));
        let texts = hits.texts.iter().zip(&mut self.texts);
        texts.for_each(|(from, to)| gather(from, rows, runs, to));
        Columns {
            time_us: &self.wide[0],
            duration_us: &self.wide[1],
            request_size: &self.wide[2],
            response_size: &self.wide[3],
            status: &self.short[0],
            latency: &self.short[1],
            country: &self.short[2],
            texts: std::array::from_fn(|kind| self.texts[kind].as_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_ids_may_be_all_but_some() {
        let mut ids = IdSet::default();
        for id in [70, 3, 64, 1_000] {
            ids.put(id);
        }
        let found = |ids: &IdSet| (0..1_100).filter(|id| ids.has(*id)).collect::<Vec<u32>>();
        assert_eq!(found(&ids), [3, 64, 70, 1_000]);
        ids.inverted = true;
        assert_eq!(found(&ids).len(), 1_100 - 4);
        assert!(ids.has(u32::MAX) && !ids.has(64));
    }

    #[test]
    fn ids_in_few_runs_are_a_condition_of_the_engine() {
        let of = |ids: &[u32], inverted| {
            let mut set = IdSet { inverted, ..IdSet::default() };
            ids.iter().for_each(|id| set.put(*id));
            set.condition("h.x")
        };
        assert_eq!(of(&[], false).unwrap(), "(FALSE)");
        assert_eq!(of(&[], true).unwrap(), "NOT (FALSE)");
        assert_eq!(of(&[7], false).unwrap(), "(h.x = 7)");
        let wanted = "NOT (h.x BETWEEN 0 AND 2 OR h.x = 9)";
        assert_eq!(of(&[9, 2, 0, 1], true).unwrap(), wanted);
        assert_eq!(of(&[1, 3, 5, 7, 9], false), None);
    }

    #[test]
    fn a_scan_is_restricted_where_no_other_text_can_matter() {
        let is = |value: &str| Test::Is(value.into());
        let like = |pattern: &str| Test::Wildcard(pattern.into());
        let only = |conditions: &[(bool, Vec<Test>)]| {
            let conditions: Vec<_> = conditions
                .iter()
                .map(|(negated, tests)| (TextField::Text, *negated, tests.clone()))
                .collect();
            KindTests::new(&conditions).only
        };
        let (a, b) =
            (Only::Equal(TextField::Text, "a".into()), Only::Prefix(TextField::Text, "b".into()));
        assert_eq!(only(&[(false, vec![is("a"), like("b*c")])]), Some(vec![a.clone(), b.clone()]));
        assert_eq!(only(&[(false, vec![is("a"), like("*c")])]), None);
        assert_eq!(
            only(&[(false, vec![is("a")]), (true, vec![like("*x")])]),
            Some(vec![a.clone()])
        );
        assert_eq!(only(&[(true, vec![is("a")]), (true, vec![like("b*")])]), Some(vec![a, b]));
        assert_eq!(only(&[(true, vec![is("a")]), (true, vec![like("*b")])]), None);
    }

    #[test]
    fn what_is_kept_is_the_same_by_rows_and_by_runs() {
        let times: Vec<i64> = (100..200).collect();
        let hits = Columns { time_us: &times, ..Columns::default() };
        let mut kept = Kept::default();
        let most: Vec<u32> = (0..100).filter(|row| row % 10 != 3).collect();
        let few: Vec<u32> = (0..100).filter(|row| row % 3 == 0).collect();
        for rows in [most, few, Vec::new(), vec![99]] {
            let expected: Vec<i64> = rows.iter().map(|row| i64::from(*row) + 100).collect();
            assert_eq!(kept.take(&hits, &rows).time_us, expected);
        }
    }
}
