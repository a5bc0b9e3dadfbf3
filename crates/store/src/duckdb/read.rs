//! Lists: raw hits of all files, in one order. Statistics in memory exclude files that cannot hold matching hits.
//!
//! The engine streams times, hit ids and text ids, from which the hits of a list are selected; only those shown are
//! then read in full, as many at a time as fit the caller's memory. A list that would scan many hits for few results
//! ends early, with a query for the rest, so that other readers have their turn.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::hit::{Country, ProjectId, TextKind};
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, HitsQuery};
use analytics::tally;
use duckdb::arrow::array::{Array, AsArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use duckdb::arrow::datatypes::{Int64Type, UInt16Type, UInt32Type};

use crate::duckdb::files::Entry;
use crate::duckdb::filter::{FileFilter, FilterCache};
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{Connections, OpenFile, Reading};
use crate::duckdb::sql;
use crate::duckdb::sql::build::MARK_EVERY;
use crate::duckdb::sql::file::NUMBERS;
use crate::duckdb::sql::rows::Range;
use crate::duckdb::stats::ProjectStats;
use crate::types::{Found, HitRow, Part, StoreError};

/// Hits read in full by one statement.
const FETCHED_AT_ONCE: usize = 10_000;

/// The same for a list with a memory bound, while the size of its hits is unknown.
const FETCHED_AT_FIRST: usize = 1_000;

/// Stretches into which a file's ids are split to find a page of a filtered list.
const ID_STRETCHES: usize = 1 << 16;

/// A hit of a list: its time and its id.
type Key = (i64, i64);

/// The newest hits, by (time, hit id).
///
/// Scans stretches of time from the newest on, each about long enough to hold the missing hits, and longer ones if few
/// of them pass. A sealed file is sorted by time, so scanning a stretch costs as much as it holds.
pub fn newest(
    reading: &Reading<'_>,
    query: &HitsQuery,
    filters: &FilterCache,
    most_bytes: usize,
) -> Result<Part<HitsQuery>, StoreError> {
    let project = query.scope.project();
    let filter = query.scope.with_locked(&query.filter);
    let files: Vec<(&Entry, ProjectStats)> = reading
        .snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry, *entry.file.stats.load().get(&project)?)))
        .filter(|(_, stats)| stats.rows > 0 && overlaps(stats, &query.period))
        .collect();
    let least = |times: &mut dyn Iterator<Item = i64>| times.min().unwrap_or(0);
    let start = least(&mut files.iter().map(|(_, stats)| stats.min_time_us));
    let start = start.max(query.period.from_us.unwrap_or(i64::MIN));
    let end = files.iter().map(|(_, stats)| stats.max_time_us.saturating_add(1)).max().unwrap_or(0);
    let mut end = end.min(query.period.to_us.unwrap_or(i64::MAX));
    if let Some((time, _)) = query.after {
        end = end.min(time.saturating_add(1));
    }
    let connections = reading.connections();
    let stats: Vec<ProjectStats> = files.iter().map(|(_, stats)| *stats).collect();
    let mut found: Vec<(Key, usize)> = Vec::new();
    let mut looked_at = 0;
    let mut wanted = limits::LIST_WINDOW_ROWS.max(2 * query.limit as u64);
    while end > start && found.len() < query.limit && looked_at < limits::LIST_PART_ROWS {
        let mut from = window_start(&stats, start, end, wanted);
        let rows = shorten(&connections, &files, project.0, &mut from, end, wanted)?;
        looked_at += rows.max(1);
        let inside = Period { from_us: Some(from), to_us: Some(end) };
        for (n, (entry, stats)) in files.iter().enumerate() {
            if !overlaps(stats, &inside) {
                continue;
            }
            let file = connections.open(&entry.file)?;
            let of_file = filters.get(&file, &filter, project.0)?;
            let range = Range {
                project: project.0,
                period: inside,
                after_id: None,
                until_id: None,
                before: query.after,
                numbers: &of_file.numbers,
            };
            let keys = select(&file, &range, &of_file, query.limit, Reverse)?;
            found.extend(keys.into_iter().map(|key| (key, n)));
        }
        end = from;
        wanted = (4 * wanted).min(limits::LIST_PART_ROWS);
    }
    found.sort_unstable_by_key(|(key, _)| Reverse(*key));
    found.truncate(query.limit);
    let left = query.limit - found.len();
    // Everything from `end` on has been scanned.
    let rest = (left > 0 && end > start).then(|| HitsQuery {
        after: Some((end, i64::MIN)),
        limit: left,
        ..query.clone()
    });
    let mut found = Found::new(found.into_iter().map(|(key, _)| key).collect());
    let hits = fetch(reading, &connections, project, &mut found, most_bytes)?;
    Ok(Part { hits, found, rest })
}

