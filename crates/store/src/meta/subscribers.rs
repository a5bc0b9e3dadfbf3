//! Subscribers of status pages: e-mail addresses, confirmed or not. They are read from the file when needed; no other
//! call waits for them. Their mailings are in `checks`.
//!
//! The secret in the links of a subscriber's mails is derived from the server's secret, so each mail can have it; the
//! file stores its keyed hash, by which it is found.

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::status_page::subscriber::Address;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::error::MetaError;
use super::handle::Meta;
use super::secrets::{SecretHash, Token};
use crate::database::columns::{Columns as _, column};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// A stored subscriber.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscriber {
    pub id: i64,
    pub project: ProjectId,
    pub address: Address,
    pub created_us: i64,
    /// None: not confirmed yet.
    pub confirmed_us: Option<i64>,
}

/// A confirmation mail to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    pub subscriber: Subscriber,
    pub written_us: i64,
    pub tries: u32,
}

/// A project's numbers of subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriberCount {
    pub confirmed: u64,
    pub unconfirmed: u64,
}

/// The operator's limits for one project.
#[derive(Clone, Copy, Debug)]
pub struct SubscriberLimits {
    pub subscribers: u64,
    /// Different addresses that may request a subscription in 24 hours.
    pub asked_a_day: u64,
}

const COLUMNS: &str = "id, project, address, created_us, confirmed_us";

