//! Moves projects and settings, and the results of checks beside them, from one kind of database to the other, in one
//! transaction: a move that was interrupted has changed nothing.

use std::path::Path;

use analytics::limits;
use serde_json::json;
use sqlx::any::{AnyArguments, AnyRow, AnyTypeInfoKind};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Column as _, Row as _};

use super::error::MetaError;
use super::membership::Membership;
use super::migrate::{self, FILE};
use crate::checks::{self, ChecksError, storable};
use crate::database::bounded::Connection;
use crate::database::{Database, Engine};
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
/// use either meanwhile. `data`: the data folder, whose id is `folder`, and which goes on with the new place; files that
/// were moved are renamed.
pub async fn move_meta(
    data: &Path,
    folder: [u8; 16],
    from: &MetaPlace,
    to: &MetaPlace,
) -> Result<Moved, MetaError> {
    let mut alone = Vec::new();
    for place in [from, to] {
        if let MetaPlace::Postgres(url) = place {
            alone.push(Membership::begin(url, None).await?);
        }
    }
    let (source, target) = (Home::open(data, from).await?, Home::open(data, to).await?);
    let mut writing = target.meta.pool.begin().await?;
    let used: i64 =
        sqlx::query_scalar("SELECT count(*) FROM server").fetch_one(&mut *writing).await?;
    if used > 0 {
        return Err(MetaError::NotEmpty);
    }
    let mut reading = source.meta.pool.begin().await?;
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
        let last = source.meta.engine.last_number(&mut reading, table).await?;
        target.meta.engine.set_last_number(&mut writing, table, last).await?;
    }
    if let Some(identity) = identity(&mut reading, source.meta.engine, folder).await? {
        insert(&mut writing, target.meta.engine.folders(), &identity).await?;
    }
    // A file has a transaction of its own.
    let mut writing_checks = match &target.checks {
        Some(file) => Some(file.pool.begin().await?),
        None => None,
    };
    let mut reading_checks = match &source.checks {
        Some(file) => Some(file.pool.begin().await?),
        None => None,
    };
    let from_checks = reading_checks.as_mut().unwrap_or(&mut reading);
    let to_checks = writing_checks.as_mut().unwrap_or(&mut writing);
    for table in checks::TABLES {
        if target.checks.is_some() {
            // A file that is left from before belongs to no projects.
            let delete = AssertSqlSafe(format!("DELETE FROM {}", table.name));
            sqlx::query(delete).execute(&mut **to_checks).await?;
        }
        let engine = target.meta.engine;
        moved.push((table.name, copy(from_checks, to_checks, engine, table).await?));
        if table.is_numbered {
            let last = source.meta.engine.last_number(from_checks, table.name).await?;
            engine.set_last_number(to_checks, table.name, last).await?;
        }
    }
    // The projects last: without them, a copy of the results counts for nothing.
    if let Some(writing_checks) = writing_checks {
        writing_checks.commit().await?;
    }
    writing.commit().await?;
    drop((reading, reading_checks));
    source.close().await;
    target.close().await;
    if *from == MetaPlace::Folder {
        for file in [FILE, checks::FILE] {
            set_aside(data, file).map_err(sqlx::Error::Io)?;
        }
    }
    Ok(moved)
}

/// The databases of a place, with the tables of this version.
struct Home {
    meta: Database,
    /// `monitors.sqlite`. None in PostgreSQL, where its tables are in the same database.
    checks: Option<Database>,
}

impl Home {
    async fn open(data: &Path, place: &MetaPlace) -> Result<Home, MetaError> {
        let meta = migrate::open(place, data).await?;
        let checks = checks::open_tables(place, data).await.map_err(|error| match error {
            ChecksError::Newer { what, found, known } => MetaError::Newer { what, found, known },
            ChecksError::Database(error) => MetaError::Database(error),
            ChecksError::State(error) => MetaError::Database(sqlx::Error::decode(error)),
        })?;
        let checks = match place {
            MetaPlace::Folder => Some(checks),
            MetaPlace::Postgres(_) => {
                checks.pool.close().await;
                None
            }
        };
        Ok(Home { meta, checks })
    }

    async fn close(self) {
        self.meta.pool.close().await;
        if let Some(checks) = self.checks {
            checks.pool.close().await;
        }
    }
}