/// Hits of the stretch, if each file's were spread evenly over its time.
pub fn rows_between(stats: &[ProjectStats], from: i64, to: i64) -> f64 {
    let of_file = |stats: &ProjectStats| {
        let whole = stats.max_time_us.saturating_sub(stats.min_time_us).saturating_add(1);
        let start = from.max(stats.min_time_us);
        let inside = to.min(stats.max_time_us.saturating_add(1)).saturating_sub(start);
        stats.rows as f64 * (inside.max(0) as f64 / whole.max(1) as f64)
    };
    stats.iter().map(of_file).sum()
}

/// The start of a stretch that ends at `end` and has about `wanted` hits.
pub fn window_start(stats: &[ProjectStats], start: i64, end: i64, wanted: u64) -> i64 {
    if rows_between(stats, start, end) <= wanted as f64 {
        return start;
    }
    // Finds the longest stretch with at most that many by bisection.
    let (mut low, mut high) = (start, end - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if rows_between(stats, middle, end) <= wanted as f64 {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

/// Hits are seldom spread evenly: counts those of large files, and shortens the stretch if it has far more than wanted.
/// Returns about how many hits it has.
pub fn shorten(
    connections: &Connections<'_>,
    files: &[(&Entry, ProjectStats)],
    project: u32,
    from: &mut i64,
    end: i64,
    wanted: u64,
) -> Result<u64, StoreError> {
    loop {
        let inside = Period { from_us: Some(*from), to_us: Some(end) };
        let mut rows = 0;
        for (entry, stats) in files.iter().filter(|(_, stats)| overlaps(stats, &inside)) {
            let is_small = stats.rows <= 4 * wanted;
            rows += if is_small || !entry.file.is_sealed() {
                rows_between(std::slice::from_ref(stats), *from, end) as u64
            } else {
                let file = connections.open(&entry.file)?;
                let counted = Arc::new(AtomicU64::new(0));
                let into = counted.clone();
                let text = sql::rows::count(file.alias(), project, *from, end);
                file.scan_columns(&text, &[], move |chunk| {
                    let rows = chunk.column::<i64>(0).iter().sum::<i64>();
                    into.fetch_add(rows as u64, Ordering::Relaxed);
                })?;
                counted.load(Ordering::Relaxed)
            };
        }
        if rows <= 4 * wanted || end - *from <= 1 {
            return Ok(rows);
        }
        *from = end - ((end - *from) / 4).max(1);
    }
}

/// The first hits of a stretch by `order` that pass the filter, at most `limit`, in no order.
fn select<O: Ord + Copy + Send + 'static>(
    file: &OpenFile<'_>,
    range: &Range<'_>,
    filter: &Arc<FileFilter>,
    limit: usize,
    order: impl Fn(Key) -> O + Send + Sync + Copy + 'static,
) -> Result<Vec<Key>, StoreError> {
    let pool = Arc::new(Pool::new(|| (Vec::new(), Selected::<Key, O>::default())));
    scan(file, range, filter, &pool, move |selected, key| selected.add(key, limit, order))?;
    let mut all: Vec<Key> =
        pool.drain().into_iter().flat_map(|(_, selected)| selected.keys).collect();
    if all.len() > limit {
        all.select_nth_unstable_by_key(limit, |key| order(*key));
        all.truncate(limit);
    }
    Ok(all)
}

/// Passes times and ids of a stretch's hits that pass the filter to `take`, on several threads.
fn scan<T: Send + 'static>(
    file: &OpenFile<'_>,
    range: &Range<'_>,
    filter: &Arc<FileFilter>,
    pool: &Arc<Pool<(Vec<u32>, T)>>,
    take: impl Fn(&mut T, Key) + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let kinds = filter.kinds();
    let text = sql::rows::keys(file.tables(), range, &kinds);
    let (pool, filter) = (pool.clone(), filter.clone());
    file.scan_columns(&text, &[], move |chunk| {
        let (times, ids) = (chunk.column::<i64>(0), chunk.column::<i64>(1));
        let mut columns = tally::Columns::default();
        for (place, kind) in kinds.iter().enumerate() {
            columns.texts[*kind as usize] = chunk.column(2 + place);
        }
        pool.with(|(rows, into)| {
            if filter.select(&columns, chunk.rows(), rows) {
                rows.iter().for_each(|&row| take(into, (times[row as usize], ids[row as usize])));
            } else {
                times.iter().zip(ids).for_each(|(time, id)| take(into, (*time, *id)));
            }
        });
    })
}

/// The first hits by an order that one thread has seen.
pub struct Selected<K, O> {
    pub keys: Vec<K>,
    /// Hits later than this are not among the first.
    last: Option<O>,
}

impl<K, O> Default for Selected<K, O> {
    fn default() -> Self {
        Selected { keys: Vec::new(), last: None }
    }
}

impl<K: Copy, O: Ord + Copy> Selected<K, O> {
    pub fn add(&mut self, key: K, limit: usize, order: impl Fn(K) -> O) {
        if limit == 0 || self.last.is_some_and(|last| order(key) > last) {
            return;
        }
        self.keys.push(key);
        // Trimmed rarely enough that a trim costs little per hit.
        if self.keys.len() >= 2 * limit + 1_000 {
            let (_, last, _) = self.keys.select_nth_unstable_by_key(limit - 1, |key| order(*key));
            self.last = Some(order(*last));
            self.keys.truncate(limit);
        }
    }
}

/// Hits in order of arrival.
pub fn arrivals(
    reading: &Reading<'_>,
    query: &ArrivalQuery,
    filters: &FilterCache,
    most_bytes: usize,
) -> Result<Part<ArrivalQuery>, StoreError> {
    let project = query.scope.project();
    let filter = query.scope.with_locked(&query.filter);
    let everything =
        filter.conditions.is_empty() && query.period == Period::default() && query.up_to.is_none();
    let connections = reading.connections();
    let mut offset = query.offset;
    let mut after = query.after;
    let mut found: Vec<Key> = Vec::new();
    let mut rest = None;
    let mut looked_at = 0;
    for entry in &reading.snapshot.entries {
        let limit = query.limit - found.len();
        let Some(stats) = entry.file.stats.load().get(&project).copied() else { continue };
        if limit == 0 {
            break;
        }
        if !overlaps(&stats, &query.period)
            || after.is_some_and(|after| stats.max_hit_id <= after)
            || query.up_to.is_some_and(|last| stats.min_hit_id > last)
        {
            continue;
        }
        if looked_at >= limits::LIST_PART_ROWS {
            rest = Some(ArrivalQuery { after, offset, limit, ..query.clone() });
            break;
        }
        let whole_file = after.is_none_or(|after| after < stats.min_hit_id);
        if everything && whole_file && offset >= stats.rows {
            offset -= stats.rows;
            // TRICKY: no hit of this file matters any more, in this part or the next.
            after = Some(stats.max_hit_id);
            continue;
        }
        let file = connections.open(&entry.file)?;
        let of_file = filters.get(&file, &filter, project.0)?;
        let mut range = Range {
            project: project.0,
            period: query.period,
            after_id: after,
            until_id: query.up_to,
            before: None,
            numbers: &of_file.numbers,
        };
        let mut pass_over = offset;
        if everything {
            // Marks locate the page, so that only its rows are scanned.
            let marks = read_marks(&file, project.0)?;
            if whole_file {
                if let Some((ordinal, hit_id)) =
                    marks.iter().rfind(|(ordinal, _)| *ordinal <= offset)
                {
                    range.after_id = Some(hit_id - 1);
                    pass_over = offset - ordinal;
                }
                range.until_id = mark_after(&marks, offset + limit as u64);
            } else {
                let start = marks
                    .iter()
                    .rfind(|(_, id)| Some(*id) <= after)
                    .map_or(0, |(ordinal, _)| *ordinal);
                range.until_id = mark_after(&marks, start + MARK_EVERY + offset + limit as u64);
            }
        } else {
            looked_at += stats.rows;
            if offset > 0 {
                match find_page(&file, &mut range, &of_file, &stats, offset, limit)? {
                    Page::Inside(rest) => pass_over = rest,
                    Page::Behind(rows) => {
                        offset -= rows;
                        after = Some(stats.max_hit_id);
                        continue;
                    }
                }
            }
        }
        let by_id = |(_, id): Key| id;
        let last = (pass_over as usize).saturating_add(limit);
        let mut keys = select(&file, &range, &of_file, last, by_id)?;
        keys.sort_unstable_by_key(|(_, id)| *id);
        found.extend(keys.get(pass_over as usize..).unwrap_or_default());
        offset = pass_over.saturating_sub(keys.len() as u64);
        after = Some(stats.max_hit_id);
    }
    let mut found = Found::new(found);
    let hits = fetch(reading, &connections, project, &mut found, most_bytes)?;
    Ok(Part { hits, found, rest })
}

/// The next of the found hits, in their order, about as many as take `most_bytes`. Hits erased meanwhile are left out.
pub fn fetch(
    reading: &Reading<'_>,
    connections: &Connections<'_>,
    project: ProjectId,
    found: &mut Found,
    most_bytes: usize,
) -> Result<Vec<HitRow>, StoreError> {
    let is_bounded = most_bytes != usize::MAX;
    if found.step == 0 {
        found.step = if is_bounded { FETCHED_AT_FIRST } else { FETCHED_AT_ONCE };
    }
    let mut hits = Vec::new();
    let mut bytes = 0;
    while bytes < most_bytes && !found.is_empty() {
        let keys = &found.left()[..found.step.min(found.len())];
        // The bytes read beyond the bound are bounded too: texts are measured before rows are built.
        let most_of_page = most_bytes.saturating_add(most_bytes / 2);
        let Some(page) = fetch_page(reading, connections, project, keys, most_of_page)? else {
            found.step = (found.step / 8).max(1);
            continue;
        };
        let count = keys.len();
        let size = page.iter().map(HitRow::size_bytes).sum::<usize>();
        bytes += size;
        hits.extend(page);
        found.pass(count);
        if is_bounded {
            // As many as still fit if the next ones have the same size; fewer than half are not worth a statement.
            let of_one = (size / count).max(1);
            let whole = (most_bytes / of_one).clamp(1, FETCHED_AT_ONCE).min(4 * found.step);
            found.step = whole;
            if bytes + whole.min(found.len()) * of_one > most_bytes + most_bytes / 2 {
                break;
            }
        }
    }
    Ok(hits)
}

/// Hits in full, in the order of their keys; none if their texts take more than `most_bytes` and there are several.
fn fetch_page(
    reading: &Reading<'_>,
    connections: &Connections<'_>,
    project: ProjectId,
    keys: &[Key],
    most_bytes: usize,
) -> Result<Option<Vec<HitRow>>, StoreError> {
    let mut rows: HashMap<i64, HitRow> = HashMap::with_capacity(keys.len());
    let most_bytes = if keys.len() > 1 { most_bytes } else { usize::MAX };
    for entry in &reading.snapshot.entries {
        let Some(stats) = entry.file.stats.load().get(&project).copied() else { continue };
        let inside = stats.min_hit_id..=stats.max_hit_id;
        let of_file: Vec<Key> =
            keys.iter().copied().filter(|(_, id)| inside.contains(id)).collect();
        if of_file.is_empty() {
            continue;
        }
        let file = connections.open(&entry.file)?;
        let Some(of_file) = fetch_of_file(&file, project.0, &of_file, most_bytes)? else {
            return Ok(None);
        };
        rows.extend(of_file.into_iter().map(|row| (row.hit_id, row)));
    }
    Ok(Some(keys.iter().filter_map(|(_, id)| rows.remove(id)).collect()))
}

/// The place of a page in a filtered list.
enum Page {
    /// After this file, which has fewer matching hits than are skipped.
    Behind(u64),
    /// After this many hits of the range, which is now as short as the page allows.
    Inside(u64),
}

/// The page after `offset` matching hits of a file: they are counted by stretches of their ids, so that memory does not
/// grow with the offset.
fn find_page(
    file: &OpenFile<'_>,
    range: &mut Range<'_>,
    filter: &Arc<FileFilter>,
    stats: &ProjectStats,
    offset: u64,
    limit: usize,
) -> Result<Page, StoreError> {
    let first = stats.min_hit_id;
    let length = (stats.max_hit_id - first) / ID_STRETCHES as i64 + 1;
    let pool = Arc::new(Pool::new(|| (Vec::new(), vec![0u32; ID_STRETCHES])));
    scan(file, range, filter, &pool, move |counts, (_, id)| {
        counts[((id - first) / length) as usize] += 1;
    })?;
    let mut counts = vec![0u64; ID_STRETCHES];
    for (_, some) in pool.drain() {
        counts.iter_mut().zip(some).for_each(|(sum, count)| *sum += u64::from(count));
    }
    let mut before = 0;
    let mut found = None;
    for (n, count) in counts.into_iter().enumerate() {
        let start = first + n as i64 * length;
        if found.is_none() && before + count > offset {
            range.after_id = range.after_id.max(Some(start - 1));
            found = Some(offset - before);
        }
        before += count;
        if found.is_some() && before >= offset + limit as u64 {
            range.until_id = Some(start + length - 1);
            break;
        }
    }
    Ok(found.map_or(Page::Behind(before), Page::Inside))
}

fn mark_after(marks: &[(u64, i64)], ordinal: u64) -> Option<i64> {
    marks.iter().find(|(at, _)| *at >= ordinal).map(|(_, hit_id)| *hit_id)
}

pub fn overlaps(stats: &ProjectStats, period: &Period) -> bool {
    period.from_us.is_none_or(|from| stats.max_time_us >= from)
        && period.to_us.is_none_or(|to| stats.min_time_us < to)
}

fn read_marks(file: &OpenFile<'_>, project: u32) -> Result<Vec<(u64, i64)>, StoreError> {
    let mut marks = Vec::new();
    file.each(&sql::rows::marks(file.alias(), project), &[], |batch| {
        let (ordinals, ids) = (long(batch, 0), long(batch, 1));
        marks.extend(ordinals.values().iter().zip(ids.values()).map(|(at, id)| (*at as u64, *id)));
    })?;
    Ok(marks)
}

fn long(batch: &RecordBatch, place: usize) -> &Int64Array {
    batch.column(place).as_primitive::<Int64Type>()
}

/// Hits of a file in full, with texts instead of their ids, in no order; none if they take more than `most_bytes`.
fn fetch_of_file(
    file: &OpenFile<'_>,
    project: u32,
    keys: &[Key],
    most_bytes: usize,
) -> Result<Option<Vec<HitRow>>, StoreError> {
    let times = || keys.iter().map(|(time, _)| *time);
    let (Some(from), Some(to)) = (times().min(), times().max()) else {
        return Ok(Some(Vec::new()));
    };
    let ids: Vec<String> = keys.iter().map(|(_, id)| id.to_string()).collect();
    let text = sql::rows::hits(file.tables(), project, from, to);
    let mut batches: Vec<RecordBatch> = Vec::new();
    file.each(&text, &[format!("[{}]", ids.join(","))], |batch| batches.push(batch.clone()))?;
    to_rows(file, project, &batches, most_bytes)
}

fn to_rows(
    file: &OpenFile<'_>,
    project: u32,
    batches: &[RecordBatch],
    most_bytes: usize,
) -> Result<Option<Vec<HitRow>>, StoreError> {
    let mut texts = Vec::with_capacity(TextKind::COUNT);
    let mut left = most_bytes;
    for kind in TextKind::ALL {
        let Some(of_kind) = Texts::read(file, project, kind, batches, &mut left)? else {
            return Ok(None);
        };
        texts.push(of_kind);
    }
    let mut hits = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    let mut bytes = 0;
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let text =
                |kind: TextKind| texts[kind as usize].get(columns.texts[kind as usize].value(row));
            let agent = text(TextKind::Agent);
            let [client, os, device] = agent.more.clone();
            let [version, ..] = text(TextKind::Path).more.clone();
            let hit = HitRow {
                hit_id: columns.hit_id.value(row),
                time_us: columns.time_us.value(row),
                duration_us: optional(columns.duration_us, row),
                status: columns.status.value(row),
                country: Country::from_number(columns.country.value(row)),
                request_size: optional(columns.request_size, row),
                response_size: optional(columns.response_size, row),
                texts: TextKind::ALL.map(|kind| text(kind).text.clone()),
                words: [client, os, device, version],
            };
            // A text held once is written as often as it is named.
            bytes += hit.size_bytes();
            hits.push(hit);
            if bytes > most_bytes {
                return Ok(None);
            }
        }
    }
    Ok(Some(hits))
}

