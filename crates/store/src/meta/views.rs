//! Saved views of a project. Not cached in memory: a page loads them once, and ingestion never needs them.

use analytics::hit::ProjectId;
use analytics::view::{View, ViewPage};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::error::MetaError;
use super::handle::Meta;
use crate::database::columns::column;

/// A stored view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRow {
    pub id: i64,
    pub view: View,
    pub created_us: i64,
}

const COLUMNS: &str = "id, name, page, query, created_us";

impl Meta {
    /// None if there is no such project. `most`: how many views a project may have.
    pub async fn add_view(
        &self,
        project: ProjectId,
        view: View,
        most: u64,
        now_us: i64,
    ) -> Result<Option<ViewRow>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM views WHERE project = $1")
            .bind(column(project))
            .fetch_one(&self.inner.db.pool)
            .await?;
        if count as u64 >= most {
            return Err(MetaError::TooManyViews);
        }
        let insert = "INSERT INTO views (project, name, page, query, created_us) VALUES ($1, $2, $3, $4, $5) RETURNING id";
        let id: i64 = sqlx::query_scalar(insert)
            .bind(column(project))
            .bind(&view.name)
            .bind(view.page.as_str())
            .bind(&view.query)
            .bind(now_us)
            .fetch_one(&self.inner.db.pool)
            .await
            .map_err(or_taken)?;
        Ok(Some(ViewRow { id, view, created_us: now_us }))
    }

    /// False if the project has no such view.
    pub async fn change_view(
        &self,
        project: ProjectId,
        id: i64,
        view: &View,
    ) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let update =
            "UPDATE views SET name = $1, page = $2, query = $3 WHERE id = $4 AND project = $5";
        let updated = sqlx::query(update)
            .bind(&view.name)
            .bind(view.page.as_str())
            .bind(&view.query)
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await
            .map_err(or_taken)?;
        Ok(updated.rows_affected() > 0)
    }

    /// Ordered by name.
    pub async fn views(&self, project: ProjectId) -> Result<Vec<ViewRow>, MetaError> {
        let select = format!("SELECT {COLUMNS} FROM views WHERE project = $1 ORDER BY name");
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .fetch_all(&self.inner.db.pool)
            .await?;
        rows.iter().map(to_row).collect::<Result<_, _>>().map_err(MetaError::from)
    }

    /// None if the project has no such view.
    pub async fn view(&self, project: ProjectId, id: i64) -> Result<Option<ViewRow>, MetaError> {
        let select = format!("SELECT {COLUMNS} FROM views WHERE project = $1 AND id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(column(project))
            .bind(id)
            .fetch_optional(&self.inner.db.pool)
            .await?;
        row.as_ref().map(to_row).transpose().map_err(MetaError::from)
    }

    /// Erases the view from the file. False if the project has no such view.
    pub async fn remove_view(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM views WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        // Its filter may identify a person.
        self.forget_deleted().await?;
        Ok(true)
    }
}

fn or_taken(error: sqlx::Error) -> MetaError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => MetaError::ViewTaken,
        _ => error.into(),
    }
}

fn to_row(row: &AnyRow) -> Result<ViewRow, sqlx::Error> {
    let page: &str = row.try_get("page")?;
    let page = ViewPage::parse(page)
        .ok_or_else(|| sqlx::Error::Decode(format!("a view of the page {page}").into()))?;
    Ok(ViewRow {
        id: row.try_get("id")?,
        view: View { name: row.try_get("name")?, page, query: row.try_get("query")? },
        created_us: row.try_get("created_us")?,
    })
}
