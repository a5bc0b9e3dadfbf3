//! Results of monitor checks (SQLite, `monitors.sqlite` in the data folder): every result for some days, sums of 5
//! minutes for a year and more, each monitor's state, its incidents, and notices waiting to be sent.
//!
//! It is a separate file, so that thousands of checks a minute delay neither posts nor sign-ins; and it may be lost: a
//! start without it begins a new one. A row belongs to a monitor of `meta.sqlite` by number and creation time, so that
//! the results of one monitor are never shown as those of another.

mod bulletins;
mod incidents;
mod outbox;
mod rows;
mod rules;
mod source;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use analytics::incident::{Change, Transition};
use analytics::limits;
use analytics::uptime::Millis;
use serde_json::{Value, json};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use crate::disk::make_private;
use crate::sql::checks as sql;

pub use bulletins::{About, Announcement, Mailing};
pub use incidents::{IncidentQuery, IncidentRow, IncidentUpdate, KeptIncident, KeptTransition};
pub use outbox::{ChannelKey, Delivery, Ended, NewNotice, ThreadNotice, Try};
pub use rows::{CheckRow, KeptState, MonitorState, Record, SumRow};
pub use rules::{LatenessRecord, RuleKey, RuleRecord};
pub use source::IncidentSource;

const DAY_MS: i64 = 86_400_000;

/// The file's name in the data folder.
pub const FILE: &str = "monitors.sqlite";

