//! Reads: raw hits out of all files, in one order. Files that cannot hold what is asked for are passed over by what is
//! known of them in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::filter::{Condition, Filter};
use analytics::hit::{Country, Text};
use analytics::period::Period;
use analytics::query::{ArrivalQuery, HitsQuery, ProjectScope};
use duckdb::Connection;
use duckdb::arrow::array::{Array, AsArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use duckdb::arrow::datatypes::{Int64Type, UInt16Type, UInt32Type};

use crate::engine::{Engine, failed};
use crate::files::{Entry, Share, Snapshot};
use crate::hand_out::Chunk;
use crate::shared::Shared;
use crate::sql;
use crate::sql::build::MARK_EVERY;
use crate::sql::filter::Compiled;
use crate::sql::rows::Arrivals;
use crate::types::{HitRow, StoreError};

/// Runs a read off the async threads. It is stopped when its time is over or its asker has gone.
pub async fn run<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Reading<'_>, &Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let engine = shared.engine()?;
    let snapshot = shared.files.now();
    let running = Arc::new(Running::default());
    let stop = StopOnDrop(running.clone());
    let seconds = shared.options.limits.query_seconds;
    let reading = tokio::task::spawn_blocking(move || {
        let reading = Reading { snapshot: &snapshot, engine: &engine, running: &running };
        let answer = reading.connect().and_then(|connection| work(&reading, &connection));
        running.end(&engine);
        // TRICKY: the picture outlives the connections' last use of its files.
        drop(snapshot);
        answer
    });
    let answer = tokio::time::timeout(Duration::from_secs(seconds), reading).await;
    drop(stop);
    match answer {
        Ok(answer) => answer
            .map_err(|source| StoreError::Engine { context: "reading", cause: Box::new(source) })?,
        Err(_) => Err(StoreError::Timeout(seconds)),
    }
}

/// A read under way: a picture of the files, and where to get connections from.
pub struct Reading<'a> {
    pub snapshot: &'a Snapshot,
    engine: &'a Engine,
    running: &'a Running,
}

/// A connection that goes back when its user is done.
pub struct Lent<'a> {
    connection: Option<Connection>,
    running: &'a Running,
}

impl<'a> Reading<'a> {
    /// A connection: one a thread.
    pub fn connect(&self) -> Result<Lent<'a>, StoreError> {
        self.running.lend(self.engine)
    }

    /// Runs a statement of numbers and shows its rows to `take`, stretch by stretch and on several threads.
    pub fn hand_out(
        &self,
        connection: &Connection,
        text: &str,
        values: &[String],
        take: impl Fn(&Chunk<'_>) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        self.check()?;
        self.engine.takers().run(connection, text, values, take)
    }

    /// An error where nobody waits for the answer any more. Between two statements an interruption meets none.
    pub fn check(&self) -> Result<(), StoreError> {
        let state = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped { Err(StoreError::Closing) } else { Ok(()) }
    }
}

impl std::ops::Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // It is there until it is dropped.
        self.connection.as_ref().unwrap_or_else(|| unreachable!())
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.idle.extend(self.connection.take());
    }
}

#[derive(Default)]
struct Running(Mutex<RunningState>);

#[derive(Default)]
struct RunningState {
    stopped: bool,
    /// Of connections that are this read's. Once it has ended they may be somebody else's.
    interrupts: Vec<Arc<duckdb::InterruptHandle>>,
    idle: Vec<Connection>,
}

impl Running {
    fn lend(&self, engine: &Engine) -> Result<Lent<'_>, StoreError> {
        let connection = engine.connect()?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.interrupts.push(connection.interrupt_handle());
        Ok(Lent { connection: Some(connection), running: self })
    }

    fn end(&self, engine: &Engine) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.interrupts.clear();
        state.idle.drain(..).for_each(|connection| engine.give_back(connection));
    }
}

struct StopOnDrop(Arc<Running>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        state.interrupts.iter().for_each(|interrupt| interrupt.interrupt());
    }
}

