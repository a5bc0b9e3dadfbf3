//! The rows of the servers that share a database: the number that each folder keeps, its last sign of life, the barriers that
//! it has passed; and heartbeats of jobs on their way to the server that judges them.

use std::path::Path;

use analytics::limits;
use analytics::monitor::heartbeat::Signal;
use sqlx::Row as _;

use super::error::MetaError;
use super::handle::Meta;
use super::membership::enter;
use super::migrate;
use super::upgrade::{enter_alone, is_older};
use crate::database::columns::Columns as _;
use crate::inbox::identity::FolderId;
use crate::types::{MetaPlace, PostgresUrl};

const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// A folder that wants to write hits as a node.
pub(crate) struct Lease<'a> {
    pub(crate) folder: FolderId,
    /// The number that its operator chose; none: any.
    pub(crate) wanted: Option<u8>,
    pub(crate) in_clickhouse: InClickHouse<'a>,
}

/// The folders that write to ClickHouse, by their nodes.
pub(crate) enum InClickHouse<'a> {
    Folders(&'a [(u8, FolderId)]),
    /// It cannot be asked.
    Away,
    /// It is of no concern.
    None,
}

/// A server that shares the database, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    pub node: u8,
    pub version: String,
    pub is_self: bool,
    /// It does the work that is done once, or was the last to do it.
    pub leads: bool,
    /// Since its last sign of life; none: it gave none yet.
    pub seen_before_us: Option<i64>,
    /// It was drained: its folder holds nothing that ClickHouse lacks.
    pub has_left: bool,
}

/// The node of a folder, which it keeps for ever. None: it has none yet, and which are free cannot be known while ClickHouse
/// is away.
pub(crate) async fn register(url: &PostgresUrl, lease: Lease<'_>) -> Result<Option<u8>, MetaError> {
    if is_older(url).await? {
        let alone = enter_alone(url).await?;
        migrate::migrate(&MetaPlace::Postgres(url.clone()), Path::new("")).await?;
        alone.end().await;
    }
    // Changes nothing of a database that another server has for itself.
    let place = enter(url, true).await?;
    let db = migrate::open(&MetaPlace::Postgres(url.clone()), Path::new("")).await?;
    let node = register_in(&db, &lease).await;
    db.pool.close().await;
    // If it is broken, PostgreSQL finds that itself.
    let _ = sqlx::Connection::close(place).await;
    node
}

async fn register_in(
    db: &crate::database::Database,
    lease: &Lease<'_>,
) -> Result<Option<u8>, MetaError> {
    let mut transaction = db.pool.begin().await?;
    sqlx::query("LOCK TABLE servers IN EXCLUSIVE MODE").execute(&mut *transaction).await?;
    let rows = sqlx::query("SELECT folder, node, seen_us FROM servers");
    let mut known: Vec<(u8, Vec<u8>, bool)> = Vec::new();
    for row in rows.fetch_all(&mut *transaction).await? {
        let was_seen = row.try_get::<i64, _>("seen_us")? > 0;
        known.push((row.number("node")?, row.try_get("folder")?, was_seen));
    }
    let kept = known.iter().find(|(_, folder, _)| folder[..] == lease.folder);
    if let Some((node, _, _)) = kept {
        return match lease.wanted {
            Some(wanted) if wanted != *node => Err(MetaError::NodeKept { node: *node }),
            _ => Ok(Some(*node)),
        };
    }
    let Some(node) = free_node(lease, &known)? else { return Ok(None) };
    sqlx::query("INSERT INTO servers (folder, node, version, seen_us) VALUES ($1, $2, $3, 0)")
        .bind(lease.folder.as_slice())
        .bind(i64::from(node))
        .bind(env!("CARGO_PKG_VERSION"))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(node))
}