struct Columns<'a> {
    time_us: &'a Int64Array,
    hit_id: &'a Int64Array,
    duration_us: &'a Int64Array,
    status: &'a UInt16Array,
    country: &'a UInt16Array,
    request_size: &'a Int64Array,
    response_size: &'a Int64Array,
    texts: [&'a UInt32Array; TextKind::COUNT],
}

/// The place of the first text in the columns of `sql::rows::hits`.
const FIRST_TEXT: usize = NUMBERS.len() - 1;

impl<'a> Columns<'a> {
    /// By position; `project` is omitted.
    fn of(batch: &'a RecordBatch) -> Columns<'a> {
        let long = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        let short = |at: usize| batch.column(at).as_primitive::<UInt16Type>();
        Columns {
            time_us: long(0),
            hit_id: long(1),
            duration_us: long(2),
            status: short(3),
            country: short(4),
            request_size: long(5),
            response_size: long(6),
            texts: std::array::from_fn(|kind| {
                batch.column(FIRST_TEXT + kind).as_primitive::<UInt32Type>()
            }),
        }
    }
}

fn optional(column: &Int64Array, row: usize) -> Option<u64> {
    column.is_valid(row).then(|| column.value(row) as u64)
}

/// The texts of one kind that an answer needs.
struct Texts {
    known: HashMap<u32, Words>,
    none: Words,
}

#[derive(Clone)]
struct Words {
    text: Arc<str>,
    more: [Arc<str>; 3],
}

impl Texts {
    fn read(
        file: &OpenFile<'_>,
        project: u32,
        kind: TextKind,
        batches: &[RecordBatch],
        left: &mut usize,
    ) -> Result<Option<Texts>, StoreError> {
        let nothing: Arc<str> = Arc::from("");
        let none = Words {
            text: nothing.clone(),
            more: [nothing.clone(), nothing.clone(), nothing.clone()],
        };
        let mut ids: Vec<u32> = batches
            .iter()
            .flat_map(|batch| {
                batch
                    .column(FIRST_TEXT + kind as usize)
                    .as_primitive::<UInt32Type>()
                    .values()
                    .iter()
                    .copied()
            })
            .filter(|&id| id > 0)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut known = HashMap::with_capacity(ids.len());
        if !ids.is_empty() {
            let list =
                format!("[{}]", ids.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
            let text = sql::rows::texts(file.tables(), project, kind);
            let mut seen: HashSet<Arc<str>> = HashSet::new();
            file.each(&text, &[list], |batch| {
                // TRICKY: rows beyond the wanted ones are skipped, because a statement must be read to its end.
                *left = left.saturating_sub(batch.get_array_memory_size());
                if *left == 0 {
                    return;
                }
                let id = batch.column(0).as_primitive::<UInt32Type>();
                for row in 0..batch.num_rows() {
                    let word = |at: usize| -> Option<&str> {
                        let column = batch.columns().get(at)?.as_string_opt::<i32>()?;
                        column.is_valid(row).then(|| column.value(row))
                    };
                    let mut more = none.more.clone();
                    for (at, slot) in more.iter_mut().enumerate() {
                        let Some(text) = word(2 + at) else { continue };
                        *slot = match seen.get(text) {
                            Some(known) => known.clone(),
                            None => {
                                let text: Arc<str> = Arc::from(text);
                                seen.insert(text.clone());
                                text
                            }
                        };
                    }
                    let text = word(1).unwrap_or("");
                    let joined = match kind {
                        TextKind::Route => file.routes().join(project, text),
                        _ => None,
                    };
                    let text = joined.unwrap_or_else(|| Arc::from(text));
                    known.insert(id.value(row), Words { text, more });
                }
            })?;
        }
        Ok((*left > 0).then_some(Texts { known, none }))
    }

    fn get(&self, id: u32) -> &Words {
        self.known.get(&id).unwrap_or(&self.none)
    }
}