/// The newest hits, by (time, hit id).
pub fn newest(
    connection: &Connection,
    snapshot: &Snapshot,
    query: &HitsQuery,
) -> Result<Vec<HitRow>, StoreError> {
    let project = query.scope.project();
    let filter = whole_filter(&query.scope, &query.filter);
    let to_us = query.after.map_or(i64::MAX, |(time, _)| time);
    let mut files: Vec<(&Entry, Share)> = snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry, *entry.file.shares.load().get(&project)?)))
        .filter(|(_, share)| overlaps(share, &query.period) && share.min_time_us <= to_us)
        .collect();
    files.sort_by_key(|(_, share)| std::cmp::Reverse(share.max_time_us));
    let mut found: Vec<HitRow> = Vec::new();
    for (entry, share) in files {
        // Enough, and nothing in this file or those after it can be newer.
        if found.len() >= query.limit
            && found.last().is_some_and(|last| share.max_time_us < last.time_us)
        {
            break;
        }
        let file = &entry.file.alias;
        let compiled = sql::filter::compile(&filter, file, project.0);
        let text = sql::rows::newest(
            file,
            project.0,
            &query.period,
            &compiled.sql,
            query.after,
            query.limit,
        );
        found.extend(fetch(connection, file, project.0, &text, &compiled)?);
        found.sort_by_key(|hit| std::cmp::Reverse((hit.time_us, hit.hit_id)));
        found.truncate(query.limit);
    }
    Ok(found)
}

/// Hits in order of arrival.
pub fn arrivals(
    connection: &Connection,
    snapshot: &Snapshot,
    query: &ArrivalQuery,
) -> Result<Vec<HitRow>, StoreError> {
    let project = query.scope.project();
    let filter = whole_filter(&query.scope, &query.filter);
    let everything = filter.conditions.is_empty() && query.period == Period::default();
    let mut offset = query.offset;
    let mut found = Vec::new();
    for entry in &snapshot.entries {
        let limit = query.limit - found.len();
        let Some(share) = entry.file.shares.load().get(&project).copied() else { continue };
        if limit == 0 {
            break;
        }
        if !overlaps(&share, &query.period)
            || query.after.is_some_and(|after| share.max_hit_id <= after)
        {
            continue;
        }
        let whole_file = query.after.is_none_or(|after| after < share.min_hit_id);
        if everything && whole_file && offset >= share.rows {
            offset -= share.rows;
            continue;
        }
        let file = &entry.file.alias;
        let compiled = sql::filter::compile(&filter, file, project.0);
        let mut arrivals = Arrivals {
            file,
            project: project.0,
            period: &query.period,
            filter: &compiled.sql,
            after: query.after,
            until: None,
        };
        let mut pass_over = offset;
        if everything {
            // Marks say where the page is, so that only its rows are looked at.
            let marks = read_marks(connection, file, project.0)?;
            if whole_file {
                if let Some((ordinal, hit_id)) =
                    marks.iter().rfind(|(ordinal, _)| *ordinal <= offset)
                {
                    arrivals.after = Some(hit_id - 1);
                    pass_over = offset - ordinal;
                }
                arrivals.until = mark_after(&marks, offset + limit as u64);
            } else {
                let start = marks
                    .iter()
                    .rfind(|(_, id)| Some(*id) <= query.after)
                    .map_or(0, |(ordinal, _)| *ordinal);
                arrivals.until = mark_after(&marks, start + MARK_EVERY + offset + limit as u64);
            }
        } else if offset > 0 {
            let rows = count(connection, &arrivals.count(), &compiled)?;
            if offset >= rows {
                offset -= rows;
                continue;
            }
        }
        found.extend(fetch(
            connection,
            file,
            project.0,
            &arrivals.rows(pass_over, limit),
            &compiled,
        )?);
        offset = 0;
    }
    Ok(found)
}

fn mark_after(marks: &[(u64, i64)], ordinal: u64) -> Option<i64> {
    marks.iter().find(|(at, _)| *at >= ordinal).map(|(_, hit_id)| *hit_id)
}

pub fn whole_filter(scope: &ProjectScope, filter: &Filter) -> Filter {
    let conditions: Vec<Condition> =
        scope.locked().conditions.iter().chain(&filter.conditions).cloned().collect();
    Filter { conditions }
}

fn overlaps(share: &Share, period: &Period) -> bool {
    period.from_us.is_none_or(|from| share.max_time_us >= from)
        && period.to_us.is_none_or(|to| share.min_time_us < to)
}

fn read_marks(
    connection: &Connection,
    file: &str,
    project: u32,
) -> Result<Vec<(u64, i64)>, StoreError> {
    let context = "reading marks";
    let mut statement =
        connection.prepare(&sql::rows::marks(file, project)).map_err(failed(context))?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)?)))
        .map_err(failed(context))?;
    rows.collect::<Result<_, _>>().map_err(failed(context))
}

fn count(connection: &Connection, text: &str, compiled: &Compiled) -> Result<u64, StoreError> {
    let values = duckdb::params_from_iter(compiled.values.iter());
    connection
        .query_row(text, values, |row| row.get::<_, i64>(0))
        .map(|count| count as u64)
        .map_err(failed("counting hits"))
}

