//! The only writer of a node: takes records in order of seq from the inbox and inserts them into ClickHouse in groups.
//!
//! A group's bounds are one row of the inbox, written before its first try. A crash, or an answer that is lost, leaves it
//! open whether the group arrived; so exactly this group is sent again, under the same token, and the server drops what
//! it has. Once it is in, the inbox forgets its records. While the server is away, records wait in the inbox.
//!
//! With several servers, a client that got no answer may have sent a batch to another one as well: those that another one
//! has taken are left out (`meta/taken_batches.rs`).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use analytics::limits;

use super::State;
use super::engine::Engine;
use super::eraser::Erasures;
use super::insert::{Group, Rows};
use super::node::prepare;
use super::read;
use super::sql::schema;
use crate::disk::io;
use crate::inbox::{self, Change, Item};
use crate::meta::{SharedBatch, Taken, TakenBatches};
use crate::record::{self, Record, RecordError};
use crate::shared::Shared;
use crate::tail::Applied;
use crate::types::{Erasure, StoreError};

const ENOUGH_BYTES: usize = limits::APPLY_BYTES as usize;
/// Fewer, larger inserts than DuckDB's: each makes a part for each month, which the server has to merge.
const PATIENCE: Duration = Duration::from_millis(limits::CLICKHOUSE_GATHER_MS);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Between two counts of all hits, for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(limits::CLICKHOUSE_COUNT_SECONDS);

pub struct Writer {
    pub shared: Arc<Shared>,
    pub engine: Engine,
    pub state: Arc<State>,
    pub erasures: Arc<Erasures>,
    /// None: no other server gets batches.
    pub taken: Option<TakenBatches>,
    /// The last record that is in ClickHouse.
    pub position: u64,
    /// The inbox's last record at the start.
    pub last_seq: u64,
    /// A group that may have been inserted before the start.
    pub open_group: Option<(u64, u64)>,
    pub counted: Option<Instant>,
}

