//! Deploys of a project, read from the file: a page shows some at a time, and ingest never needs them.

use analytics::deploy::Deploy;
use analytics::hit::ProjectId;
use analytics::limits;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::error::MetaError;
use super::handle::Meta;
use crate::database::bounded::Connection;
use crate::database::columns::{Columns as _, column};

/// A stored deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployRow {
    pub id: i64,
    pub deploy: Deploy,
}

const COLUMNS: &str = "id, version, at_us, text, from_requests";

impl Meta {
    /// The deploy, and whether it is new: the same version at the same time is stored once, with its first text. It
    /// replaces a deploy of the same version that requests reported at nearly the same time. None if there is no such
    /// project. `most`: how many a project keeps, the latest ones.
    pub async fn add_deploy(
        &self,
        project: ProjectId,
        deploy: &Deploy,
        most: u64,
    ) -> Result<Option<(DeployRow, bool)>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        let replaced = "DELETE FROM deploys WHERE project = $1 AND version = $2 AND from_requests = 1 AND abs(at_us - $3) <= $4";
        sqlx::query(replaced)
            .bind(column(project))
            .bind(&deploy.version)
            .bind(deploy.at_us)
            .bind(limits::RELEASE_POSTED_MINUTES as i64 * 60_000_000)
            .execute(&mut *transaction)
            .await?;
        let insert = "INSERT INTO deploys (project, version, at_us, text) SELECT id, $2, $3, $4 FROM projects WHERE id = $1 AND deleting = 0 ON CONFLICT DO NOTHING";
        let inserted = sqlx::query(insert)
            .bind(column(project))
            .bind(&deploy.version)
            .bind(deploy.at_us)
            .bind(&deploy.text)
            .execute(&mut *transaction)
            .await?;
        let select = format!(
            "SELECT {COLUMNS} FROM deploys WHERE project = $1 AND version = $2 AND at_us = $3"
        );
        let found = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .bind(&deploy.version)
            .bind(deploy.at_us)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = found.as_ref().map(to_row).transpose()? else { return Ok(None) };
        make_room(&mut transaction, project, row.id, false, most).await?;
        transaction.commit().await?;
        Ok(Some((row, inserted.rows_affected() > 0)))
    }

    /// Records a release that requests reported. A new one becomes a deploy, unless one of this version exists. True if it
    /// became one. `most`: how many deploys a project keeps; `most_releases`: how many releases.
    pub async fn see_release(
        &self,
        project: ProjectId,
        deploy: &Deploy,
        (most, most_releases): (u64, u64),
        now_us: i64,
    ) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        let see = "INSERT INTO releases (project, version, seen_us) SELECT id, $2, $3 FROM projects WHERE id = $1 AND deleting = 0 ON CONFLICT DO NOTHING";
        let seen = sqlx::query(see)
            .bind(column(project))
            .bind(&deploy.version)
            .bind(now_us)
            .execute(&mut *transaction)
            .await?;
        if seen.rows_affected() == 0 {
            return Ok(false);
        }
        let forget = "DELETE FROM releases WHERE project = $1 AND version <> $2 AND version NOT IN (SELECT version FROM releases WHERE project = $1 ORDER BY seen_us DESC LIMIT $3)";
        sqlx::query(forget)
            .bind(column(project))
            .bind(&deploy.version)
            .bind(most_releases as i64)
            .execute(&mut *transaction)
            .await?;
        let insert = "INSERT INTO deploys (project, version, at_us, text, from_requests) SELECT $1, $2, $3, '', 1 WHERE NOT EXISTS (SELECT 1 FROM deploys WHERE project = $1 AND version = $2) RETURNING id";
        let inserted: Option<i64> = sqlx::query_scalar(insert)
            .bind(column(project))
            .bind(&deploy.version)
            .bind(deploy.at_us)
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(id) = inserted {
            make_room(&mut transaction, project, id, true, most).await?;
        }
        transaction.commit().await?;
        Ok(inserted.is_some())
    }

    /// From one time to before another, latest first.
    pub async fn deploys(
        &self,
        project: ProjectId,
        from_us: i64,
        to_us: i64,
    ) -> Result<Vec<DeployRow>, MetaError> {
        let select = format!(
            "SELECT {COLUMNS} FROM deploys WHERE project = $1 AND at_us >= $2 AND at_us < $3 ORDER BY at_us DESC, id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .bind(from_us)
            .bind(to_us)
            .fetch_all(&self.inner.db.pool)
            .await?;
        rows.iter().map(to_row).collect::<Result<_, _>>().map_err(MetaError::from)
    }

    /// The deploy and the time of the next later one; none if the project has no such deploy.
    pub async fn deploy(
        &self,
        project: ProjectId,
        id: i64,
    ) -> Result<Option<(DeployRow, Option<i64>)>, MetaError> {
        let select = format!(
            "SELECT {COLUMNS}, (SELECT min(at_us) FROM deploys AS later WHERE later.project = deploys.project AND later.at_us > deploys.at_us) AS next_us FROM deploys WHERE project = $1 AND id = $2"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .bind(id)
            .fetch_optional(&self.inner.db.pool)
            .await?;
        let read = |row: &AnyRow| Ok((to_row(row)?, row.try_get("next_us")?));
        row.as_ref().map(read).transpose().map_err(|error: sqlx::Error| error.into())
    }

    /// False if the project has no such deploy.
    pub async fn remove_deploy(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM deploys WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Deletes the oldest deploys beyond `most`, never the new one, even if it is the oldest: whoever posts a history finds the last
/// post. `from_requests`: deletes deploys that requests reported before posted ones.
async fn make_room(
    connection: &mut Connection,
    project: ProjectId,
    new: i64,
    from_requests: bool,
    most: u64,
) -> Result<(), MetaError> {
    let make_room = "DELETE FROM deploys WHERE project = $1 AND id <> $2 AND id NOT IN (SELECT id FROM deploys WHERE project = $1 AND id <> $2 ORDER BY ($4 * from_requests), at_us DESC, id DESC LIMIT $3)";
    sqlx::query(make_room)
        .bind(column(project))
        .bind(new)
        .bind(most.saturating_sub(1) as i64)
        .bind(i64::from(from_requests))
        .execute(connection)
        .await?;
    Ok(())
}

fn to_row(row: &AnyRow) -> Result<DeployRow, sqlx::Error> {
    Ok(DeployRow {
        id: row.try_get("id")?,
        deploy: Deploy {
            version: row.try_get("version")?,
            at_us: row.try_get("at_us")?,
            text: row.try_get("text")?,
            from_requests: row.flag("from_requests")?,
        },
    })
}
