//! Migrates a database to the version of this program.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::Engine;
use crate::database::bounded::Connection;
use crate::sql::versions as sql;

/// The migrations of one set of tables. A row of a list never changes once released.
pub(crate) struct Migrations {
    /// Names of the databases in messages.
    pub(crate) file: &'static str,
    pub(crate) in_postgres: &'static str,
    /// Version that the first row of `sqlite` begins with; older files are the caller's.
    pub(crate) sqlite_from: i64,
    /// Row n migrates from version `sqlite_from` + n to the next one (`PRAGMA user_version`).
    pub(crate) sqlite: &'static [&'static str],
    /// Row n migrates from version n to n + 1.
    pub(crate) postgres: &'static [&'static str],
    /// The table of the version in PostgreSQL.
    pub(crate) version_table: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    /// The database was written by a later version of this program.
    #[error("{what} has version {found}, and this program knows {known}")]
    Newer { what: &'static str, found: i64, known: i64 },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Migrations {
    /// The version of a file; `MigrateError::Newer` if this program does not know it.
    pub(crate) async fn version_of_file(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<i64, MigrateError> {
        let found = sqlx::query_scalar(sql::OF_FILE).fetch_one(connection).await?;
        self.refuse_newer(Engine::Sqlite, found)
    }

    /// 0 for a PostgreSQL database without these tables.
    pub(crate) async fn version_in_postgres(
        &self,
        connection: &mut PgConnection,
    ) -> Result<i64, MigrateError> {
        let has = sqlx::query_scalar(sql::HAS_TABLE).bind(self.version_table);
        let tables: i64 = has.fetch_one(&mut *connection).await?;
        if tables == 0 {
            return Ok(0);
        }
        let get = AssertSqlSafe(sql::get(self.version_table));
        let found = sqlx::query_scalar(get).fetch_one(connection).await?;
        self.refuse_newer(Engine::Postgres, found)
    }

    /// Whether the tables are there, and those of an older version.
    pub(crate) async fn is_older_in_postgres(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, MigrateError> {
        let found = self.version_in_postgres(connection).await?;
        Ok(found > 0 && found < self.postgres.len() as i64)
    }

    /// The version of the database of this transaction, which no other node migrates until it ends.
    pub(crate) async fn begin(
        &self,
        transaction: &mut Connection,
        engine: Engine,
    ) -> Result<i64, MigrateError> {
        let get = match engine {
            Engine::Sqlite => sql::OF_FILE.to_owned(),
            Engine::Postgres => {
                sqlx::query(sql::ONE_AT_A_TIME).execute(&mut *transaction).await?;
                let create = AssertSqlSafe(sql::create(self.version_table));
                sqlx::raw_sql(create).execute(&mut *transaction).await?;
                sql::get(self.version_table)
            }
        };
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(get)).fetch_one(transaction).await?;
        self.refuse_newer(engine, found)
    }

    /// Runs the migrations after version `found`.
    pub(crate) async fn run(
        &self,
        transaction: &mut Connection,
        engine: Engine,
        found: i64,
    ) -> Result<(), MigrateError> {
        let (from, migrations) = self.of(engine);
        for migration in migrations.iter().skip((found - from) as usize) {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        }
        let known = from + migrations.len() as i64;
        let note = match engine {
            Engine::Sqlite => sql::set_of_file(known),
            Engine::Postgres => sql::set(self.version_table, known),
        };
        sqlx::raw_sql(AssertSqlSafe(note)).execute(transaction).await?;
        Ok(())
    }

    fn of(&self, engine: Engine) -> (i64, &'static [&'static str]) {
        match engine {
            Engine::Sqlite => (self.sqlite_from, self.sqlite),
            Engine::Postgres => (0, self.postgres),
        }
    }

    fn refuse_newer(&self, engine: Engine, found: i64) -> Result<i64, MigrateError> {
        let (from, migrations) = self.of(engine);
        let known = from + migrations.len() as i64;
        let what = match engine {
            Engine::Sqlite => self.file,
            Engine::Postgres => self.in_postgres,
        };
        if found > known { Err(MigrateError::Newer { what, found, known }) } else { Ok(found) }
    }
}
