//! Results of monitor checks: every result for some days, sums of 5 minutes for a year and more, each monitor's state, its
//! incidents, and notices waiting to be sent. They are in `monitors.sqlite` in the data folder, or in the PostgreSQL database
//! of projects and settings.
//!
//! It is a separate file (in PostgreSQL, tables with connections of their own), so that thousands of checks a minute delay
//! neither posts nor sign-ins; and the file may be lost: a start without it begins a new one. A row belongs to a monitor by
//! number and creation time, so that the results of one monitor are never shown as those of another.
//!
//! Several servers may write into one PostgreSQL database. Its transactions are READ COMMITTED, so each of them first
//! writes or locks the row that stands for its subject (a monitor's state, an incident, a bulletin); a second transaction
//! waits there, and its later statements see what the first one did. Rows that must not be written twice have unique keys.

mod bulletins;
mod claims;
mod incidents;
mod migrate;
mod outbox;
mod rows;
mod rules;
mod source;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;

use analytics::incident::{Change, Transition};
use analytics::limits;
use analytics::uptime::Millis;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::database::bounded::{Connection, Pool};
use crate::database::migrate::MigrateError;
use crate::database::{Database, Engine, gave_way, is_away};
use crate::disk::make_private;
use crate::sql::checks as sql;
use crate::types::MetaPlace;
use claims::Claims;

