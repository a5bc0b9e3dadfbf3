//! What checks of monitors found (SQLite, `monitors.sqlite` in the data folder): every result for some days, sums of 5
//! minutes for a year and more, and where each monitor stands.
//!
//! A file of its own, so that thousands of checks a minute delay neither posts nor sign-ins; and one that may be lost: a
//! start without it begins a new one. Its rows belong to a monitor of `meta.sqlite` by number and time of making, so that
//! the results of one monitor are never shown as those of another.

mod rows;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use analytics::limits;
use analytics::uptime::Millis;
use serde_json::{Value, json};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::disk::make_private;
use crate::sql::checks as sql;

pub use rows::{CheckRow, KeptState, MonitorState, Record, SumRow};

/// The file's name in the data folder.
pub const FILE: &str = "monitors.sqlite";

#[derive(Debug, thiserror::Error)]
pub enum ChecksError {
    #[error("{FILE} has version {found}, this program knows {known}: use the newer program again")]
    Newer { found: i64, known: i64 },
    #[error("{FILE}: {0}")]
    Sqlite(#[from] sqlx::Error),
    #[error("{FILE}: {0}")]
    State(#[from] serde_json::Error),
}

/// Which monitor a row belongs to: its number, and when it was made (microseconds).
pub type MonitorKey = (i64, i64);

/// Cheap to clone.
#[derive(Clone)]
pub struct Checks {
    /// One connection: SQLite has one writer.
    writing: SqlitePool,
    reading: SqlitePool,
}

impl Checks {
    /// Opens or creates the file in `data`, which the caller holds.
    pub async fn open(data: &Path) -> Result<Checks, ChecksError> {
        let file = data.join(FILE);
        make_private(&file).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A power cut may cost the last seconds of results, which are then unknown; a killed process costs none.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("secure_delete", "on");
        let writing =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let found: i64 = sqlx::query_scalar(sql::GET_VERSION).fetch_one(&writing).await?;
        if found > sql::VERSION {
            return Err(ChecksError::Newer { found, known: sql::VERSION });
        }
        sqlx::raw_sql(sql::CREATE).execute(&writing).await?;
        sqlx::raw_sql(sql::SET_VERSION).execute(&writing).await?;
        let reading = SqlitePoolOptions::new()
            .max_connections(2)
            .min_connections(0)
            .connect_lazy_with(options.read_only(true));
        Ok(Checks { writing, reading })
    }

    /// One transaction: a result, what it changes in the sums and where the monitor stands after it are kept together.
    pub async fn write(&self, group: &[Record]) -> Result<(), ChecksError> {
        let checks: Vec<Value> = group.iter().filter_map(Record::check_columns).collect();
        let sums: Vec<Value> = rows::sum_columns(group);
        // The newest state of each monitor.
        let mut states = BTreeMap::new();
        for record in group {
            let state = &record.state;
            states.insert(state.id, json!([state.id, state.created_us, state.to_text()?]));
        }
        let states: Vec<Value> = states.into_values().collect();
        let mut transaction = self.writing.begin().await?;
        for (statement, rows) in
            [(sql::PUT_CHECKS, checks), (sql::ADD_SUMS, sums), (sql::PUT_MONITORS, states)]
        {
            let rows = serde_json::to_string(&rows)?;
            sqlx::query(statement).bind(rows).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Where every monitor stood.
    pub async fn states(&self) -> Result<Vec<MonitorState>, ChecksError> {
        let rows = sqlx::query(sql::MONITORS).fetch_all(&self.writing).await?;
        rows.iter().map(MonitorState::from_row).collect()
    }

    /// At most `limit` results before `before_ms`, newest first.
    pub async fn newest(
        &self,
        monitor: i64,
        before_ms: i64,
        limit: usize,
    ) -> Result<Vec<CheckRow>, ChecksError> {
        let select =
            sqlx::query(sql::NEWEST_CHECKS).bind(monitor).bind(before_ms).bind(limit as i64);
        let rows = select.fetch_all(&self.reading).await?;
        rows.iter().map(|row| CheckRow::from_row(monitor, row)).collect()
    }

    /// The sums that begin from one time to before another, in order.
    pub async fn sums(
        &self,
        monitor: i64,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<SumRow>, ChecksError> {
        let select = sqlx::query(sql::SUMS).bind(monitor).bind(from_ms).bind(to_ms);
        let rows = select.fetch_all(&self.reading).await?;
        rows.iter().map(SumRow::from_row).collect()
    }

    /// What the sums of a period add up to; what is unknown stands in none.
    pub async fn total(
        &self,
        monitor: i64,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Millis, ChecksError> {
        let select = sqlx::query_as(sql::TOTAL).bind(monitor).bind(from_ms).bind(to_ms);
        let (up, degraded, down, maintenance) = select.fetch_one(&self.reading).await?;
        Ok(Millis { up, degraded, down, maintenance, unknown: 0 })
    }

    /// Deletes everything of monitors that are not among `live`. Returns how many there were.
    pub async fn keep_only(&self, live: &HashSet<MonitorKey>) -> Result<usize, ChecksError> {
        let known: Vec<MonitorKey> =
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing).await?;
        let gone: Vec<MonitorKey> = known.into_iter().filter(|key| !live.contains(key)).collect();
        for (monitor, _) in &gone {
            for statement in sql::FORGET {
                sqlx::query(statement).bind(monitor).execute(&self.writing).await?;
            }
        }
        if !gone.is_empty() {
            sqlx::query(sql::EMPTY_LOG).execute(&self.writing).await?;
        }
        Ok(gone.len())
    }

    /// Deletes what is older than it is kept.
    pub async fn trim(&self, now_ms: i64) -> Result<(), ChecksError> {
        const HOUR_MS: i64 = 3_600_000;
        let checks_ms = now_ms - limits::RAW_CHECK_HOURS as i64 * HOUR_MS;
        let sums_ms = now_ms - limits::CHECK_SUM_DAYS as i64 * 24 * HOUR_MS;
        let known: Vec<MonitorKey> =
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing).await?;
        // One after the other: results are written in between.
        for (monitor, _) in known {
            for (statement, before_ms) in [(sql::TRIM_CHECKS, checks_ms), (sql::TRIM_SUMS, sums_ms)]
            {
                sqlx::query(statement).bind(monitor).bind(before_ms).execute(&self.writing).await?;
            }
        }
        Ok(())
    }

    /// A consistent copy to `file` (which must not exist), while checks go on.
    pub async fn backup(&self, file: &Path) -> Result<(), ChecksError> {
        let name = file.to_string_lossy().into_owned();
        sqlx::query(sql::COPY_INTO).bind(name).execute(&self.writing).await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(())
    }

    /// Ok where the file answers.
    pub async fn ping(&self) -> Result<(), ChecksError> {
        sqlx::query(sql::ASK).fetch_optional(&self.reading).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.reading.close().await;
        self.writing.close().await;
    }
}

/// What is kept of monitors that are gone leaves the file in `data`, where there is one. For a folder that no server holds.
pub(crate) async fn keep_only_in(
    data: &Path,
    live: &HashSet<MonitorKey>,
) -> Result<(), ChecksError> {
    if !data.join(FILE).exists() {
        return Ok(());
    }
    let checks = Checks::open(data).await?;
    checks.keep_only(live).await?;
    checks.close().await;
    Ok(())
}