fn free_node(lease: &Lease<'_>, known: &[(u8, Vec<u8>, bool)]) -> Result<Option<u8>, MetaError> {
    let in_clickhouse = match lease.in_clickhouse {
        InClickHouse::Away => return Ok(None),
        InClickHouse::None => &[],
        InClickHouse::Folders(folders) => {
            let has = |folder: &[u8]| folders.iter().any(|(_, known)| known[..] == *folder);
            let mut others = known.iter().filter(|(_, _, was_seen)| *was_seen).peekable();
            if others.peek().is_some() && !others.any(|(_, folder, _)| has(folder)) {
                return Err(MetaError::OtherClickHouse);
            }
            folders
        }
    };
    let own = in_clickhouse.iter().find(|(_, folder)| *folder == lease.folder);
    if let (Some((node, _)), Some(wanted)) = (own, lease.wanted)
        && *node != wanted
    {
        return Err(MetaError::NodeKept { node: *node });
    }
    let is_taken = |node: u8| {
        known.iter().any(|(taken, _, _)| *taken == node)
            || in_clickhouse.iter().any(|(taken, folder)| *taken == node && *folder != lease.folder)
    };
    match own.map(|(node, _)| *node).or(lease.wanted) {
        Some(node) if is_taken(node) => Err(MetaError::NodeTaken { node }),
        Some(node) => Ok(Some(node)),
        None => {
            let free = (0..=u8::MAX).find(|node| !is_taken(*node));
            free.map(Some).ok_or(MetaError::NoNodeLeft)
        }
    }
}

