//! The start of the thread: opens or creates the file, and reads the state to continue from.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use analytics::hit::ProjectId;
use analytics::limits;
use sqlx::{ConnectOptions, Row};

use super::Sequencer;
use crate::clock::now_us;
use crate::inbox::command::{Gauges, InboxOptions, Opened};
use crate::inbox::identity::{self, Identity};
use crate::inbox::queue::Queue;
use crate::inbox::quota::Quotas;
use crate::inbox::receipts::{Receipts, take_receipt};
use crate::inbox::repeats::{self, Repeats};
use crate::inbox::state::{get_number, get_range, get_state, last_seq, put_state, read_erasures};
use crate::inbox::{DATA_FORMAT, IN_CLICKHOUSE, INSERTING, connect_options, failed, manifest};
use crate::sql;
use crate::types::StoreError;

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
            is_in_clickhouse: get_number(&mut db, IN_CLICKHOUSE).await? == 1,
            inserting: get_range(&mut db, INSERTING).await?,
            key,
        };
        let queue = Arc::new(Queue::new(options.queue_bytes, last_seq));
        let gauges = Arc::new(Gauges::default());
        let mut sequencer = Sequencer {
            receipts: Receipts::new(options.receipts),
            repeats: Repeats::default(),
            quotas: Quotas::default(),
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
        self.load_repeats(now).await?;
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
            self.quotas.add(row.get::<i64, _>(0) as u64, None, row.get::<i64, _>(1) as u64);
        }
        for row in sqlx::query(sql::inbox::ARRIVALS)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed(context))?
        {
            self.gauges.arrived(ProjectId(row.get::<i64, _>(0) as u32), row.get(1));
        }
        self.gauges.bytes.store(self.quotas.total(), Ordering::Relaxed);
        Ok(())
    }

    /// Loads hits that clients may post again from the file.
    pub(super) async fn load_repeats(&mut self, now: i64) -> Result<(), StoreError> {
        // Cleared until they are read: a hit that counts twice is better than one that is lost.
        self.repeats = Repeats::default();
        let rows = sqlx::query(sql::inbox::REPEATS)
            .bind(now - repeats::WINDOW_US)
            .fetch_all(&mut self.db)
            .await
            .map_err(failed("reading the inbox"))?;
        for row in rows {
            let (project, arrival_us, bytes): (i64, i64, Vec<u8>) =
                (row.get(0), row.get(1), row.get(2));
            let project = ProjectId(project as u32);
            self.repeats.pass_over(project, arrival_us, &repeats::from_bytes(&bytes));
        }
        Ok(())
    }

    /// Writes the inbox's identity into the file itself: SQLite's log may be lost without it.
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

    /// Notes that data files of this format are about to be written. Never lowers it.
    pub async fn raise_data_format(&mut self, format: u32) -> Result<(), StoreError> {
        let format = u64::from(format);
        if format <= get_number(&mut self.db, DATA_FORMAT).await? {
            return Ok(());
        }
        put_state(&mut self.db, DATA_FORMAT, &format.to_le_bytes()).await
    }

    /// Notes that the hits go to ClickHouse.
    pub async fn put_in_clickhouse(&mut self) -> Result<(), StoreError> {
        put_state(&mut self.db, IN_CLICKHOUSE, &1u64.to_le_bytes()).await
    }

    /// New records get seqs after this one, whatever the file says.
    pub fn count_above(&mut self, seq: u64) {
        if self.next_seq <= seq {
            self.next_seq = seq + 1;
            self.queue.push(Vec::new(), seq);
        }
    }
}
