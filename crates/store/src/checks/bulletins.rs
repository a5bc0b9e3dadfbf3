//! Bulletins for subscribers of status pages, and their unsent mailings: an outbox beside that of the channels. A
//! bulletin about an incident is written in the transaction of the change; its recipients are added later, by number
//! only. Addresses are in `meta.sqlite`.

use analytics::hit::ProjectId;
use analytics::incident::Transition;
use analytics::status_page::bulletin::{Bulletin, News};
use analytics::status_page::publication::{Severity, Stage};
use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::source::IncidentSource;
use super::{Checks, ChecksError, clean};
use crate::database::bounded::Connection;
use crate::database::columns::{Columns as _, column};
use crate::sql::bulletins as sql;

/// A bulletin that one subscriber has not received yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailing {
    pub bulletin_id: i64,
    pub subscriber: i64,
    pub project: ProjectId,
    pub about: About,
    pub bulletin: Bulletin,
    pub tries: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Incident(IncidentSource, u64),
    /// By the name that visitors know it by.
    Maintenance(String),
}

/// Maintenance that a status page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    pub project: ProjectId,
    /// The name that visitors know it by.
    pub id: String,
    pub bulletin: Bulletin,
}

impl Checks {
    /// Writes a bulletin for maintenance that is shown for the first time, and deletes those of maintenance no longer
    /// shown, sent or not. `shown`: everything that any status page shows.
    pub async fn announce(&self, shown: &[Announcement]) -> Result<(), ChecksError> {
        let mut rows = Vec::with_capacity(shown.len());
        for one in shown {
            let text = serde_json::to_string(&one.bulletin)?;
            rows.push(json!([one.project.0, one.id, one.bulletin.at_ms, text]));
        }
        let rows = clean(rows)?;
        let mut transaction = self.writing.pool.begin().await?;
        for statement in sql::FORGET_MAINTENANCE {
            let delete = sqlx::query(self.engine().with_rows(statement)).bind(&rows);
            delete.execute(&mut *transaction).await?;
        }
        let add = sqlx::query(self.engine().with_rows(sql::ADD_MAINTENANCE)).bind(&rows);
        add.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The oldest bulletins without mailings: id, project, and time of publication.
    pub async fn bulletins_to_spread(
        &self,
        limit: usize,
    ) -> Result<Vec<(i64, ProjectId, i64)>, ChecksError> {
        let select = sqlx::query_as(sql::NOT_SPREAD).bind(limit as i64);
        let rows: Vec<(i64, i64, i64)> = select.fetch_all(&self.reading).await?;
        let rows = rows.into_iter();
        Ok(rows.map(|(id, project, at_ms)| (id, ProjectId(project as u32), at_ms)).collect())
    }

    /// Addresses the bulletin to exactly these subscribers, unless another server has addressed it.
    pub async fn spread(
        &self,
        bulletin: i64,
        at_ms: i64,
        subscribers: &[i64],
    ) -> Result<(), ChecksError> {
        let mut transaction = self.writing.pool.begin().await?;
        // First: it locks the row, and only one server finds it unset. Else a mailing that another one has ended would
        // be added again.
        let set = sqlx::query(sql::SET_SPREAD).bind(bulletin).execute(&mut *transaction).await?;
        if set.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(self.engine().with_rows(sql::ADD_MAILINGS))
            .bind(serde_json::to_string(subscribers)?)
            .bind(bulletin)
            .bind(at_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// At most `limit` due mailings; those of one incident of one project in order.
    pub async fn mailings_due(
        &self,
        now_ms: i64,
        limit: usize,
    ) -> Result<Vec<Mailing>, ChecksError> {
        let select = sqlx::query(sql::DUE).bind(now_ms).bind(limit as i64);
        select.fetch_all(&self.reading).await?.iter().map(to_mailing).collect()
    }

    /// It was sent, or never will be.
    pub async fn end_mailing(&self, mailing: &Mailing) -> Result<(), ChecksError> {
        sqlx::query(sql::END)
            .bind(mailing.bulletin_id)
            .bind(mailing.subscriber)
            .execute(&self.writing.pool)
            .await?;
        Ok(())
    }

    pub async fn try_mailing_again(
        &self,
        mailing: &Mailing,
        next_ms: i64,
    ) -> Result<(), ChecksError> {
        sqlx::query(sql::TRY_AGAIN)
            .bind(next_ms)
            .bind(mailing.bulletin_id)
            .bind(mailing.subscriber)
            .execute(&self.writing.pool)
            .await?;
        Ok(())
    }

    /// Deletes bulletins that every recipient has received.
    pub async fn forget_sent_bulletins(&self) -> Result<(), ChecksError> {
        sqlx::query(sql::FORGET_SENT).execute(&self.writing.pool).await?;
        Ok(())
    }

    /// The project or its status page is gone: deletes its bulletins and mailings.
    pub async fn forget_bulletins(&self, project: ProjectId) -> Result<(), ChecksError> {
        for statement in sql::FORGET_OF_PROJECT {
            sqlx::query(statement).bind(column(project)).execute(&self.writing.pool).await?;
        }
        Ok(self.writing.forget_deleted().await?)
    }
}

/// `source` as `IncidentSource::to_column`.
pub(super) async fn add(
    transaction: &mut Connection,
    project: ProjectId,
    source: i64,
    number: i64,
    bulletin: &Bulletin,
) -> Result<(), ChecksError> {
    sqlx::query(sql::ADD)
        .bind(column(project))
        .bind(source)
        .bind(number)
        .bind(bulletin.at_ms)
        .bind(serde_json::to_string(bulletin)?)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(super) async fn forget_of_incident(
    transaction: &mut Connection,
    source: i64,
    number: i64,
) -> Result<(), ChecksError> {
    for statement in sql::FORGET_OF_INCIDENT {
        sqlx::query(statement).bind(source).bind(number).execute(&mut *transaction).await?;
    }
    Ok(())
}

/// Adds bulletins for incidents that are now closed, if they are published and their owner has not marked them as
/// resolved. The incidents' rows are locked by this transaction.
pub(super) async fn tell_closed(
    transaction: &mut Connection,
    closed: &[(IncidentSource, Transition)],
) -> Result<(), ChecksError> {
    for (source, closing) in closed {
        let (source, number, at_ms) = (source.to_column(), closing.incident as i64, closing.at_ms);
        let select = sqlx::query_as(sql::PUBLISHED).bind(source).bind(number);
        let published: Option<(i64, String, Option<String>)> =
            select.fetch_optional(&mut *transaction).await?;
        let Some((project, title, severity)) = published else { continue };
        let severity = severity.as_deref().and_then(Severity::parse).unwrap_or(Severity::Major);
        let news = News::Incident { severity, stage: Some(Stage::Resolved), opens: false };
        let bulletin = Bulletin { at_ms, title, text: String::new(), news };
        add(transaction, ProjectId(project as u32), source, number, &bulletin).await?;
    }
    Ok(())
}

fn to_mailing(row: &AnyRow) -> Result<Mailing, ChecksError> {
    let text: &str = row.try_get("content")?;
    let maintenance: String = row.try_get("maintenance")?;
    let about = match maintenance.is_empty() {
        true => {
            let number = row.try_get::<i64, _>("number")? as u64;
            About::Incident(IncidentSource::from_column(row.try_get("monitor")?), number)
        }
        false => About::Maintenance(maintenance),
    };
    Ok(Mailing {
        bulletin_id: row.try_get("id")?,
        subscriber: row.try_get("subscriber")?,
        project: row.project("project")?,
        about,
        bulletin: serde_json::from_str(text)?,
        tries: row.number("tries")?,
    })
}