/// Runs a statement of `sql::rows` and puts the texts in the place of their numbers.
fn fetch(
    connection: &Connection,
    file: &str,
    project: u32,
    text: &str,
    compiled: &Compiled,
) -> Result<Vec<HitRow>, StoreError> {
    let context = "reading hits";
    let batches: Vec<RecordBatch> = {
        let mut statement = connection.prepare(text).map_err(failed(context))?;
        statement
            .query_arrow(duckdb::params_from_iter(compiled.values.iter()))
            .map_err(failed(context))?
            .collect()
    };
    let mut texts = Vec::with_capacity(Text::COUNT);
    for kind in Text::ALL {
        texts.push(Texts::read(connection, file, project, kind, &batches)?);
    }
    let mut hits = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in &batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let text =
                |kind: Text| texts[kind as usize].get(columns.texts[kind as usize].value(row));
            let (agent, path) = (text(Text::Agent), text(Text::Path));
            hits.push(HitRow {
                hit_id: columns.hit_id.value(row),
                time_us: columns.time_us.value(row),
                duration_us: optional(columns.duration_us, row),
                status: columns.status.value(row),
                country: Country::from_number(columns.country.value(row)),
                request_size: optional(columns.request_size, row),
                response_size: optional(columns.response_size, row),
                method: text(Text::Method).text.clone(),
                host: text(Text::Host).text.clone(),
                path: path.text.clone(),
                route: text(Text::Route).text.clone(),
                agent: agent.text.clone(),
                address: text(Text::Address).text.clone(),
                user: text(Text::User).text.clone(),
                referrer: text(Text::Referrer).text.clone(),
                framework: text(Text::Framework).text.clone(),
                client: agent.more[0].clone(),
                os: agent.more[1].clone(),
                device: agent.more[2].clone(),
                version: path.more[0].clone(),
            });
        }
    }
    Ok(hits)
}

struct Columns<'a> {
    time_us: &'a Int64Array,
    hit_id: &'a Int64Array,
    duration_us: &'a Int64Array,
    status: &'a UInt16Array,
    country: &'a UInt16Array,
    request_size: &'a Int64Array,
    response_size: &'a Int64Array,
    texts: [&'a UInt32Array; Text::COUNT],
}

impl<'a> Columns<'a> {
    /// By position: `project` is left out, `latency` is not read.
    fn of(batch: &'a RecordBatch) -> Columns<'a> {
        let long = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        let short = |at: usize| batch.column(at).as_primitive::<UInt16Type>();
        Columns {
            time_us: long(0),
            hit_id: long(1),
            duration_us: long(2),
            status: short(4),
            country: short(5),
            request_size: long(6),
            response_size: long(7),
            texts: std::array::from_fn(|kind| batch.column(8 + kind).as_primitive::<UInt32Type>()),
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
        connection: &Connection,
        file: &str,
        project: u32,
        kind: Text,
        batches: &[RecordBatch],
    ) -> Result<Texts, StoreError> {
        let context = "reading texts";
        let nothing: Arc<str> = Arc::from("");
        let none = Words {
            text: nothing.clone(),
            more: [nothing.clone(), nothing.clone(), nothing.clone()],
        };
        let mut ids: Vec<u32> = batches
            .iter()
            .flat_map(|batch| {
                batch
                    .column(8 + kind as usize)
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
            let mut statement = connection
                .prepare(&sql::rows::texts(file, project, kind))
                .map_err(failed(context))?;
            let mut seen: HashMap<String, Arc<str>> = HashMap::new();
            let batches: Vec<RecordBatch> =
                statement.query_arrow([list]).map_err(failed(context))?.collect();
            for batch in &batches {
                let id = batch.column(0).as_primitive::<UInt32Type>();
                for row in 0..batch.num_rows() {
                    let word = |at: usize| -> Option<&str> {
                        let column = batch.columns().get(at)?.as_string_opt::<i32>()?;
                        column.is_valid(row).then(|| column.value(row))
                    };
                    let mut more = none.more.clone();
                    for (at, slot) in more.iter_mut().enumerate() {
                        if let Some(text) = word(2 + at) {
                            *slot = seen
                                .entry(text.to_owned())
                                .or_insert_with(|| Arc::from(text))
                                .clone();
                        }
                    }
                    known.insert(
                        id.value(row),
                        Words { text: Arc::from(word(1).unwrap_or("")), more },
                    );
                }
            }
        }
        Ok(Texts { known, none })
    }

    fn get(&self, id: u32) -> &Words {
        self.known.get(&id).unwrap_or(&self.none)
    }
}