impl Meta {
    /// Requests a subscription of this address to the project's status page, which exists. The answer and the writes
    /// are the same for any address, so that they don't reveal whether it was subscribed.
    pub async fn ask_subscription(
        &self,
        project: ProjectId,
        address: &Address,
        most: SubscriberLimits,
        now_us: i64,
    ) -> Result<(), MetaError> {
        let link = self.hash_link(&self.link_token(project, address, now_us));
        let mailbox = self.hash_mailbox(address);
        let mut transaction = self.inner.db.pool.begin().await?;
        let (all, today): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE asked_us > $1) FROM subscribers WHERE project = $2",
        )
        .bind(now_us - DAY_US)
        .bind(column(project))
        .fetch_one(&mut *transaction)
        .await?;
        if all as u64 >= most.subscribers {
            return Err(MetaError::TooManySubscribers);
        }
        if today as u64 >= most.asked_a_day {
            return Err(MetaError::TooManySubscriptions);
        }
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO subscribers (project, address, mailbox, link, created_us, asked_us) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (project, address) DO UPDATE SET asked_us = excluded.asked_us RETURNING id",
        )
        .bind(column(project))
        .bind(address.as_str())
        .bind(mailbox.as_slice())
        .bind(link.as_slice())
        .bind(now_us)
        .bind(now_us)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE subscribers SET written_us = $1, next_us = $1, tries = 0 WHERE id = $2 AND confirmed_us IS NULL
             AND coalesce(written_us, 0) <= $3 AND (SELECT count(*) FROM subscribers WHERE mailbox = $4 AND written_us > $5) < $6",
        )
        .bind(now_us)
        .bind(id)
        .bind(now_us - limits::SUBSCRIPTION_REPEAT_HOURS as i64 * HOUR_US)
        .bind(mailbox.as_slice())
        .bind(now_us - DAY_US)
        .bind(limits::SUBSCRIPTION_MAILBOX_MAILS as i64)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The secret in the links of a subscriber's mails.
    pub fn subscription_token(&self, subscriber: &Subscriber) -> Token {
        self.link_token(subscriber.project, &subscriber.address, subscriber.created_us)
    }

    /// The id of a subscriber in the ids of its mails, from which it cannot be derived.
    pub fn public_subscriber_id(&self, subscriber: &Subscriber) -> String {
        let purpose = "api-analytics 2026 subscriber in the ids of mails";
        self.public_id(purpose, subscriber.id.to_le_bytes(), subscriber.created_us.to_le_bytes())
    }

    /// None if the link is invalid or no longer valid.
    pub async fn subscriber_by_link(
        &self,
        token: &Token,
        now_us: i64,
    ) -> Result<Option<Subscriber>, MetaError> {
        let select = format!(
            "SELECT {COLUMNS} FROM subscribers WHERE link = $1 AND (confirmed_us IS NOT NULL OR coalesce(written_us, created_us) > $2)"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(self.hash_link(token).as_slice())
            .bind(expired_before_us(now_us))
            .fetch_optional(&self.inner.db.pool)
            .await?;
        Ok(row.as_ref().map(to_subscriber).transpose()?)
    }

    /// The subscriber gets bulletins from here on. Confirming again changes nothing.
    pub async fn confirm_subscriber(&self, id: i64, now_us: i64) -> Result<(), MetaError> {
        sqlx::query("UPDATE subscribers SET confirmed_us = coalesce(confirmed_us, $1), next_us = NULL WHERE id = $2")
            .bind(now_us)
            .bind(id)
            .execute(&self.inner.db.pool)
            .await?;
        Ok(())
    }

    /// Deletes the address from the file. False if the project has no such subscriber.
    pub async fn remove_subscriber(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let deleted = sqlx::query("DELETE FROM subscribers WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        Ok(true)
    }

    /// Deletes addresses that were not confirmed in time.
    pub async fn forget_unconfirmed(&self, now_us: i64) -> Result<(), MetaError> {
        let deleted = sqlx::query(
            "DELETE FROM subscribers WHERE confirmed_us IS NULL AND coalesce(written_us, created_us) <= $1",
        )
        .bind(expired_before_us(now_us))
        .execute(&self.inner.db.pool)
        .await?;
        if deleted.rows_affected() > 0 {
            self.forget_deleted().await?;
        }
        Ok(())
    }

    /// None if it has unsubscribed.
    pub async fn subscriber(&self, id: i64) -> Result<Option<Subscriber>, MetaError> {
        let select = format!("SELECT {COLUMNS} FROM subscribers WHERE id = $1");
        let select = sqlx::query(sqlx::AssertSqlSafe(select)).bind(id);
        let row = select.fetch_optional(&self.inner.db.pool).await?;
        Ok(row.as_ref().map(to_subscriber).transpose()?)
    }

    /// Confirmed subscribers of the project after that id, at most `limit`, by id.
    pub async fn subscribers(
        &self,
        project: ProjectId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Subscriber>, MetaError> {
        let select = format!(
            "SELECT {COLUMNS} FROM subscribers WHERE project = $1 AND confirmed_us IS NOT NULL AND id > $2 ORDER BY id LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .bind(after)
            .bind(limit as i64)
            .fetch_all(&self.inner.db.pool)
            .await?;
        Ok(rows.iter().map(to_subscriber).collect::<Result<_, _>>()?)
    }

    pub async fn subscriber_count(&self, project: ProjectId) -> Result<SubscriberCount, MetaError> {
        let (confirmed, all): (i64, i64) = sqlx::query_as(
            "SELECT count(confirmed_us), count(*) FROM subscribers WHERE project = $1",
        )
        .bind(column(project))
        .fetch_one(&self.inner.db.pool)
        .await?;
        Ok(SubscriberCount { confirmed: confirmed as u64, unconfirmed: (all - confirmed) as u64 })
    }

    /// The ids of subscribers confirmed by that time.
    pub async fn subscribers_since(
        &self,
        project: ProjectId,
        confirmed_by_us: i64,
    ) -> Result<Vec<i64>, MetaError> {
        let select = "SELECT id FROM subscribers WHERE project = $1 AND confirmed_us <= $2";
        let select = sqlx::query_scalar(select).bind(column(project)).bind(confirmed_by_us);
        Ok(select.fetch_all(&self.inner.db.pool).await?)
    }

    /// Confirmations to send now, oldest first.
    pub async fn confirmations_due(
        &self,
        now_us: i64,
        limit: usize,
    ) -> Result<Vec<Confirmation>, MetaError> {
        let select = format!(
            "SELECT {COLUMNS}, written_us, tries FROM subscribers WHERE next_us <= $1 ORDER BY next_us LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(now_us)
            .bind(limit as i64)
            .fetch_all(&self.inner.db.pool)
            .await?;
        let due = rows.iter().map(|row| {
            Ok(Confirmation {
                subscriber: to_subscriber(row)?,
                written_us: row.try_get("written_us")?,
                tries: row.number("tries")?,
            })
        });
        Ok(due.collect::<Result<_, sqlx::Error>>()?)
    }

    /// Notes a try to send a confirmation. `next_us`: the next try; none if it was sent or given up.
    pub async fn note_confirmation(&self, id: i64, next_us: Option<i64>) -> Result<(), MetaError> {
        // A subscriber confirmed meanwhile needs none.
        sqlx::query(
            "UPDATE subscribers SET next_us = $1, tries = tries + 1 WHERE id = $2 AND confirmed_us IS NULL",
        )
        .bind(next_us)
        .bind(id)
        .execute(&self.inner.db.pool)
        .await?;
        Ok(())
    }

    fn link_token(&self, project: ProjectId, address: &Address, created_us: i64) -> Token {
        let mut hasher = self.hasher("api-analytics 2026 link of a subscriber");
        hasher.update(&project.0.to_le_bytes());
        hasher.update(&created_us.to_le_bytes());
        hasher.update(address.as_str().to_ascii_lowercase().as_bytes());
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..24]);
        Token::from_random(bytes)
    }

    fn hash_link(&self, token: &Token) -> SecretHash {
        let mut hasher = self.hasher("api-analytics 2026 hash of a subscriber's link");
        hasher.update(token.to_string().as_bytes());
        *hasher.finalize().as_bytes()
    }

    fn hash_mailbox(&self, address: &Address) -> SecretHash {
        let mut hasher = self.hasher("api-analytics 2026 mailbox of a subscriber");
        hasher.update(address.mailbox().as_bytes());
        *hasher.finalize().as_bytes()
    }

    fn hasher(&self, purpose: &str) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.inner.secret.derive(purpose))
    }
}

/// Unconfirmed subscribers whose newest confirmation is from this time or earlier have expired.
fn expired_before_us(now_us: i64) -> i64 {
    now_us - limits::SUBSCRIPTION_CONFIRM_DAYS as i64 * DAY_US
}

fn to_subscriber(row: &AnyRow) -> Result<Subscriber, sqlx::Error> {
    let address = Address::parse(row.try_get("address")?)
        .ok_or_else(|| sqlx::Error::Protocol("the address of a subscriber is damaged".into()))?;
    Ok(Subscriber {
        id: row.try_get("id")?,
        project: row.project("project")?,
        address,
        created_us: row.try_get("created_us")?,
        confirmed_us: row.try_get("confirmed_us")?,
    })
}