#[derive(Debug, thiserror::Error)]
pub enum ChecksError {
    #[error(
        "{FILE} has version {found}, and this program knows {known}: use the newer program again"
    )]
    Newer { found: i64, known: i64 },
    #[error("{FILE}: {0}")]
    Sqlite(#[from] sqlx::Error),
    #[error("{FILE}: {0}")]
    State(#[from] serde_json::Error),
}

/// `ChecksError::Newer` if a later version of this program has written the file.
pub(crate) async fn check_version(connection: &mut SqliteConnection) -> Result<(), ChecksError> {
    read_version(connection).await.map(drop)
}

async fn read_version(connection: &mut SqliteConnection) -> Result<i64, ChecksError> {
    match sqlx::query_scalar(sql::GET_VERSION).fetch_one(connection).await? {
        found if found > sql::VERSION => Err(ChecksError::Newer { found, known: sql::VERSION }),
        found => Ok(found),
    }
}

/// The monitor of a row: its number, and when it was created (microseconds).
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
            // A power cut may cost the last seconds of results, which are then unknown; killing the process costs none.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("secure_delete", "on");
        let writing =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let mut creating = writing.begin().await?;
        let found = read_version(&mut creating).await?;
        for tables in [
            sql::CREATE,
            crate::sql::incidents::CREATE,
            crate::sql::outbox::CREATE,
            crate::sql::rules::CREATE,
            crate::sql::bulletins::CREATE,
        ] {
            sqlx::raw_sql(tables).execute(&mut *creating).await?;
        }
        for (table, column, add) in crate::sql::incidents::ADDED {
            let has: i64 = sqlx::query_scalar(crate::sql::incidents::HAS_COLUMN)
                .bind(table)
                .bind(column)
                .fetch_one(&mut *creating)
                .await?;
            if has == 0 {
                sqlx::query(add).execute(&mut *creating).await?;
            }
        }
        for (column, add) in sql::ADDED_TO_DAYS {
            let has: i64 = sqlx::query_scalar(crate::sql::incidents::HAS_COLUMN)
                .bind("days")
                .bind(column)
                .fetch_one(&mut *creating)
                .await?;
            if has == 0 {
                sqlx::query(add).execute(&mut *creating).await?;
            }
        }
        if (1..=3).contains(&found) {
            sqlx::query(sql::FILL_DAYS).execute(&mut *creating).await?;
        }
        sqlx::raw_sql(sql::SET_VERSION).execute(&mut *creating).await?;
        creating.commit().await?;
        let reading = SqlitePoolOptions::new()
            .max_connections(2)
            .min_connections(0)
            .connect_lazy_with(options.read_only(true));
        Ok(Checks { writing, reading })
    }

    /// One transaction: a result, its changes of the sums, the monitor's new state, its incidents and their notices are
    /// written together.
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
        let mut changes = Changes::default();
        for record in group {
            let source = IncidentSource::Monitor(record.state.id);
            changes.add(source, &record.incidents, &record.transitions, &record.notices)?;
        }
        let mut transaction = self.writing.begin().await?;
        for (statement, rows) in [
            (sql::PUT_CHECKS, checks),
            (sql::ADD_DAYS, sums.clone()),
            (sql::ADD_SUMS, sums),
            (sql::PUT_MONITORS, states),
        ] {
            write_rows(&mut transaction, statement, &rows).await?;
        }
        changes.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last state of every monitor.
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

    /// Sums of buckets of `length_ms`, a multiple of 5 minutes, that begin from one time to before another, in order.
    /// From a day on buckets are days (UTC).
    pub async fn sums_by_length(
        &self,
        monitor: i64,
        length_ms: i64,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<SumRow>, ChecksError> {
        let select = match length_ms < DAY_MS {
            true => sqlx::query(sql::SUMS_BY_LENGTH).bind(length_ms).bind(monitor),
            false => sqlx::query(sql::SUMS_BY_DAY).bind(monitor),
        };
        let rows = select.bind(from_ms).bind(to_ms).fetch_all(&self.reading).await?;
        rows.iter().map(SumRow::from_row).collect()
    }

    /// Sums per monitor and day from `from_day` on (days since 1970, UTC), in order. They exclude unknown time.
    pub async fn days(
        &self,
        monitors: &[i64],
        from_day: i64,
    ) -> Result<HashMap<i64, Vec<(i64, Millis)>>, ChecksError> {
        let select =
            sqlx::query_as(sql::DAYS).bind(serde_json::to_string(monitors)?).bind(from_day);
        let mut days = HashMap::<i64, Vec<(i64, Millis)>>::new();
        for (monitor, day, up, degraded, down, maintenance) in
            select.fetch_all(&self.reading).await?
        {
            let millis = Millis { up, degraded, down, maintenance, unknown: 0 };
            days.entry(monitor).or_default().push((day, millis));
        }
        Ok(days)
    }

    /// Sums of a period by monitor. A monitor without rows is missing.
    pub async fn totals(
        &self,
        monitors: &[i64],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<HashMap<i64, Millis>, ChecksError> {
        let select = sqlx::query_as(sql::TOTALS)
            .bind(serde_json::to_string(monitors)?)
            .bind(from_ms)
            .bind(to_ms);
        let rows: Vec<(i64, i64, i64, i64, i64)> = select.fetch_all(&self.reading).await?;
        let totals = rows.into_iter().map(|(monitor, up, degraded, down, maintenance)| {
            (monitor, Millis { up, degraded, down, maintenance, unknown: 0 })
        });
        Ok(totals.collect())
    }

    /// Deletes everything of monitors that are not among `live`. Returns how many there were.
    pub async fn keep_only(&self, live: &HashSet<MonitorKey>) -> Result<usize, ChecksError> {
        let known: Vec<MonitorKey> =
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing).await?;
        let gone: Vec<MonitorKey> = known.into_iter().filter(|key| !live.contains(key)).collect();
        for (monitor, _) in &gone {
            for statement in sql::FORGET_INCIDENTS.into_iter().chain(sql::FORGET) {
                sqlx::query(statement).bind(monitor).execute(&self.writing).await?;
            }
        }
        if !gone.is_empty() {
            sqlx::query(sql::EMPTY_LOG).execute(&self.writing).await?;
        }
        Ok(gone.len())
    }

    /// Deletes rows past their retention.
    pub async fn trim(&self, now_ms: i64) -> Result<(), ChecksError> {
        const HOUR_MS: i64 = 3_600_000;
        let checks_ms = now_ms - limits::RAW_CHECK_HOURS as i64 * HOUR_MS;
        let sums_ms = now_ms - limits::CHECK_SUM_DAYS as i64 * 24 * HOUR_MS;
        let known: Vec<MonitorKey> =
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing).await?;
        // One by one, so that results can be written in between.
        for (monitor, _) in known {
            for (statement, before_ms) in [
                (sql::TRIM_CHECKS, checks_ms),
                (sql::TRIM_SUMS, sums_ms),
                (sql::TRIM_DAYS, sums_ms),
            ] {
                sqlx::query(statement).bind(monitor).bind(before_ms).execute(&self.writing).await?;
            }
        }
        let incidents_ms = now_ms - limits::INCIDENT_DAYS as i64 * 24 * HOUR_MS;
        for statement in crate::sql::incidents::TRIM {
            sqlx::query(statement).bind(incidents_ms).execute(&self.writing).await?;
        }
        let notices_ms = now_ms - limits::NOTICE_KEPT_DAYS as i64 * 24 * HOUR_MS;
        for statement in crate::sql::outbox::TRIM {
            sqlx::query(statement).bind(notices_ms).execute(&self.writing).await?;
        }
        Ok(())
    }

    /// Writes a consistent copy to `file` (which must not exist), while checks go on.
    pub async fn backup(&self, file: &Path) -> Result<(), ChecksError> {
        let name = file.to_string_lossy().into_owned();
        sqlx::query(sql::COPY_INTO).bind(name).execute(&self.writing).await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(())
    }

    /// Ok if the file answers.
    pub async fn ping(&self) -> Result<(), ChecksError> {
        sqlx::query(sql::ASK).fetch_optional(&self.reading).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.reading.close().await;
        self.writing.close().await;
    }
}

