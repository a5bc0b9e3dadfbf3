//! The outbox of notices: written in the transaction of the change that they announce, sent later, and kept with every
//! try. `analytics::notice::outbox` decides when each is sent, and how.

use std::collections::HashSet;

use analytics::alert::Severity;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::notice::outbox::Row as Waiting;
use analytics::notice::{Notice, Stage};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::incidents::read_word;
use super::source::IncidentSource;
use super::{Checks, ChecksError, storable};
use crate::database::Engine;
use crate::database::bounded::Connection;
use crate::database::columns::Columns as _;
use crate::sql::outbox as sql;

/// A notice's channel: its number, and when it was created (microseconds).
pub type ChannelKey = (i64, i64);

/// A notice for one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNotice {
    pub channel: ChannelKey,
    pub project: ProjectId,
    /// None: it is about no particular monitor or rule.
    pub source: Option<IncidentSource>,
    pub notice: Notice,
    pub created_ms: i64,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Delivered,
    /// The service will never accept it.
    Failed,
    /// It was tried for long enough.
    GivenUp,
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Ended::Delivered => "delivered",
            Ended::Failed => "failed",
            Ended::GivenUp => "given_up",
        }
    }
}

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    pub at_ms: i64,
    pub took_ms: i64,
    /// None without a response.
    pub status: Option<u16>,
    /// None if it was delivered.
    pub reason: Option<String>,
}

/// A notice for a channel with all its tries.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: i64,
    /// `waiting`, `delivered`, `failed` or `given_up`.
    pub state: String,
    pub created_ms: i64,
    /// The time of the next try, while it waits.
    pub next_ms: i64,
    pub ended_ms: Option<i64>,
    pub notice: Notice,
    pub tries: Vec<Try>,
}

/// The state of a notice of one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadNotice {
    pub channel: i64,
    pub stage: Stage,
    /// `waiting`, `delivered`, `failed` or `given_up`.
    pub state: String,
    pub created_ms: i64,
    /// The time of the next try, while it waits.
    pub next_ms: i64,
    pub ended_ms: Option<i64>,
    pub tries: u32,
}

impl Checks {
    pub async fn channels_waited_for(&self) -> Result<Vec<i64>, ChecksError> {
        Ok(sqlx::query_scalar(sql::WAITING_CHANNELS).fetch_all(&self.reading).await?)
    }

    /// The oldest that wait for a channel, at most `limits::NOTICES_WAITING`.
    pub async fn waiting(&self, channel: i64) -> Result<Vec<Waiting>, ChecksError> {
        let select = sqlx::query(sql::WAITING).bind(channel).bind(limits::NOTICES_WAITING as i64);
        let rows = select.fetch_all(&self.reading).await?;
        rows.iter().map(to_waiting).collect()
    }

    /// The notices with these ids, ascending by id.
    pub async fn notices(&self, ids: &[u64]) -> Result<Vec<(u64, Notice)>, ChecksError> {
        let select =
            sqlx::query_as(self.engine().with_rows(sql::NOTICES)).bind(serde_json::to_string(ids)?);
        let rows: Vec<(i64, String)> = select.fetch_all(&self.reading).await?;
        rows.into_iter().map(|(id, text)| Ok((id as u64, serde_json::from_str(&text)?))).collect()
    }

    /// The service's id of a thread's opening, if it gave one.
    pub async fn reply_to(
        &self,
        channel: i64,
        thread: &str,
    ) -> Result<Option<String>, ChecksError> {
        let select = sqlx::query_scalar(sql::REPLY_TO).bind(channel).bind(thread);
        Ok(select.fetch_optional(&self.reading).await?)
    }