impl Writer {
    /// Runs until the queue closes. Records that are not in ClickHouse by then stay in the inbox.
    pub fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime.map_err(io("starting the writer")) {
            Ok(runtime) => runtime,
            Err(problem) => return self.say(&problem),
        };
        let mut wait = FIRST_WAIT;
        loop {
            match runtime.block_on(self.step()) {
                Ok(true) => wait = FIRST_WAIT,
                Ok(false) => return,
                Err(problem) => {
                    self.say(&problem);
                    let waits = !matches!(problem, StoreError::Newer(_));
                    if !waits || self.shared.queue.is_closing() {
                        return;
                    }
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn say(&self, problem: &StoreError) {
        self.shared.problems.set("writer", format!("hits wait in the inbox: {problem}"));
    }

    /// False once the queue closes and everything is applied.
    async fn step(&mut self) -> Result<bool, StoreError> {
        if !self.state.is_prepared() {
            prepare(&self.engine, &self.shared, self.last_seq).await?;
            self.state.set_prepared(true);
        }
        let position = self.position;
        if let Some((first, last)) = self.open_group.filter(|(_, last)| *last > position) {
            // Other records may be in memory by now: the group has its own bounds.
            let items = self.read_all(first.max(position + 1), last).await?;
            self.insert((first, last), &items).await?;
            return Ok(true);
        }
        let queue = &self.shared.queue;
        let taken = queue.take(position, ENOUGH_BYTES, PATIENCE, Duration::from_secs(1));
        let mut items = taken.items;
        items.retain(|item| item.seq > position);
        if taken.last_seq > position && items.first().is_none_or(|item| item.seq > position + 1) {
            // Records that memory did not hold are in the file.
            let until = items.first().map_or(taken.last_seq, |item| item.seq - 1);
            let found = inbox::read_records(&self.path(), position, until).await?;
            match found.is_empty() {
                // Unused seqs: a restored folder continues after those of the replaced one.
                true => self.pass(until, Vec::new()).await?,
                false => self.apply(&found).await?,
            }
        } else if !items.is_empty() {
            self.apply(&items).await?;
        }
        if self.counted.is_none_or(|counted| counted.elapsed() >= COUNT_EVERY) {
            self.state.set_rows(read::count_all(&self.engine).await?);
            self.counted = Some(Instant::now());
            self.shared.rankings.let_go_of_unused();
        }
        self.shared.problems.clear("writer");
        Ok(!taken.closing || self.position < taken.last_seq)
    }

    fn path(&self) -> std::path::PathBuf {
        self.shared.options.data.join("inbox.sqlite")
    }

    async fn read_all(&self, first: u64, last: u64) -> Result<Vec<Item>, StoreError> {
        let mut items: Vec<Item> = Vec::new();
        let mut position = first - 1;
        while position < last {
            let found = inbox::read_records(&self.path(), position, last).await?;
            let Some(newest) = found.last() else { break };
            position = newest.seq;
            items.extend(found);
        }
        Ok(items)
    }

    /// Batches up to an erasure are a group.
    async fn apply(&mut self, items: &[Item]) -> Result<(), StoreError> {
        let mut rest = items;
        while let Some(first) = rest.first() {
            let batches = rest.iter().take_while(|item| erasure_of(item).is_none()).count();
            if let (0, Some(erasure)) = (batches, erasure_of(first)) {
                self.erase(first.seq, erasure).await?;
                rest = &rest[1..];
                continue;
            }
            let (group, others) = rest.split_at(batches);
            let (first_seq, last_seq) = (first.seq, group[batches - 1].seq);
            let opened = Change::Inserting { first: first_seq, last: last_seq };
            self.shared.inbox.change(opened).await?;
            self.open_group = Some((first_seq, last_seq));
            self.insert((first_seq, last_seq), group).await?;
            rest = others;
        }
        Ok(())
    }

    async fn insert(
        &mut self,
        (first_seq, last_seq): (u64, u64),
        items: &[Item],
    ) -> Result<(), StoreError> {
        let group = Group { node: self.shared.options.node, first_seq, last_seq };
        let (others, unasked) = self.taken_by_others(items).await?;
        let mut hits_elsewhere = 0;
        let mut rows = Rows::new(group.node);
        let mut applied = Vec::with_capacity(items.len());
        for item in items {
            match record::decode(&item.record) {
                Ok(Record::Batch(batch)) => {
                    // The inbox saves arrivals only now and then; after a crash its records have the rest.
                    self.shared.gauges.arrived(batch.project, batch.arrival_us);
                    if others.contains(&item.seq) {
                        hits_elsewhere += (batch.hits - item.skips.len()) as u64;
                        continue;
                    }
                    rows.push(item.seq, &batch, &item.skips);
                    applied.push(Applied::Batch {
                        seq: item.seq,
                        project: batch.project,
                        record: item.record.clone(),
                        skips: item.skips.clone(),
                    });
                }
                Ok(Record::Erasure(_)) => {}
                // Its hits were acknowledged, so it waits for a program that can read it.
                Err(RecordError::Version(version)) if version > record::VERSION => {
                    return Err(StoreError::Newer(format!(
                        "record {} in inbox.sqlite has version {version}, and this program knows {}",
                        item.seq,
                        record::VERSION
                    )));
                }
                Err(problem) => {
                    tracing::error!(seq = item.seq, %problem, "a record cannot be read");
                    let dropped = inbox::Dropped { first: item.seq, last: Some(item.seq) };
                    self.shared.inbox.change(Change::Dropped(dropped)).await?;
                    self.shared.say_dropped(dropped);
                }
            }
        }
        if rows.count() > 0 {
            self.engine.insert(&schema::insert(), &group.token(), rows.into_bytes()).await?;
        }
        // Now that no further try counts them again.
        self.state.hits_elsewhere.fetch_add(hits_elsewhere, Ordering::Relaxed);
        self.state.batches_unasked.fetch_add(unasked, Ordering::Relaxed);
        self.pass(last_seq, applied).await
    }

    /// The seqs of batches that another server stores, and of how many batches nobody knows it.
    async fn taken_by_others(&mut self, items: &[Item]) -> Result<(HashSet<u64>, u64), StoreError> {
        let Some(taken) = &mut self.taken else { return Ok(Default::default()) };
        let shared = |item: &Item| Some(SharedBatch { hash: item.batch_hash?, seq: item.seq });
        let batches: Vec<SharedBatch> = items.iter().filter_map(shared).collect();
        if batches.is_empty() {
            return Ok(Default::default());
        }
        match taken.take(&batches).await {
            Ok(Taken::Others(seqs)) => Ok((seqs, 0)),
            Ok(Taken::Unknown) => Ok((HashSet::new(), batches.len() as u64)),
            Err(cause) => Err(StoreError::ProjectFiles {
                context: "asking PostgreSQL which batches other servers have",
                cause: Box::new(cause),
            }),
        }
    }

    /// All hits of earlier records are in ClickHouse, so the eraser finds them.
    async fn erase(&mut self, seq: u64, erasure: Erasure) -> Result<(), StoreError> {
        self.pass(seq, vec![Applied::Erasure { seq, erasure: erasure.clone() }]).await?;
        self.shared.erased.begin(seq);
        self.erasures.push(seq, erasure);
        Ok(())
    }

    /// Everything up to this record is in ClickHouse.
    async fn pass(&mut self, to: u64, applied: Vec<Applied>) -> Result<(), StoreError> {
        self.shared.inbox.change(Change::Trim { to }).await?;
        self.position = to;
        self.shared.queue.applied(to);
        self.shared.tail.publish(applied, to);
        self.shared.applied.send_replace(to);
        Ok(())
    }
}

fn erasure_of(item: &Item) -> Option<Erasure> {
    match record::decode(&item.record) {
        Ok(Record::Erasure(erasure)) => Some(erasure),
        _ => None,
    }
}