/// Copies a table of results, which may have millions of rows, page by page, and compares each page. `engine`: the
/// target's.
async fn copy(
    reading: &mut Connection,
    writing: &mut Connection,
    engine: Engine,
    table: &checks::Table,
) -> Result<u64, MetaError> {
    let wrong = || MetaError::MovedWrong(table.name);
    let mut count = 0;
    let mut after = None;
    loop {
        let mut rows = page_of(reading, table, after.as_deref()).await?;
        if rows.is_empty() {
            break;
        }
        for part in rows.chunks(limits::MOVED_ROWS as usize) {
            insert_all(writing, engine, table.name, part).await?;
        }
        let mut copied = page_of(writing, table, after.as_deref()).await?;
        after = key_of(&rows, table);
        count += rows.len() as u64;
        if after.is_none() {
            rows.sort_unstable_by_key(|row| format!("{row:?}"));
            copied.sort_unstable_by_key(|row| format!("{row:?}"));
        }
        if rows != copied {
            return Err(wrong());
        }
        if after.is_none() {
            break;
        }
    }
    let select = AssertSqlSafe(format!("SELECT count(*) FROM {}", table.name));
    let found: i64 = sqlx::query_scalar(select).fetch_one(writing).await?;
    if found as u64 == count { Ok(count) } else { Err(wrong()) }
}

/// The key of the last row; none if the table has no key.
fn key_of(rows: &[Values], table: &checks::Table) -> Option<Vec<i64>> {
    let last = rows.last().filter(|_| !table.key.is_empty())?;
    let number = |column: &&str| {
        last.iter().find_map(|(name, value)| match value {
            Value::Number(number) if name == column => *number,
            _ => None,
        })
    };
    table.key.iter().map(number).collect()
}

/// The rows after that key, in order; all of them if the table has no key.
async fn page_of(
    connection: &mut Connection,
    table: &checks::Table,
    after: Option<&[i64]>,
) -> Result<Vec<Values>, sqlx::Error> {
    let (name, key) = (table.name, table.key.join(", "));
    if key.is_empty() {
        return rows_of(connection, name).await;
    }
    let places: Vec<String> = (1..=table.key.len()).map(|place| format!("${place}")).collect();
    let from = match after {
        Some(_) => format!("WHERE ({key}) > ({})", places.join(", ")),
        None => String::new(),
    };
    let most = limits::MOVED_ROWS;
    let select = format!("SELECT * FROM {name} {from} ORDER BY {key} LIMIT {most}");
    let mut query: Query<'_, Any, AnyArguments> = sqlx::query(AssertSqlSafe(select));
    for number in after.unwrap_or_default() {
        query = query.bind(*number);
    }
    query.fetch_all(connection).await?.iter().map(|row| values_of(row, |_| true)).collect()
}

/// One statement for many rows of numbers and texts.
async fn insert_all(
    connection: &mut Connection,
    engine: Engine,
    table: &str,
    rows: &[Values],
) -> Result<(), sqlx::Error> {
    let Some(first) = rows.first() else { return Ok(()) };
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let columns = first.iter().enumerate().map(|(place, (_, value))| match value {
        Value::Number(_) => format!("CAST(value ->> {place} AS BIGINT)"),
        _ => format!("value ->> {place}"),
    });
    let columns: Vec<String> = columns.collect();
    let insert = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {}",
        names.join(", "),
        columns.join(", "),
        engine.rows()
    );
    let to_json = |(_, value): &(String, Value)| match value {
        Value::Number(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!(bytes),
    };
    let rows: Vec<Vec<serde_json::Value>> =
        rows.iter().map(|row| row.iter().map(to_json).collect()).collect();
    sqlx::query(AssertSqlSafe(insert)).bind(json!(rows).to_string()).execute(connection).await?;
    Ok(())
}

/// A start that still names the file must not go on with what it held.
fn set_aside(data: &Path, name: &str) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let file = data.join(format!("{name}{end}"));
        if file.exists() {
            std::fs::rename(&file, data.join(format!("{name}.moved{end}")))?;
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

async fn rows_of(connection: &mut Connection, table: &str) -> Result<Vec<Values>, sqlx::Error> {
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
                AnyTypeInfoKind::Text => {
                    let text: Option<&str> = row.try_get(place)?;
                    Value::Text(text.map(storable))
                }
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
    connection: &mut Connection,
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
    connection: &mut Connection,
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
        connection: &mut Connection,
        table: &str,
    ) -> Result<i64, sqlx::Error> {
        let select = match self {
            Engine::Sqlite => {
                format!(
                    "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0), coalesce((SELECT max(id) FROM {table}), 0))"
                )
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
        connection: &mut Connection,
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
