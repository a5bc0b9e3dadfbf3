//! The thread that numbers and commits. Everything that must be decided in order is decided here, once, and is on disk
//! before anybody hears of it.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use analytics::hit::{HitId, ProjectId};
use analytics::limits;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::{mpsc, oneshot};

use super::command::{Change, Command, Gauges, InboxOptions, Opened};
use super::dropped;
use super::identity::{self, Identity};
use super::manifest::{self, FileRow};
use super::queue::{Item, Queue};
use super::receipts::{Receipts, put_receipt, take_receipt};
use super::repeats::{self, Repeats};
use super::share::Shares;
use super::state::{get_number, get_state, last_seq, put_state, read_erasures};
use super::{connect_options, failed, put_framed};
use crate::clock::now_us;
use crate::disk::path_text;
use crate::record;
use crate::reserve;
use crate::sql;
use crate::types::{Erasure, Receipt, StoreError};

pub struct Sequencer {
    options: InboxOptions,
    db: SqliteConnection,
    queue: Arc<Queue>,
    gauges: Arc<Gauges>,
    next_seq: u64,
    receipts: Receipts,
    repeats: Repeats,
    shares: Shares,
    gone: HashSet<ProjectId>,
    /// Arrivals that are not in the file yet.
    fresh: HashSet<ProjectId>,
    swept_us: i64,
}

/// A group that is being made.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    items: Vec<Item>,
    receipts: Vec<u8>,
    receipt_count: i64,
    hashes: Vec<u64>,
    repeats: Vec<(u64, ProjectId, i64, Vec<u8>)>,
    erasures: Vec<(u64, Vec<u8>)>,
    gone: Vec<ProjectId>,
    sizes: Vec<(u64, ProjectId, u64)>,
    arrivals: Vec<(ProjectId, i64)>,
    replies: Vec<(oneshot::Sender<Result<Receipt, StoreError>>, Receipt)>,
    erase_replies: Vec<(oneshot::Sender<Result<u64, StoreError>>, u64)>,
}

impl Sequencer {
    pub async fn open(
        options: InboxOptions,
        key: [u8; 32],
    ) -> Result<(Sequencer, Arc<Queue>, Arc<Gauges>, Opened), StoreError> {
        let mut db = connect_options(&options.path)
            .create_if_missing(true)
            .connect()
            .await
            .map_err(failed("opening the inbox"))?;
        sqlx::raw_sql(sql::inbox::CREATE)
            .execute(&mut db)
            .await
            .map_err(failed("creating the inbox"))?;
        let key = match get_state(&mut db, "key").await? {
            Some(known) => known
                .try_into()
                .map_err(|_| StoreError::Damaged("the inbox's key is broken".into()))?,
            None => {
                put_state(&mut db, "key", &key).await?;
                key
            }
        };
        let now = now_us();
        let trimmed_to = get_number(&mut db, "trimmed_to").await?;
        let count_from = get_number(&mut db, "count_from").await?;
        let last_seq = trimmed_to.max(count_from).max(last_seq(&mut db).await?);
        let opened = Opened {
            files: manifest::read(&mut db).await?,
            erasures: read_erasures(&mut db).await?,
            trimmed_to,
            key,
        };
        let queue = Arc::new(Queue::new(options.queue_bytes, last_seq));
        let gauges = Arc::new(Gauges::default());
        let mut sequencer = Sequencer {
            receipts: Receipts::new(options.receipts),
            repeats: Repeats::default(),
            shares: Shares::default(),
            gone: HashSet::new(),
            fresh: HashSet::new(),
            swept_us: now,
            queue: queue.clone(),
            gauges: gauges.clone(),
            next_seq: last_seq + 1,
            db,
            options,
        };
        sequencer.load(now).await?;
        sequencer.measure_disk();
        Ok((sequencer, queue, gauges, opened))
    }

