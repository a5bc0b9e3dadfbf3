//! Moves projects and settings from one kind of database to the other, in one transaction: a move that was interrupted
//! has changed nothing.

use std::path::Path;

use sqlx::any::{AnyArguments, AnyRow, AnyTypeInfoKind};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Column as _, Row as _};

use super::alone::Alone;
use super::database::{Database, Engine, FILE};
use super::error::MetaError;
use super::migrate;
use crate::types::MetaPlace;

/// In an order in which every row finds the rows that it refers to.
pub(super) const TABLES: &[&str] = &[
    "server",
    "projects",
    "imported_user_ids",
    "keys",
    "running_days",
    "jobs",
    "sessions",
    "session_projects",
    "share_links",
    "ingest_health",
    "clock_watch",
    "monitors",
    "channels",
    "maintenance",
    "status_pages",
    "rules",
    "subscribers",
    "learned_routes",
    "deploys",
    "releases",
    "views",
];

/// Tables that number their rows and never use a number twice, beside `projects`.
const NUMBERED: &[&str] = &[
    "keys",
    "share_links",
    "monitors",
    "channels",
    "maintenance",
    "rules",
    "subscribers",
    "deploys",
    "views",
];

/// Rows moved, by table.
pub type Moved = Vec<(&'static str, u64)>;

/// Copies everything from one place to the other, which must be empty, and compares the copy with the original. Nobody may
/// use either meanwhile. `data`: the data folder, whose id is `folder`, and which goes on with the new place; a
/// `meta.sqlite` that was moved is renamed.
pub async fn move_meta(
    data: &Path,
    folder: [u8; 16],
    from: &MetaPlace,
    to: &MetaPlace,
) -> Result<Moved, MetaError> {
    let mut alone = Vec::new();
    for place in [from, to] {
        if let MetaPlace::Postgres(url) = place {
            alone.push(Alone::begin(url).await?);
        }
    }
    let source = open(data, from).await?;
    let target = open(data, to).await?;
    let mut writing = target.pool.begin().await?;
    let used: i64 =
        sqlx::query_scalar("SELECT count(*) FROM server").fetch_one(&mut *writing).await?;
    if used > 0 {
        return Err(MetaError::NotEmpty);
    }
    let mut reading = source.pool.begin().await?;
    let mut moved = Moved::new();
    for table in TABLES {
        let rows = rows_of(&mut reading, table).await?;
        for row in &rows {
            insert(&mut writing, table, row).await?;
        }
        let (mut before, mut after) = (rows, rows_of(&mut writing, table).await?);
        before.sort_unstable_by_key(|row| format!("{row:?}"));
        after.sort_unstable_by_key(|row| format!("{row:?}"));
        if before != after {
            return Err(MetaError::MovedWrong(table));
        }
        moved.push((table, after.len() as u64));
    }
    for table in NUMBERED.iter().chain(&["projects"]) {
        let last = source.engine.last_number(&mut reading, table).await?;
        target.engine.set_last_number(&mut writing, table, last).await?;
    }
    if let Some(identity) = identity(&mut reading, source.engine, folder).await? {
        insert(&mut writing, target.engine.folders(), &identity).await?;
    }
    writing.commit().await?;
    drop(reading);
    source.pool.close().await;
    target.pool.close().await;
    if *from == MetaPlace::Folder {
        set_aside(data).map_err(sqlx::Error::Io)?;
    }
    Ok(moved)
}

async fn open(data: &Path, place: &MetaPlace) -> Result<Database, MetaError> {
    let db = match place {
        MetaPlace::Folder => Database::open_file(data).await?,
        MetaPlace::Postgres(url) => Database::open_postgres(url).await?,
    };
    migrate::migrate(&db).await?;
    Ok(db)
}

/// A start that still names the file must not go on with what it held.
fn set_aside(data: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let file = data.join(format!("{FILE}{end}"));
        if file.exists() {
            std::fs::rename(&file, data.join(format!("{FILE}.moved{end}")))?;
        }
    }
    Ok(())
}

type Values = Vec<(String, Value)>;

/// None of them is of the column's type.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

async fn rows_of(connection: &mut AnyConnection, table: &str) -> Result<Vec<Values>, sqlx::Error> {
    let select = AssertSqlSafe(format!("SELECT * FROM {table}"));
    let rows = sqlx::query(select).fetch_all(connection).await?;
    rows.iter().map(|row| values_of(row, |_| true)).collect()
}

fn values_of(row: &AnyRow, wanted: impl Fn(&str) -> bool) -> Result<Values, sqlx::Error> {
    let columns = row.columns().iter().filter(|column| wanted(column.name()));
    let mut values: Values = columns
        .map(|column| {
            let place = column.ordinal();
            let value = match column.type_info().kind() {
                AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => Value::Real(row.try_get(place)?),
                AnyTypeInfoKind::Text => Value::Text(row.try_get(place)?),
                AnyTypeInfoKind::Blob => Value::Bytes(row.try_get(place)?),
                _ => Value::Number(row.try_get(place)?),
            };
            Ok((column.name().to_owned(), value))
        })
        .collect::<Result<_, sqlx::Error>>()?;
    // The databases have the same columns in another order.
    values.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(values)
}

async fn insert(
    connection: &mut AnyConnection,
    table: &str,
    values: &Values,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}")).collect();
    let insert =
        format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", "));
    let mut query: Query<'_, Any, AnyArguments> = sqlx::query(AssertSqlSafe(insert));
    for (_, value) in values {
        query = match value {
            Value::Number(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query.execute(connection).await?;
    Ok(())
}

/// The row of `Engine::folders` of this data folder.
async fn identity(
    connection: &mut AnyConnection,
    engine: Engine,
    folder: [u8; 16],
) -> Result<Option<Values>, sqlx::Error> {
    let select = AssertSqlSafe(format!("SELECT * FROM {} WHERE id = $1", engine.folders()));
    let row = sqlx::query(select).bind(folder.as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(|row| values_of(row, |name| name != "only_row")).transpose()
}

impl Engine {
    fn folders(self) -> &'static str {
        match self {
            Engine::Sqlite => "folder",
            Engine::Postgres => "folders",
        }
    }

    /// The sequence of a table in PostgreSQL.
    fn sequence(table: &str) -> String {
        match table {
            "projects" => "project_numbers".to_owned(),
            _ => format!("{table}_id_seq"),
        }
    }

    /// The last number that the table has given; 0 for none.
    async fn last_number(
        self,
        connection: &mut AnyConnection,
        table: &str,
    ) -> Result<i64, sqlx::Error> {
        let select = match self {
            Engine::Sqlite => {
                format!("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}'")
            }
            Engine::Postgres => format!(
                "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}",
                Engine::sequence(table)
            ),
        };
        sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(connection).await
    }

    async fn set_last_number(
        self,
        connection: &mut AnyConnection,
        table: &str,
        last: i64,
    ) -> Result<(), sqlx::Error> {
        if last == 0 {
            return Ok(());
        }
        let statements = match self {
            Engine::Sqlite => format!(
                "DELETE FROM sqlite_sequence WHERE name = '{table}'; INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {last})"
            ),
            Engine::Postgres => format!("SELECT setval('{}', {last})", Engine::sequence(table)),
        };
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await?;
        Ok(())
    }
}