    /// Ends these notices. `tried`: the result of the last try; none without one. `message`: its id at the service.
    pub async fn end(
        &self,
        ids: &[u64],
        ended: Ended,
        tried: Option<&Try>,
        message: Option<&str>,
        now_ms: i64,
    ) -> Result<(), ChecksError> {
        let ids = serde_json::to_string(ids)?;
        let mut transaction = self.writing.pool.begin().await?;
        if let Some(tried) = tried {
            add_try(&mut transaction, self.engine(), &ids, tried).await?;
        }
        sqlx::query(self.engine().with_rows(sql::END))
            .bind(&ids)
            .bind(ended.as_str())
            .bind(now_ms)
            .bind(message.map(storable))
            .bind(i64::from(tried.is_some()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Schedules the next try of these notices at `next_ms`.
    pub async fn try_again(
        &self,
        ids: &[u64],
        tried: &Try,
        next_ms: i64,
    ) -> Result<(), ChecksError> {
        let ids = serde_json::to_string(ids)?;
        let mut transaction = self.writing.pool.begin().await?;
        add_try(&mut transaction, self.engine(), &ids, tried).await?;
        let update = sqlx::query(self.engine().with_rows(sql::TRY_AGAIN)).bind(&ids).bind(next_ms);
        update.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The channel no longer works: all notices waiting for it have failed.
    pub async fn fail_all(&self, channel: i64, now_ms: i64) -> Result<(), ChecksError> {
        sqlx::query(sql::END_ALL).bind(now_ms).bind(channel).execute(&self.writing.pool).await?;
        Ok(())
    }

    /// At most `limit` deliveries of a channel before that id, newest first.
    pub async fn deliveries(
        &self,
        channel: i64,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Delivery>, ChecksError> {
        let select = sqlx::query(sql::DELIVERIES).bind(channel).bind(before).bind(limit as i64);
        let rows = select.fetch_all(&self.reading).await?;
        let mut deliveries: Vec<Delivery> =
            rows.iter().map(to_delivery).collect::<Result<_, _>>()?;
        let ids: Vec<i64> = deliveries.iter().map(|delivery| delivery.id).collect();
        let tries =
            sqlx::query(self.engine().with_rows(sql::TRIES)).bind(serde_json::to_string(&ids)?);
        for row in tries.fetch_all(&self.reading).await? {
            let id: i64 = row.try_get("delivery")?;
            let tried = Try {
                at_ms: row.try_get("at_ms")?,
                took_ms: row.try_get("took_ms")?,
                status: row.maybe_number("status")?,
                reason: row.try_get("reason")?,
            };
            let of = deliveries.iter_mut().find(|delivery| delivery.id == id);
            of.into_iter().for_each(|delivery| delivery.tries.push(tried.clone()));
        }
        Ok(deliveries)
    }

    /// The notices of one thread to every channel, in order. Kept for 90 days.
    pub async fn thread_notices(
        &self,
        source: IncidentSource,
        thread: &str,
    ) -> Result<Vec<ThreadNotice>, ChecksError> {
        let select = sqlx::query(sql::OF_THREAD).bind(source.to_column()).bind(thread);
        let rows = select.fetch_all(&self.reading).await?;
        rows.iter().map(to_thread_notice).collect()
    }

    /// Deletes the notices for channels that are not among `live`.
    pub async fn keep_channels(&self, live: &HashSet<ChannelKey>) -> Result<(), ChecksError> {
        let live = serde_json::to_string(&live.iter().collect::<Vec<_>>())?;
        let mut transaction = self.writing.pool.begin().await?;
        for statement in sql::KEEP_ONLY {
            let delete = sqlx::query(self.engine().with_rows(statement)).bind(&live);
            delete.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(self.writing.forget_deleted().await?)
    }
}

async fn add_try(
    transaction: &mut Connection,
    engine: Engine,
    ids: &str,
    tried: &Try,
) -> Result<(), ChecksError> {
    sqlx::query(engine.with_rows(sql::ADD_TRIES))
        .bind(ids)
        .bind(tried.at_ms)
        .bind(tried.took_ms)
        .bind(tried.status.map(i64::from))
        .bind(tried.reason.as_deref().map(storable))
        .execute(transaction)
        .await?;
    Ok(())
}

impl NewNotice {
    pub(super) fn columns(&self) -> Result<Value, ChecksError> {
        let notice = &self.notice;
        Ok(json!([
            self.channel.0,
            self.channel.1,
            self.project.0,
            self.source.map_or(0, IncidentSource::to_column),
            notice.id,
            notice.thread,
            notice.stage,
            notice.severity,
            self.created_ms,
            serde_json::to_string(notice)?,
        ]))
    }
}

fn to_waiting(row: &AnyRow) -> Result<Waiting, ChecksError> {
    let severity: Severity = read_word(row.try_get("severity")?)?;
    let stage: Stage = read_word(row.try_get("stage")?)?;
    Ok(Waiting {
        id: row.try_get::<i64, _>("id")? as u64,
        project: row.number("project")?,
        thread: row.try_get("thread")?,
        stage,
        severity,
        created_ms: row.try_get("created_ms")?,
        tries: row.number("tries")?,
        next_ms: row.try_get("next_ms")?,
        opening_delivered: row.flag("opening_delivered")?,
    })
}

fn to_thread_notice(row: &AnyRow) -> Result<ThreadNotice, ChecksError> {
    Ok(ThreadNotice {
        channel: row.try_get("channel")?,
        stage: read_word(row.try_get("stage")?)?,
        state: row.try_get("state")?,
        created_ms: row.try_get("created_ms")?,
        next_ms: row.try_get("next_ms")?,
        ended_ms: row.try_get("ended_ms")?,
        tries: row.number("tries")?,
    })
}

fn to_delivery(row: &AnyRow) -> Result<Delivery, ChecksError> {
    let notice: &str = row.try_get("notice")?;
    Ok(Delivery {
        id: row.try_get("id")?,
        state: row.try_get("state")?,
        created_ms: row.try_get("created_ms")?,
        next_ms: row.try_get("next_ms")?,
        ended_ms: row.try_get("ended_ms")?,
        notice: serde_json::from_str(notice)?,
        tries: Vec::new(),
    })
}