    async fn load(&mut self, now: i64) -> Result<(), StoreError> {
        let week = now - limits::RECEIPT_DAYS as i64 * 86_400_000_000;
        let context = "reading the inbox";
        for row in sqlx::query(sql::inbox::RECEIPTS)
            .bind(week)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed(context))?
        {
            self.receipts.begin(row.get(0));
            let bytes: Vec<u8> = row.get(2);
            let mut rest = bytes.as_slice();
            while let Some((hash, receipt)) = take_receipt(&mut rest) {
                self.receipts.add(hash, &receipt);
            }
        }
        let window = now - repeats::WINDOW_US;
        for row in sqlx::query(sql::inbox::REPEATS)
            .bind(window)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed(context))?
        {
            let bytes: Vec<u8> = row.get(2);
            self.repeats.pass_over(
                ProjectId(row.get::<i64, _>(0) as u32),
                row.get(1),
                &repeats::from_bytes(&bytes),
            );
        }
        for row in
            sqlx::query(sql::inbox::GONE).fetch_all(&mut self.db).await.map_err(failed(context))?
        {
            self.gone.insert(ProjectId(row.get::<i64, _>(0) as u32));
        }
        for row in sqlx::query(sql::inbox::RECORD_SIZES)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed(context))?
        {
            self.shares.add(row.get::<i64, _>(0) as u64, None, row.get::<i64, _>(1) as u64);
        }
        for row in sqlx::query(sql::inbox::ARRIVALS)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed(context))?
        {
            self.gauges.arrived(ProjectId(row.get::<i64, _>(0) as u32), row.get(1));
        }
        self.gauges.bytes.store(self.shares.total(), Ordering::Relaxed);
        Ok(())
    }

    /// Writes whose inbox this is into the file itself: SQLite's log may be lost without it.
    pub async fn begin(
        &mut self,
        identity: &Identity,
        highest_project: ProjectId,
    ) -> Result<(), StoreError> {
        identity::raise_highest_project(&mut self.db, highest_project).await?;
        identity::write(&mut self.db, identity).await?;
        sqlx::query(sql::inbox::CHECKPOINT)
            .execute(&mut self.db)
            .await
            .map(drop)
            .map_err(failed("emptying the inbox's log"))
    }

    /// New records come after this one, whatever the file says.
    pub fn count_above(&mut self, seq: u64) {
        if self.next_seq <= seq {
            self.next_seq = seq + 1;
            self.queue.push(Vec::new(), seq);
        }
    }

    /// Runs until it is told to close.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting: Vec<Command> = Vec::new();
        let mut open = true;
        while open {
            waiting.clear();
            if commands.recv_many(&mut waiting, limits::GROUP_BATCHES as usize).await == 0 {
                break;
            }
            wait_for_company(&mut commands, &mut waiting);
            let mut group = Group::default();
            for command in waiting.drain(..) {
                match command {
                    Command::Append { .. } => {
                        self.add_batch(&mut group, command);
                        if group.bytes.len() > limits::GROUP_BYTES as usize {
                            self.commit(std::mem::take(&mut group)).await;
                        }
                    }
                    Command::Erase { erasure, reply } => {
                        self.add_erasure(&mut group, erasure, reply)
                    }
                    Command::Close => open = false,
                    Command::Change { change, reply } => {
                        // What came before it is committed before it.
                        self.commit(std::mem::take(&mut group)).await;
                        let switch = change.as_switch();
                        let mut changed = self.change(change).await;
                        if changed.is_err() {
                            // TRICKY: on a full disk SQLite rolls back by itself; the connection does not know it and
                            // would refuse to begin again.
                            self.start_over().await;
                            // TRICKY: a commit that failed may be on disk. Done twice, a switch would name a file and
                            // the files that it was made of.
                            if let Some((put, drop)) = switch
                                && self.is_switched(&put, &drop).await
                            {
                                changed = Ok(());
                            }
                        }
                        let _ = reply.send(changed);
                    }
                }
            }
            self.commit(group).await;
            self.sweep().await;
        }
        self.save_arrivals().await.ok();
        let _ = sqlx::query(sql::inbox::CHECKPOINT).execute(&mut self.db).await;
        let _ = self.db.close().await;
    }

    fn add_batch(&mut self, group: &mut Group, command: Command) {
        let Command::Append {
            project,
            record,
            hits,
            arrival_us,
            batch_hash,
            repeat_hashes,
            mut rejected,
            rejected_total,
            reply,
        } = command
        else {
            return;
        };
        if self.gone.contains(&project) {
            let _ = reply.send(Err(StoreError::ProjectGone));
            return;
        }
        if let Some(receipt) = batch_hash.and_then(|hash| self.receipts.find(hash)) {
            // Its first copy may be in this very group: answered with it.
            group.replies.push((reply, receipt));
            return;
        }
        if !self.has_numbers() {
            let _ = reply.send(Err(StoreError::NumbersUsedUp));
            return;
        }
        let (gauges, options) = (&self.gauges, &self.options);
        if gauges.disk_free_percent.load(Ordering::Relaxed) < options.disk_free_percent
            || gauges.disk_free_bytes.load(Ordering::Relaxed) < options.disk_free_bytes
        {
            let _ = reply.send(Err(StoreError::DiskLow));
            return;
        }
        let size = record.len() as u64;
        if !self.shares.allows(project, size, self.options.bytes_max) {
            let _ = reply.send(Err(StoreError::Full));
            return;
        }
        rejected.truncate(limits::REJECTED_LISTED as usize);
        let seq = self.next_seq;
        let skips = if repeat_hashes.is_empty() {
            Vec::new()
        } else {
            self.repeats.pass_over(project, arrival_us, &repeat_hashes)
        };
        let receipt = Receipt {
            accepted: hits - skips.len() as u32,
            repeated: skips.len() as u32,
            rejected: rejected.into(),
            rejected_total,
            replayed: false,
        };
        if let Some(hash) = batch_hash {
            self.receipts.begin(arrival_us);
            self.receipts.add(hash, &receipt);
            put_receipt(&mut group.receipts, hash, &receipt);
            group.receipt_count += 1;
            group.hashes.push(hash);
        }
        if !repeat_hashes.is_empty() {
            group.repeats.push((seq, project, arrival_us, repeats::to_bytes(&repeat_hashes)));
        }
        if receipt.accepted > 0 {
            self.next_seq += 1;
            put_framed(&mut group.bytes, &record, &skips);
            group.sizes.push((seq, project, size));
            group.items.push(Item { seq, record, skips });
        } else {
            group.repeats.retain(|&(other, ..)| other != seq);
        }
        group.arrivals.push((project, arrival_us));
        group.replies.push((reply, receipt));
    }

    /// Whether a hit id has room for the next seq.
    fn has_numbers(&self) -> bool {
        self.next_seq < 1 << HitId::SEQ_BITS
    }

    fn add_erasure(
        &mut self,
        group: &mut Group,
        erasure: Erasure,
        reply: oneshot::Sender<Result<u64, StoreError>>,
    ) {
        if !self.has_numbers() {
            let _ = reply.send(Err(StoreError::NumbersUsedUp));
            return;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let record = record::encode_erasure(&erasure);
        put_framed(&mut group.bytes, &record, &[]);
        group.erasures.push((seq, record.clone()));
        group.items.push(Item { seq, record: record.into(), skips: Vec::new() });
        if let Erasure::Project(project) = erasure {
            self.gone.insert(project);
            group.gone.push(project);
        }
        group.erase_replies.push((reply, seq));
    }

    async fn commit(&mut self, group: Group) {
        if group.replies.is_empty() && group.erase_replies.is_empty() {
            return;
        }
        let written = match (group.items.is_empty(), group.receipts.is_empty()) {
            (true, true) => Ok(()),
            _ => self.write(&group).await,
        };
        match written {
            Ok(()) => {
                for &(seq, project, bytes) in &group.sizes {
                    self.shares.add(seq, Some(project), bytes);
                }
                self.gauges.bytes.store(self.shares.total(), Ordering::Relaxed);
                self.gauges.receipts_forgotten.store(self.receipts.forgotten, Ordering::Relaxed);
                for (project, arrival_us) in group.arrivals {
                    self.gauges.arrived(project, arrival_us);
                    self.fresh.insert(project);
                }
                if !group.items.is_empty() {
                    self.queue.push(group.items, self.next_seq - 1);
                }
                for (reply, receipt) in group.replies {
                    let _ = reply.send(Ok(receipt));
                }
                for (reply, seq) in group.erase_replies {
                    let _ = reply.send(Ok(seq));
                }
            }
            Err(problem) => {
                tracing::error!(%problem, batches = group.replies.len(), "the inbox could not commit");
                for hash in group.hashes {
                    self.receipts.remove(hash);
                }
                for project in group.gone {
                    self.gone.remove(&project);
                }
                self.start_over().await;
                for (reply, _) in group.replies {
                    let _ = reply.send(Err(StoreError::CommitFailed));
                }
                for (reply, _) in group.erase_replies {
                    let _ = reply.send(Err(StoreError::CommitFailed));
                }
            }
        }
    }

    async fn write(&mut self, group: &Group) -> Result<(), StoreError> {
        let context = "committing to the inbox";
        let now = now_us();
        if let (Some(first), Some(last)) = (group.items.first(), group.items.last())
            && group.repeats.is_empty()
            && group.erasures.is_empty()
        {
            // By far the most groups. Where it fails, the caller opens the file anew, which ends the transaction.
            let receipts = group.receipt_count > 0;
            let statement = match receipts {
                true => sql::inbox::COMMIT_GROUP_WITH_RECEIPTS,
                false => sql::inbox::COMMIT_GROUP,
            };
            let mut query = sqlx::query(statement)
                .bind(first.seq as i64)
                .bind(last.seq as i64)
                .bind(group.bytes.as_slice());
            if receipts {
                query = query.bind(now).bind(group.receipt_count).bind(group.receipts.as_slice());
            }
            return query.execute(&mut self.db).await.map(drop).map_err(failed(context));
        }
        let mut tx = self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        let first = group.items.first().map_or(self.next_seq, |item| item.seq);
        if let Some(last) = group.items.last() {
            sqlx::query(sql::inbox::ADD_RECORDS)
                .bind(first as i64)
                .bind(last.seq as i64)
                .bind(group.bytes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        if group.receipt_count > 0 {
            sqlx::query(sql::inbox::ADD_RECEIPTS)
                .bind(now)
                .bind(group.receipt_count)
                .bind(group.receipts.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for (seq, project, arrival_us, hashes) in &group.repeats {
            sqlx::query(sql::inbox::ADD_REPEATS)
                .bind(*seq as i64)
                .bind(i64::from(project.0))
                .bind(arrival_us)
                .bind(hashes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for (seq, bytes) in &group.erasures {
            sqlx::query(sql::inbox::ADD_ERASURE)
                .bind(*seq as i64)
                .bind(bytes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for project in &group.gone {
            sqlx::query(sql::inbox::ADD_GONE)
                .bind(i64::from(project.0))
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        tx.commit().await.map_err(failed(context))
    }

    /// After a failed commit nobody knows whether it is on disk: the file tells. What it holds goes to the writer
    /// (its senders were told to come again, and a batch id makes that free); seqs go on behind it.
    async fn start_over(&mut self) {
        match connect_options(&self.options.path).connect().await {
            Ok(db) => self.db = db,
            Err(problem) => {
                tracing::error!(%problem, "the inbox cannot be opened again");
                return;
            }
        }
        if let Ok(row) = sqlx::query(sql::inbox::LAST_SEQ).fetch_one(&mut self.db).await {
            let last = row.get::<i64, _>(0) as u64;
            self.next_seq = self.queue.last_seq().max(last) + 1;
            self.queue.push(Vec::new(), self.next_seq - 1);
        }
        self.measure_disk();
    }

    pub async fn change(&mut self, change: Change) -> Result<(), StoreError> {
        let context = "changing the inbox";
        match change {
            Change::Trim { to } => {
                let mut tx =
                    self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
                sqlx::query(sql::inbox::TRIM_RECORDS)
                    .bind(to as i64)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed(context))?;
                put_state(&mut tx, "trimmed_to", &to.to_le_bytes()).await?;
                tx.commit().await.map_err(failed(context))?;
                self.shares.trim(to);
                self.gauges.bytes.store(self.shares.total(), Ordering::Relaxed);
                self.save_arrivals().await
            }
            Change::Switch { put, drop } => self.switch(&put, &drop).await,
            Change::Snapshot { to } => {
                self.save_arrivals().await?;
                let to = path_text(&to)?;
                sqlx::query(sql::inbox::SNAPSHOT)
                    .bind(to)
                    .execute(&mut self.db)
                    .await
                    .map_err(failed("copying the inbox"))?;
                Ok(())
            }
            Change::Dropped(lost) => dropped::add(&mut self.db, lost).await,
            Change::Reserve(project) => {
                identity::raise_highest_project(&mut self.db, project).await
            }
            Change::Given(project) => identity::raise_given_project(&mut self.db, project).await,
            Change::Started => {
                let Some(mut identity) = identity::read(&mut self.db).await? else {
                    return Err(StoreError::Damaged("the inbox has no folder id".into()));
                };
                identity.done = identity.begun;
                self.begin(&identity, ProjectId(0)).await
            }
            Change::Erased { seq, erasure } => {
                let mut tx =
                    self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
                sqlx::query(sql::inbox::DROP_ERASURE)
                    .bind(seq as i64)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed(context))?;
                if let Erasure::Project(project) = erasure {
                    sqlx::query(sql::inbox::DROP_ARRIVAL)
                        .bind(i64::from(project.0))
                        .execute(&mut *tx)
                        .await
                        .map_err(failed(context))?;
                    self.fresh.remove(&project);
                    self.gauges
                        .arrivals
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&project);
                }
                tx.commit().await.map_err(failed(context))?;
                // The log still holds the bytes of trimmed records.
                let row = sqlx::query(sql::inbox::CHECKPOINT)
                    .fetch_one(&mut self.db)
                    .await
                    .map_err(failed(context))?;
                if row.get::<i64, _>(0) != 0 {
                    return Err(StoreError::LogInUse);
                }
                Ok(())
            }
        }
    }

    async fn switch(&mut self, put: &[FileRow], drop: &[u64]) -> Result<(), StoreError> {
        let context = "changing the manifest";
        let mut tx = self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        for &id in drop {
            manifest::drop_file(&mut tx, id).await?;
        }
        for file in put {
            manifest::put(&mut tx, file).await?;
        }
        tx.commit().await.map_err(failed(context))
    }

    /// Whether the manifest has these files and not those. False where it cannot be read.
    async fn is_switched(&mut self, put: &[FileRow], drop: &[u64]) -> bool {
        match manifest::read(&mut self.db).await {
            Ok(files) => {
                put.iter().all(|file| files.contains(file))
                    && !files.iter().any(|file| drop.contains(&file.id))
            }
            Err(problem) => {
                tracing::error!(%problem, "nobody knows whether a change of the manifest is on disk");
                false
            }
        }
    }

    async fn save_arrivals(&mut self) -> Result<(), StoreError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let fresh: Vec<(ProjectId, i64)> = {
            let arrivals = self.gauges.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            self.fresh
                .drain()
                .filter_map(|project| Some((project, *arrivals.get(&project)?)))
                .collect()
        };
        let context = "saving arrivals";
        let mut tx = self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        for (project, arrival_us) in fresh {
            sqlx::query(sql::inbox::PUT_ARRIVAL)
                .bind(i64::from(project.0))
                .bind(arrival_us)
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        tx.commit().await.map_err(failed(context))
    }

    /// Once a second: how much of the disk is free; once a minute: what is old enough to forget.
    async fn sweep(&mut self) {
        let now = now_us();
        if now - self.swept_us < 1_000_000 {
            return;
        }
        self.measure_disk();
        if now / 60_000_000 != self.swept_us / 60_000_000 {
            let week = now - limits::RECEIPT_DAYS as i64 * 86_400_000_000;
            self.receipts.forget_before(week);
            for (statement, before) in [
                (sql::inbox::TRIM_RECEIPTS, week),
                (sql::inbox::TRIM_REPEATS, now - repeats::WINDOW_US),
            ] {
                if let Err(problem) =
                    sqlx::query(statement).bind(before).execute(&mut self.db).await
                {
                    tracing::warn!(%problem, "the inbox could not forget what is old");
                    self.start_over().await;
                    return;
                }
            }
        }
        self.swept_us = now;
    }

    fn measure_disk(&self) {
        let folder = self.options.path.parent().unwrap_or(&self.options.path);
        let free = reserve::keep(folder, self.options.reserve_bytes);
        self.gauges.disk_free_percent.store(free.percent, Ordering::Relaxed);
        self.gauges.disk_free_bytes.store(free.bytes, Ordering::Relaxed);
    }
}

/// Where posts come by the dozen, a commit for each few of them costs more than they do.
///
/// It blocks on purpose: the thread is the inbox's alone, and who posts meanwhile need not wake it.
fn wait_for_company(commands: &mut mpsc::Receiver<Command>, waiting: &mut Vec<Command>) {
    if waiting.len() < limits::GROUP_WAIT_FROM as usize {
        return;
    }
    std::thread::sleep(Duration::from_millis(limits::GROUP_WAIT_MS));
    while waiting.len() < limits::GROUP_BATCHES as usize {
        let Ok(command) = commands.try_recv() else { break };
        waiting.push(command);
    }
}