/// Changes of incidents and their notices, as parameters of the statements.
#[derive(Default)]
struct Changes {
    incidents: Vec<Value>,
    transitions: Vec<Value>,
    notices: Vec<Value>,
    /// Transitions that end an incident, with its source.
    closed: Vec<(IncidentSource, Transition)>,
}

impl Changes {
    fn add(
        &mut self,
        source: IncidentSource,
        incidents: &[IncidentRow],
        transitions: &[Transition],
        notices: &[NewNotice],
    ) -> Result<(), ChecksError> {
        for incident in incidents {
            self.incidents.push(incident.columns()?);
        }
        for transition in transitions {
            self.transitions.push(incidents::transition_columns(source, transition)?);
            if matches!(transition.change, Change::Closed { .. }) {
                self.closed.push((source, *transition));
            }
        }
        self.add_notices(notices)
    }

    fn add_notices(&mut self, notices: &[NewNotice]) -> Result<(), ChecksError> {
        for notice in notices {
            self.notices.push(notice.columns()?);
        }
        Ok(())
    }

    async fn write(&self, transaction: &mut SqliteConnection) -> Result<(), ChecksError> {
        // Before their transitions are written, by whose absence it knows that they are news.
        bulletins::tell_closed(transaction, &self.closed).await?;
        for (statement, rows) in [
            (crate::sql::incidents::PUT, &self.incidents),
            (crate::sql::incidents::PUT_TRANSITIONS, &self.transitions),
            (crate::sql::outbox::PUT, &self.notices),
        ] {
            write_rows(transaction, statement, rows).await?;
        }
        Ok(())
    }
}

async fn write_rows(
    transaction: &mut SqliteConnection,
    statement: &'static str,
    rows: &[Value],
) -> Result<(), ChecksError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(rows)?;
    sqlx::query(statement).bind(rows).execute(transaction).await?;
    Ok(())
}

/// Deletes the rows of deleted monitors and rules from the file in `data`, if there is one. For a folder that no server
/// holds.
pub(crate) async fn keep_only_in(
    data: &Path,
    live: &HashSet<MonitorKey>,
    live_rules: &HashSet<RuleKey>,
) -> Result<(), ChecksError> {
    if !data.join(FILE).exists() {
        return Ok(());
    }
    let checks = Checks::open(data).await?;
    checks.keep_only(live).await?;
    checks.keep_rules(live_rules).await?;
    checks.close().await;
    Ok(())
}
