//! The place of a test's projects and settings: `meta.sqlite` in a folder, or a database of its own in a PostgreSQL
//! server that all tests of this process share.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::{Checks, FILE, Meta, MetaError, MetaPlace, PostgresUrl};

#[path = "postgres.rs"]
mod postgres;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Home {
    folder: tempfile::TempDir,
    pub place: MetaPlace,
}

const NOW: i64 = 1_764_000_000_000_000;

impl Home {
    pub async fn new(engine: Engine) -> Home {
        let place = match engine {
            Engine::Sqlite => MetaPlace::Folder,
            Engine::Postgres => {
                MetaPlace::Postgres(PostgresUrl::parse(&postgres::new_database()).unwrap())
            }
        };
        Home { folder: tempfile::tempdir().unwrap(), place }
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    pub async fn open(&self) -> Meta {
        self.try_open([7; 32]).await.unwrap()
    }

    /// `secret`: the server's, if it has none yet.
    pub async fn try_open(&self, secret: [u8; 32]) -> Result<Meta, MetaError> {
        Meta::open_at(&self.place, self.data(), secret, NOW).await
    }

    pub async fn checks(&self) -> Checks {
        Checks::open_at(&self.place, self.data()).await.unwrap()
    }

    /// Runs statements that the program never does.
    pub async fn run(&self, statements: &str) {
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()));
        match &self.place {
            MetaPlace::Folder => {
                let file = self.data().join(FILE);
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut db = options.create_if_missing(true).connect().await.unwrap();
                db.execute(statements).await.unwrap();
                db.close().await.unwrap();
            }
            MetaPlace::Postgres(url) => {
                let mut db = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
                db.execute(statements).await.unwrap();
                db.close().await.unwrap();
            }
        }
    }
}
