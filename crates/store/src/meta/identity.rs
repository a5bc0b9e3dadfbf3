//! The identity of this file's data folder (see `inbox/identity.rs`), and project numbers that are never assigned
//! twice.

use std::path::Path;

use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::error::MetaError;
use super::handle::{FILE, Meta};
use super::projects::read_project;

/// The other half of the inbox's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaIdentity {
    pub folder: [u8; 16],
    pub starts: u64,
    pub ledger_key: [u8; 32],
}

/// Facts of the file, read without changing it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaFacts {
    /// None for a file from a version without identities, or of a start that crashed.
    pub identity: Option<MetaIdentity>,
    /// The highest project number ever assigned; 0 for none.
    pub highest_project: u32,
    /// Existing projects, in order.
    pub projects: Vec<u32>,
}

/// None if the file has no tables of ours.
pub async fn look(connection: &mut SqliteConnection) -> Result<Option<MetaFacts>, sqlx::Error> {
    let has = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
    let count: i64 = sqlx::query_scalar(has).bind("projects").fetch_one(&mut *connection).await?;
    if count == 0 {
        return Ok(None);
    }
    let count: i64 = sqlx::query_scalar(has).bind("folder").fetch_one(&mut *connection).await?;
    let identity = if count == 0 { None } else { read(connection).await? };
    let highest = highest_number(connection).await?;
    let projects =
        sqlx::query_scalar("SELECT id FROM projects ORDER BY id").fetch_all(connection).await?;
    Ok(Some(MetaFacts { identity, highest_project: highest.0, projects }))
}

/// Of all projects ever created, including deleted ones.
async fn highest_number(connection: &mut SqliteConnection) -> Result<ProjectId, sqlx::Error> {
    let highest = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'projects'), 0), coalesce((SELECT max(id) FROM projects), 0))";
    let highest: i64 = sqlx::query_scalar(highest).fetch_one(connection).await?;
    Ok(ProjectId(highest as u32))
}

/// Writes a consistent copy of the file in `data` into the folder `into`, without changing it.
pub async fn copy_to(data: &Path, into: &Path) -> Result<(), MetaError> {
    let options = SqliteConnectOptions::new().filename(data.join(FILE));
    let mut db = options.connect().await?;
    sqlx::query("VACUUM INTO ?")
        .bind(into.join(FILE).to_string_lossy().into_owned())
        .execute(&mut db)
        .await?;
    db.close().await?;
    Ok(())
}

async fn read(connection: &mut SqliteConnection) -> Result<Option<MetaIdentity>, sqlx::Error> {
    let row = sqlx::query("SELECT id, starts, ledger_key FROM folder")
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let broken = || sqlx::Error::Protocol("the folder's id is damaged".into());
    let (id, key): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(2)?);
    Ok(Some(MetaIdentity {
        folder: id.try_into().map_err(|_| broken())?,
        starts: row.try_get::<i64, _>(1)? as u64,
        ledger_key: key.try_into().map_err(|_| broken())?,
    }))
}

impl Meta {
    /// Ties the file to this folder, with the number of its starts.
    pub async fn set_identity(&self, identity: &MetaIdentity) -> Result<(), MetaError> {
        sqlx::query("INSERT INTO folder VALUES (1, ?, ?, ?) ON CONFLICT (only_row) DO UPDATE SET id = excluded.id, starts = excluded.starts, ledger_key = excluded.ledger_key")
            .bind(identity.folder.as_slice())
            .bind(identity.starts as i64)
            .bind(identity.ledger_key.as_slice())
            .execute(&self.inner.pool)
            .await?;
        // SQLite's log may be lost without the file: the identity must be in the file itself.
        self.forget_deleted().await
    }

    /// No project created from here on gets a number up to `project`: an older copy does not know of later projects,
    /// and their numbers must not be reused.
    pub async fn skip_project_numbers(&self, project: ProjectId) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query("INSERT INTO sqlite_sequence (name, seq) SELECT 'projects', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'projects')")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'projects'")
            .bind(project.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Creates a project for hits whose project is in no table any more: without a key, so that only the operator can
    /// open it, and with the strictest privacy for new hits.
    pub async fn recover_project(&self, project: ProjectId, now_us: i64) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query("INSERT INTO projects (id, name, created_us, privacy_level, erased_level) VALUES (?, ?, ?, 2, 2)")
            .bind(project.0)
            .bind(format!("Recovered project {}", project.0))
            .bind(now_us)
            .execute(&mut *transaction)
            .await?;
        let made =
            read_project(&mut transaction, project).await?.ok_or(sqlx::Error::RowNotFound)?;
        transaction.commit().await?;
        self.write(|directory| directory.put_project(made, &self.inner.secret));
        Ok(())
    }

    /// The highest project number assigned so far; 0 for none.
    pub async fn highest_number(&self) -> Result<ProjectId, MetaError> {
        let mut connection = self.inner.pool.acquire().await?;
        Ok(highest_number(&mut connection).await?)
    }

    /// The next project's number, reserved in the inbox: a later start with an older copy of this file knows that it is
    /// taken. If creating the project fails, the next one gets the same number.
    pub(super) async fn next_number(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<ProjectId, MetaError> {
        let next = ProjectId(highest_number(connection).await?.0 + 1);
        if let Some(numbers) = &self.inner.numbers {
            numbers.reserve(next).await.map_err(|problem| MetaError::Inbox(Box::new(problem)))?;
        }
        Ok(next)
    }

    /// The project with this number is on disk.
    pub(super) async fn number_is_given(&self, project: ProjectId) {
        let Some(numbers) = &self.inner.numbers else { return };
        if let Err(problem) = numbers.given(project).await {
            // The project exists; only the detection of an older copy of this file suffers.
            tracing::warn!(%problem, project = project.0, "a project's number could not be confirmed");
        }
    }
}
