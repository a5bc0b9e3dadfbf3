//! Batches and erasures that become durable together: one transaction.

use analytics::hit::ProjectId;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::clock::now_us;
use crate::inbox::command::Reply;
use crate::inbox::failed;
use crate::inbox::queue::Item;
use crate::sql;
use crate::types::{Receipt, StoreError};

/// A group under construction.
#[derive(Default)]
pub(super) struct Group {
    pub bytes: Vec<u8>,
    pub items: Vec<Item>,
    pub receipts: Vec<u8>,
    pub receipt_count: i64,
    pub hashes: Vec<u64>,
    pub repeats: Vec<(u64, ProjectId, i64, Vec<u8>)>,
    pub erasures: Vec<(u64, Vec<u8>)>,
    pub gone: Vec<ProjectId>,
    pub sizes: Vec<(u64, ProjectId, u64)>,
    pub arrivals: Vec<(ProjectId, i64)>,
    pub replies: Vec<(Reply<Receipt>, Receipt)>,
    pub erase_replies: Vec<(Reply<u64>, u64)>,
}

impl Group {
    pub async fn write(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        let context = "committing to the inbox";
        let now = now_us();
        if let (Some(first), Some(last)) = (self.items.first(), self.items.last())
            && self.repeats.is_empty()
            && self.erasures.is_empty()
        {
            // Most groups. On failure the caller reopens the file, which ends the transaction.
            let receipts = self.receipt_count > 0;
            let hashes = self.batch_hashes();
            let statement = match (receipts, &hashes) {
                (true, Some(_)) => sql::inbox::COMMIT_SHARED_GROUP,
                (true, None) => sql::inbox::COMMIT_GROUP_WITH_RECEIPTS,
                // Without an id that was answered no batch has a hash.
                (false, _) => sql::inbox::COMMIT_GROUP,
            };
            let mut query = sqlx::query(statement)
                .bind(first.seq as i64)
                .bind(last.seq as i64)
                .bind(self.bytes.as_slice());
            if let Some(hashes) = hashes {
                query = query.bind(hashes);
            }
            if receipts {
                query = query.bind(now).bind(self.receipt_count).bind(self.receipts.as_slice());
            }
            return query.execute(db).await.map(drop).map_err(failed(context));
        }
        let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        if let (Some(first), Some(last)) = (self.items.first(), self.items.last()) {
            sqlx::query(sql::inbox::ADD_RECORDS)
                .bind(first.seq as i64)
                .bind(last.seq as i64)
                .bind(self.bytes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
            if let Some(hashes) = self.batch_hashes() {
                sqlx::query(sql::inbox::ADD_BATCH_HASHES)
                    .bind(first.seq as i64)
                    .bind(hashes)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed(context))?;
            }
        }
        if self.receipt_count > 0 {
            sqlx::query(sql::inbox::ADD_RECEIPTS)
                .bind(now)
                .bind(self.receipt_count)
                .bind(self.receipts.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for (seq, project, arrival_us, hashes) in &self.repeats {
            sqlx::query(sql::inbox::ADD_REPEATS)
                .bind(*seq as i64)
                .bind(i64::from(project.0))
                .bind(arrival_us)
                .bind(hashes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for (seq, bytes) in &self.erasures {
            sqlx::query(sql::inbox::ADD_ERASURE)
                .bind(*seq as i64)
                .bind(bytes.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        for project in &self.gone {
            sqlx::query(sql::inbox::ADD_GONE)
                .bind(i64::from(project.0))
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        tx.commit().await.map_err(failed(context))
    }

    /// As the table `batch_hashes` has them; none if no batch has one.
    fn batch_hashes(&self) -> Option<Vec<u8>> {
        let hashes = self.items.iter().map(|item| item.batch_hash);
        hashes
            .clone()
            .any(|hash| hash.is_some())
            .then(|| hashes.flat_map(|hash| hash.unwrap_or_default().to_le_bytes()).collect())
    }
}
