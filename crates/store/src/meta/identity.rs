//! The identity of this file's data folder (see `inbox/identity.rs`), and project numbers that are never assigned
//! twice.

use analytics::hit::ProjectId;

use super::error::MetaError;
use super::facts::{HIGHEST_IN_POSTGRES, HIGHEST_IN_SQLITE, MetaIdentity};
use super::handle::Meta;
use super::projects::read_project;
use crate::database::Engine;
use crate::database::bounded::Connection;
use crate::database::columns::column;

/// The statements that differ between the databases.
struct Numbers {
    /// The highest number of all projects ever created, including deleted ones.
    highest: &'static str,
    /// The number of a new project; none: one more than the highest.
    next: Option<&'static str>,
    /// No number up to `$1` is given.
    skip: &'static [&'static str],
    set_identity: &'static str,
}

const SQLITE: Numbers = Numbers {
    highest: HIGHEST_IN_SQLITE,
    next: None,
    skip: &[
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'projects', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'projects')",
        "UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = 'projects'",
    ],
    set_identity: "INSERT INTO folder (only_row, id, starts, ledger_key) VALUES (1, $1, $2, $3) ON CONFLICT (only_row) DO UPDATE SET id = excluded.id, starts = excluded.starts, ledger_key = excluded.ledger_key",
};

/// A number that a failed call took is given to no project. Each node's folder has a row.
const POSTGRES: Numbers = Numbers {
    highest: HIGHEST_IN_POSTGRES,
    next: Some("SELECT nextval('project_numbers')"),
    skip: &[
        "SELECT setval('project_numbers', $1) FROM project_numbers WHERE $1 > 0 AND (last_value < $1 OR NOT is_called)",
    ],
    set_identity: "INSERT INTO folders (id, starts, ledger_key) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET starts = excluded.starts, ledger_key = excluded.ledger_key",
};

impl Engine {
    fn numbers(self) -> &'static Numbers {
        match self {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        }
    }
}

impl Meta {
    /// Ties the database to this folder, with the number of its starts.
    pub async fn set_identity(&self, identity: &MetaIdentity) -> Result<(), MetaError> {
        sqlx::query(self.inner.db.engine.numbers().set_identity)
            .bind(identity.folder.as_slice())
            .bind(identity.starts as i64)
            .bind(identity.ledger_key.as_slice())
            .execute(&self.inner.db.pool)
            .await?;
        // SQLite's log may be lost without the file: the identity must be in the file itself.
        self.forget_deleted().await
    }

    /// No project created from here on gets a number up to `project`: an older copy does not know of later projects,
    /// and their numbers must not be reused.
    pub async fn skip_project_numbers(&self, project: ProjectId) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        for statement in self.inner.db.engine.numbers().skip {
            let mut skip = sqlx::query(*statement);
            if statement.contains("$1") {
                skip = skip.bind(column(project));
            }
            skip.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Creates a project for hits whose project is in no table any more: without a key, so that only the operator can
    /// open it, and with the strictest privacy for new hits.
    pub async fn recover_project(&self, project: ProjectId, now_us: i64) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        sqlx::query("INSERT INTO projects (id, name, created_us, privacy_level, erased_level) VALUES ($1, $2, $3, 2, 2)")
            .bind(column(project))
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
        let highest = sqlx::query_scalar(self.inner.db.engine.numbers().highest);
        Ok(to_project_id(highest.fetch_one(&self.inner.db.pool).await?)?)
    }

    /// The next project's number, reserved in the inbox: a later start with an older copy of the database knows that it
    /// is taken.
    pub(super) async fn next_number(
        &self,
        connection: &mut Connection,
    ) -> Result<ProjectId, MetaError> {
        let numbers = self.inner.db.engine.numbers();
        let next: i64 = match numbers.next {
            Some(next) => sqlx::query_scalar(next).fetch_one(connection).await?,
            None => sqlx::query_scalar::<_, i64>(numbers.highest).fetch_one(connection).await? + 1,
        };
        let next = to_project_id(next)?;
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

fn to_project_id(number: i64) -> Result<ProjectId, sqlx::Error> {
    let used_up = || sqlx::Error::Protocol(format!("no project can have the number {number}"));
    u32::try_from(number).map(ProjectId).map_err(|_| used_up())
}