impl Meta {
    /// All servers that share the database, in order of their nodes. None if this one has it for itself.
    pub async fn servers(&self) -> Result<Vec<ServerRow>, MetaError> {
        let Some(own) = self.own_folder() else { return Ok(Vec::new()) };
        let select = format!(
            "SELECT folder, node, version, CASE WHEN seen_us > 0 THEN {NOW} - seen_us END AS before_us, CASE WHEN left_us IS NULL THEN 0 ELSE 1 END::bigint AS has_left, CASE WHEN folder = (SELECT folder FROM leader) THEN 1 ELSE 0 END::bigint AS leads FROM servers ORDER BY node"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&self.inner.db.pool).await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(ServerRow {
                node: row.number("node")?,
                version: row.try_get("version")?,
                is_self: row.try_get::<Vec<u8>, _>("folder")? == own,
                leads: row.flag("leads")?,
                seen_before_us: row.try_get("before_us")?,
                has_left: row.flag("has_left")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(MetaError::from)
    }

    /// Everything of this server's folder is in ClickHouse, and it is taken away. Its next start undoes that.
    pub async fn leave(&self) -> Result<(), MetaError> {
        let Some(own) = self.own_folder() else { return Ok(()) };
        // Before the row is marked: a sign of life takes the mark off.
        if let Some(membership) = &self.inner.membership {
            membership.end().await;
        }
        let leave = format!("UPDATE servers SET left_us = {NOW} WHERE folder = $1");
        sqlx::query(sqlx::AssertSqlSafe(leave)).bind(own).execute(&self.inner.db.pool).await?;
        Ok(())
    }

    /// A new barrier: other servers pass it once they know of all changes until now, and everything that they accepted
    /// before is in ClickHouse. None if there are no others.
    pub async fn begin_barrier(&self) -> Result<Option<i64>, MetaError> {
        if self.others_behind(i64::MAX).await?.is_empty() {
            return Ok(None);
        }
        let begin = "SELECT nextval('barriers') AS barrier, pg_notify('api_analytics', 'barrier')::text AS told";
        let row = sqlx::query(begin).fetch_one(&self.inner.db.pool).await?;
        Ok(Some(row.try_get("barrier")?))
    }

    /// The nodes of other servers that have not passed the barrier. A drained one has nothing left.
    pub async fn others_behind(&self, barrier: i64) -> Result<Vec<u8>, MetaError> {
        let Some(own) = self.own_folder() else { return Ok(Vec::new()) };
        let select = "SELECT node FROM servers WHERE folder <> $1 AND left_us IS NULL AND seen_us > 0 AND passed < $2 ORDER BY node";
        let rows = sqlx::query(select).bind(own).bind(barrier);
        let rows = rows.fetch_all(&self.inner.db.pool).await?;
        rows.iter().map(|row| row.number("node")).collect::<Result<_, _>>().map_err(MetaError::from)
    }

    /// The newest barrier, if this server has not passed it.
    pub async fn barrier_ahead(&self) -> Result<Option<i64>, MetaError> {
        let Some(own) = self.own_folder() else { return Ok(None) };
        let select = "SELECT last_value AS barrier FROM barriers WHERE is_called AND last_value > (SELECT passed FROM servers WHERE folder = $1)";
        let row = sqlx::query_scalar(select).bind(own);
        Ok(row.fetch_optional(&self.inner.db.pool).await?)
    }

    pub async fn pass_barrier(&self, barrier: i64) -> Result<(), MetaError> {
        let Some(own) = self.own_folder() else { return Ok(()) };
        let update = "UPDATE servers SET passed = $2 WHERE folder = $1 AND passed < $2";
        sqlx::query(update).bind(own).bind(barrier).execute(&self.inner.db.pool).await?;
        Ok(())
    }

    /// An erasure is complete: from now on no server shows a list that it made before.
    pub async fn note_erasure(&self) -> Result<(), MetaError> {
        if self.is_shared() {
            let note = "SELECT nextval('erasures_noted') AS noted";
            sqlx::query(note).fetch_one(&self.inner.db.pool).await?;
        }
        Ok(())
    }

    /// A number that is another one after each erasure that is complete. 0: no other server erases.
    pub async fn erasures_noted(&self) -> Result<i64, MetaError> {
        if !self.is_shared() {
            return Ok(0);
        }
        let noted = "SELECT last_value + is_called::integer FROM erasures_noted";
        Ok(sqlx::query_scalar(noted).fetch_one(&self.inner.db.pool).await?)
    }

    /// Keeps a heartbeat for the server that judges monitors. False if there is no such monitor.
    pub async fn put_signal(
        &self,
        monitor: i64,
        signal: Signal,
        at_ms: i64,
    ) -> Result<bool, MetaError> {
        let insert = "INSERT INTO heartbeat_signals (monitor, signal, at_ms) SELECT id, $2, $3 FROM monitors WHERE id = $1";
        let put = sqlx::query(insert).bind(monitor).bind(signal.as_str()).bind(at_ms);
        Ok(put.execute(&self.inner.db.pool).await?.rows_affected() > 0)
    }

    /// Heartbeats that other servers have kept, in order, each with its row's number.
    pub async fn signals(&self) -> Result<Vec<(i64, i64, Signal, i64)>, MetaError> {
        let select =
            "SELECT id, monitor, signal, at_ms FROM heartbeat_signals ORDER BY id LIMIT $1";
        let rows = sqlx::query(select).bind(limits::RESULTS_GROUP as i64);
        let rows = rows.fetch_all(&self.inner.db.pool).await?;
        let read = |row: &sqlx::any::AnyRow| {
            let signal = Signal::parse(row.try_get("signal")?).unwrap_or(Signal::Fail);
            Ok((row.try_get("id")?, row.try_get("monitor")?, signal, row.try_get("at_ms")?))
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(MetaError::from)
    }

    /// These rows are in the monitors' states now.
    pub async fn forget_signals(&self, rows: &[i64]) -> Result<(), MetaError> {
        let delete = "DELETE FROM heartbeat_signals WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text($1::jsonb) AS value)";
        let rows = serde_json::to_string(rows).unwrap_or_default();
        sqlx::query(delete).bind(rows).execute(&self.inner.db.pool).await?;
        Ok(())
    }

    fn own_folder(&self) -> Option<&[u8]> {
        Some(self.inner.membership.as_ref()?.folder()?.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(
        folder: u8,
        wanted: Option<u8>,
        in_clickhouse: InClickHouse<'_>,
    ) -> Result<Option<u8>, MetaError> {
        let known = [(0, vec![7; 16], true), (3, vec![8; 16], false)];
        free_node(&Lease { folder: [folder; 16], wanted, in_clickhouse }, &known)
    }

    #[test]
    fn a_new_folder_gets_a_number_that_neither_database_has_given() {
        let folders = [(0, [7; 16]), (1, [9; 16])];
        let known = || InClickHouse::Folders(&folders);
        assert!(matches!(free(1, None, known()), Ok(Some(2))));
        assert!(matches!(free(1, Some(5), known()), Ok(Some(5))));
        // ClickHouse knows it from a time when PostgreSQL did not.
        assert!(matches!(free(9, None, known()), Ok(Some(1))));
        assert!(matches!(free(9, Some(2), known()), Err(MetaError::NodeKept { node: 1 })));
        for taken in [0, 1, 3] {
            let refused = free(1, Some(taken), known());
            assert!(matches!(refused, Err(MetaError::NodeTaken { node }) if node == taken));
        }
        assert!(matches!(free(1, None, InClickHouse::Away), Ok(None)));
        // None of the servers that live here writes there.
        let strangers = InClickHouse::Folders(&[]);
        assert!(matches!(free(1, None, strangers), Err(MetaError::OtherClickHouse)));
        let all: Vec<(u8, FolderId)> = (0..=u8::MAX).map(|node| (node, [7; 16])).collect();
        let none_left = free(1, None, InClickHouse::Folders(&all));
        assert!(matches!(none_left, Err(MetaError::NoNodeLeft)));
    }
}