pub use bulletins::{About, Announcement, Mailing};
pub use claims::Claim;
pub use incidents::{IncidentQuery, IncidentRow, IncidentUpdate, KeptIncident, KeptTransition};
pub(crate) use migrate::{
    TABLES, Table, check_version, check_version_in_postgres, is_older_in_postgres, migrate,
    open_tables,
};
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
        "{what} has version {found}, and this program knows {known}: use the newer program again"
    )]
    Newer { what: &'static str, found: i64, known: i64 },
    #[error("the results of checks: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the results of checks: {0}")]
    State(#[from] serde_json::Error),
}

impl ChecksError {
    /// Whether the database does not answer now: the same call may succeed later.
    pub fn is_away(&self) -> bool {
        matches!(self, ChecksError::Database(error) if is_away(error) || gave_way(error))
    }
}

impl From<MigrateError> for ChecksError {
    fn from(error: MigrateError) -> ChecksError {
        match error {
            MigrateError::Newer { what, found, known } => ChecksError::Newer { what, found, known },
            MigrateError::Database(error) => ChecksError::Database(error),
        }
    }
}

/// The monitor of a row: its number, and when it was created (microseconds).
pub type MonitorKey = (i64, i64);

/// Cheap to clone.
#[derive(Clone)]
pub struct Checks {
    /// SQLite: one connection, since it has one writer.
    writing: Database,
    /// The same connections as `writing` in PostgreSQL.
    reading: Pool,
    claims: Claims,
    /// For `IN_TURN`: of this process.
    turn: i64,
}

impl Checks {
    /// Opens or creates the file in `data`, which the caller holds.
    pub async fn open(data: &Path) -> Result<Checks, ChecksError> {
        Checks::open_at(&MetaPlace::Folder, data).await
    }

    /// Like `open`, at any place.
    pub async fn open_at(place: &MetaPlace, data: &Path) -> Result<Checks, ChecksError> {
        let writing = open_tables(place, data).await?;
        let (reading, claims) = match place {
            MetaPlace::Folder => (Database::read_file(&data.join(FILE), 2)?, Claims::alone()),
            MetaPlace::Postgres(url) => (writing.pool.clone(), Claims::among_servers(url)),
        };
        let turn = RandomState::new().build_hasher().finish() as i64;
        Ok(Checks { writing, reading, claims, turn })
    }

    fn engine(&self) -> Engine {
        self.writing.engine
    }

    /// One transaction: a result, its changes of the sums, the monitor's new state, its incidents and their notices are
    /// written together.
    pub async fn write(&self, group: &[Record]) -> Result<(), ChecksError> {
        self.write_unless_written(group, false).await
    }

    /// Like `write`, for a group that may have been written: the connection was lost before the answer.
    pub async fn write_again(&self, group: &[Record]) -> Result<(), ChecksError> {
        self.write_unless_written(group, true).await
    }

    async fn write_unless_written(
        &self,
        group: &[Record],
        may_be_written: bool,
    ) -> Result<(), ChecksError> {
        // The newest result of each slot.
        let mut checks = BTreeMap::new();
        for record in group {
            if let Some((slot, columns)) = record.check_columns() {
                checks.insert(slot, columns);
            }
        }
        let (sums, days) = rows::sum_columns(group);
        // The newest state of each monitor.
        let mut states = BTreeMap::new();
        for record in group {
            let state = &record.state;
            states.insert(state.id, json!([state.id, state.created_us, state.to_text()?]));
        }
        let mut changes = Changes::default();
        for record in group {
            let source = IncidentSource::Monitor(record.state.id);
            changes.add(source, &record.incidents, &record.transitions, &record.notices)?;
        }
        let states: Vec<Value> = states.into_values().collect();
        let count = states.len() as i64;
        let states = clean(states)?;
        let engine = self.engine();
        let mut transaction = self.writing.pool.begin().await?;
        if engine == Engine::Postgres {
            sqlx::query(sql::IN_TURN).bind(self.turn).execute(&mut *transaction).await?;
        }
        if may_be_written {
            let same = sqlx::query_scalar(engine.with_rows(sql::COUNT_SAME)).bind(&states);
            let same: i64 = same.fetch_one(&mut *transaction).await?;
            if same == count {
                return Ok(());
            }
        }
        // First, since these rows are locked by it.
        if count > 0 {
            let put = sqlx::query(engine.with_rows(sql::PUT_MONITORS)).bind(states);
            put.execute(&mut *transaction).await?;
        }
        for (statement, rows) in [
            (sql::PUT_CHECKS, checks.into_values().collect()),
            (sql::ADD_DAYS, days),
            (sql::ADD_SUMS, sums),
        ] {
            write_rows(&mut transaction, engine, statement, rows).await?;
        }
        changes.write(&mut transaction, engine).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last state of every monitor.
    pub async fn states(&self) -> Result<Vec<MonitorState>, ChecksError> {
        let rows = sqlx::query(sql::MONITORS).fetch_all(&self.writing.pool).await?;
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

    /// The newest result of each monitor, in PostgreSQL.
    pub async fn newest_of_all(&self) -> Result<Vec<CheckRow>, ChecksError> {
        let rows = sqlx::query(sql::NEWEST_OF_ALL).fetch_all(&self.reading).await?;
        rows.iter().map(|row| CheckRow::from_row(row.try_get("monitor")?, row)).collect()
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
        let select = sqlx::query_as(self.engine().with_rows(sql::DAYS))
            .bind(serde_json::to_string(monitors)?)
            .bind(from_day);
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
        let select = sqlx::query_as(self.engine().with_rows(sql::TOTALS))
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
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing.pool).await?;
        let gone: Vec<MonitorKey> = known.into_iter().filter(|key| !live.contains(key)).collect();
        for (monitor, _) in &gone {
            for statement in sql::FORGET_INCIDENTS.into_iter().chain(sql::FORGET) {
                sqlx::query(statement).bind(monitor).execute(&self.writing.pool).await?;
            }
        }
        if !gone.is_empty() {
            self.writing.forget_deleted().await?;
        }
        Ok(gone.len())
    }

    /// Deletes rows past their retention.
    pub async fn trim(&self, now_ms: i64) -> Result<(), ChecksError> {
        const HOUR_MS: i64 = 3_600_000;
        let checks_ms = now_ms - limits::RAW_CHECK_HOURS as i64 * HOUR_MS;
        let sums_ms = now_ms - limits::CHECK_SUM_DAYS as i64 * 24 * HOUR_MS;
        let known: Vec<MonitorKey> =
            sqlx::query_as(sql::MONITOR_IDS).fetch_all(&self.writing.pool).await?;
        // One by one, so that results can be written in between.
        for (monitor, _) in known {
            for (statement, before_ms) in [
                (sql::TRIM_CHECKS, checks_ms),
                (sql::TRIM_SUMS, sums_ms),
                (sql::TRIM_DAYS, sums_ms),
            ] {
                sqlx::query(statement)
                    .bind(monitor)
                    .bind(before_ms)
                    .execute(&self.writing.pool)
                    .await?;
            }
        }
        let incidents_ms = now_ms - limits::INCIDENT_DAYS as i64 * 24 * HOUR_MS;
        for statement in crate::sql::incidents::TRIM {
            sqlx::query(statement).bind(incidents_ms).execute(&self.writing.pool).await?;
        }
        let notices_ms = now_ms - limits::NOTICE_KEPT_DAYS as i64 * 24 * HOUR_MS;
        for statement in crate::sql::outbox::TRIM {
            sqlx::query(statement).bind(notices_ms).execute(&self.writing.pool).await?;
        }
        sqlx::query(crate::sql::bulletins::FORGET_ORPHANS).execute(&self.writing.pool).await?;
        Ok(())
    }

    /// Writes a consistent copy to `file` (which must not exist), while checks go on. False, and no file, with PostgreSQL,
    /// which has its own backups.
    pub async fn backup(&self, file: &Path) -> Result<bool, ChecksError> {
        if self.engine() == Engine::Postgres {
            return Ok(false);
        }
        let name = file.to_string_lossy().into_owned();
        sqlx::query(sql::COPY_INTO).bind(name).execute(&self.writing.pool).await?;
        make_private(file).map_err(sqlx::Error::Io)?;
        Ok(true)
    }

    /// Ok if the database answers.
    pub async fn ping(&self) -> Result<(), ChecksError> {
        sqlx::query(sql::ASK).fetch_optional(&self.reading).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.claims.end().await;
        self.reading.close().await;
        self.writing.pool.close().await;
    }
}

/// Changes of incidents and their notices, as parameters of the statements.
#[derive(Default)]
struct Changes {
    /// Each is written after those before it about the same incident.
    incidents: Vec<((i64, u64), Value)>,
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
            self.incidents.push((incident.key(), incident.columns()?));
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

    /// The incidents first, since their rows are locked by it: whatever the owner or another server does to one of them
    /// comes before or after all of this.
    async fn write(
        mut self,
        transaction: &mut Connection,
        engine: Engine,
    ) -> Result<(), ChecksError> {
        self.incidents.sort_by_key(|(key, _)| *key);
        while !self.incidents.is_empty() {
            // A statement changes a row once.
            let (mut once, mut later) = (BTreeMap::new(), Vec::new());
            for (key, columns) in std::mem::take(&mut self.incidents) {
                match once.entry(key) {
                    Entry::Vacant(first) => drop(first.insert(columns)),
                    Entry::Occupied(_) => later.push((key, columns)),
                }
            }
            let once = once.into_values().collect();
            write_rows(transaction, engine, crate::sql::incidents::PUT, once).await?;
            self.incidents = later;
        }
        if !self.transitions.is_empty() {
            let put = sqlx::query(engine.with_rows(crate::sql::incidents::PUT_TRANSITIONS));
            let new = put.bind(clean(self.transitions)?).fetch_all(&mut *transaction).await?;
            let new = new.iter().map(|row| {
                Ok((
                    row.try_get::<i64, _>(0)?,
                    row.try_get::<i64, _>(1)?,
                    row.try_get::<i64, _>(2)?,
                ))
            });
            let new: HashSet<(i64, i64, i64)> = new.collect::<Result<_, sqlx::Error>>()?;
            self.closed.retain(|(source, closing)| {
                let number = closing.incident as i64;
                new.contains(&(source.to_column(), number, i64::from(closing.transition)))
            });
            bulletins::tell_closed(transaction, &self.closed).await?;
        }
        write_rows(transaction, engine, crate::sql::outbox::PUT, self.notices).await
    }
}

async fn write_rows(
    transaction: &mut Connection,
    engine: Engine,
    statement: &'static str,
    rows: Vec<Value>,
) -> Result<(), ChecksError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(engine.with_rows(statement)).bind(clean(rows)?).execute(transaction).await?;
    Ok(())
}

/// Rows as the parameter of a statement (`Engine::with_rows`).
fn clean(mut rows: Vec<Value>) -> Result<String, ChecksError> {
    for value in rows.iter_mut().filter_map(Value::as_array_mut).flatten() {
        if let Value::String(text) = value
            && text.contains('\0')
        {
            *text = storable(text);
        }
    }
    Ok(serde_json::to_string(&rows)?)
}

/// Without the character that PostgreSQL's texts cannot hold. A server that is checked may have sent it.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
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
