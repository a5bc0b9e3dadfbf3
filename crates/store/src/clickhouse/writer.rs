//! The only writer of a node: takes records in order of seq from the inbox and inserts them into ClickHouse in groups.
//!
//! A group's bounds are one row of the inbox, written before its first try. A crash, or an answer that is lost, leaves it
//! open whether the group arrived; so exactly this group is sent again, under the same token, and the server drops what
//! it has. Once it is in, the inbox forgets its records. While the server is away, records wait in the inbox.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use analytics::limits;
use tokio::sync::watch;

use super::engine::Engine;
use super::erase::erase;
use super::insert::{Group, Rows};
use super::sql::schema;
use crate::disk::io;
use crate::inbox::{self, Change, InboxSender, Item, Queue};
use crate::record::{self, Record, RecordError};
use crate::types::{Erasure, StoreError};

const ENOUGH_BYTES: usize = limits::APPLY_BYTES as usize;
/// Fewer, larger inserts than DuckDB's: each makes a part for each month, which the server has to merge.
const PATIENCE: Duration = Duration::from_millis(limits::CLICKHOUSE_GATHER_MS);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub struct Writer {
    pub node: u8,
    /// Of the inbox.
    pub path: PathBuf,
    pub engine: Engine,
    pub queue: Arc<Queue>,
    pub inbox: InboxSender,
    /// The last record that is in ClickHouse.
    pub applied: watch::Sender<u64>,
    /// The results of erasures, by seq.
    pub erased: watch::Sender<Vec<(u64, u64)>>,
    /// Why records wait, "" if they don't.
    pub problem: watch::Sender<String>,
    /// A group that may have been inserted before the start.
    pub open_group: Option<(u64, u64)>,
}

impl Writer {
    /// Runs until the queue closes. Records that are not in ClickHouse by then stay in the inbox.
    pub fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime.map_err(io("starting the writer")) else { return };
        let mut wait = FIRST_WAIT;
        loop {
            match runtime.block_on(self.step()) {
                Ok(true) => wait = FIRST_WAIT,
                Ok(false) => return,
                Err(problem) => {
                    let words = format!("hits wait in the inbox: {problem}");
                    if *self.problem.borrow() != words {
                        tracing::error!(problem = words, "a problem with ClickHouse");
                    }
                    self.problem.send_replace(words);
                    let waits = !matches!(problem, StoreError::Newer(_));
                    if !waits || self.queue.is_closing() {
                        return;
                    }
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn position(&self) -> u64 {
        *self.applied.borrow()
    }

    /// False once the queue closes and everything is applied.
    async fn step(&mut self) -> Result<bool, StoreError> {
        let position = self.position();
        if let Some((first, last)) = self.open_group.filter(|(_, last)| *last > position) {
            // Other records may be in memory by now: the group has its own bounds.
            let items = self.read_all(first.max(position + 1), last).await?;
            self.insert(Group { node: self.node, first_seq: first, last_seq: last }, &items)
                .await?;
            return Ok(true);
        }
        let taken = self.queue.take(position, ENOUGH_BYTES, PATIENCE, Duration::from_secs(1));
        let mut items = taken.items;
        items.retain(|item| item.seq > position);
        if taken.last_seq > position && items.first().is_none_or(|item| item.seq > position + 1) {
            // Records that memory did not hold are in the file.
            let until = items.first().map_or(taken.last_seq, |item| item.seq - 1);
            let found = inbox::read_records(&self.path, position, until).await?;
            match found.is_empty() {
                // Unused seqs: a restored folder continues after those of the replaced one.
                true => self.trim(until).await?,
                false => self.apply(&found).await?,
            }
        } else if !items.is_empty() {
            self.apply(&items).await?;
        }
        self.problem.send_if_modified(|words| !std::mem::take(words).is_empty());
        Ok(!taken.closing || self.position() < taken.last_seq)
    }

    async fn read_all(&self, first: u64, last: u64) -> Result<Vec<Item>, StoreError> {
        let mut items: Vec<Item> = Vec::new();
        let mut position = first - 1;
        while position < last {
            let found = inbox::read_records(&self.path, position, last).await?;
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
            self.inbox.change(opened).await?;
            self.open_group = Some((first_seq, last_seq));
            self.insert(Group { node: self.node, first_seq, last_seq }, group).await?;
            rest = others;
        }
        Ok(())
    }

    async fn insert(&mut self, group: Group, items: &[Item]) -> Result<(), StoreError> {
        let mut rows = Rows::new(self.node);
        for item in items {
            match record::decode(&item.record) {
                Ok(Record::Batch(batch)) => rows.push(item.seq, &batch, &item.skips),
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
                    self.inbox.change(Change::Dropped(dropped)).await?;
                }
            }
        }
        if rows.count() > 0 {
            self.engine.insert(schema::insert(), &group.token(), rows.into_bytes()).await?;
        }
        self.trim(group.last_seq).await
    }

    async fn erase(&mut self, seq: u64, erasure: Erasure) -> Result<(), StoreError> {
        let hits = erase(&self.engine, &erasure).await?;
        self.trim(seq).await?;
        self.inbox.change(Change::Erased { seq, erasure }).await?;
        self.erased.send_modify(|done| {
            done.push((seq, hits));
            // Results whose callers are gone are never fetched.
            let most = done.len().saturating_sub(1_000);
            done.drain(..most);
        });
        Ok(())
    }

    /// Everything up to this record is in ClickHouse.
    async fn trim(&mut self, to: u64) -> Result<(), StoreError> {
        self.inbox.change(Change::Trim { to }).await?;
        self.applied.send_replace(to);
        self.queue.applied(to);
        Ok(())
    }
}

fn erasure_of(item: &Item) -> Option<Erasure> {
    match record::decode(&item.record) {
        Ok(Record::Erasure(erasure)) => Some(erasure),
        _ => None,
    }
}
