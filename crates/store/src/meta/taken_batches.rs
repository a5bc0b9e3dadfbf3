//! Which server has taken a batch: one that its client sends again to another server is stored once.
//!
//! A server asks in PostgreSQL right before it inserts hits into ClickHouse, for all batches of the insert at once: it takes those
//! that nobody has, and learns which others have. So of two servers that acknowledged the same batch exactly one stores it,
//! at whatever time each comes to it: the one that died with the batch in its inbox finds that another one was faster.
//! An answer that is lost does no harm, since a row says whose it is.
//!
//! While PostgreSQL is away hits wait, for a bounded time: then they are stored unasked, as hits that nobody sees are worse than
//! a batch that may count twice.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use analytics::limits;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::time::Instant;

use super::error::MetaError;
use super::handle::Meta;
use super::membership::connect;
use crate::database::bounded::bounded;
use crate::database::{POSTGRES_ANSWER, is_away};
use crate::types::PostgresUrl;

/// Those that nobody had. In order, so that two servers with the same batches wait for each other and not in a circle.
const TAKE: &str = "INSERT INTO taken_batches (batch, node, seq, minute)
    SELECT batch, $3, seq, floor(extract(epoch FROM clock_timestamp()) / 60)::integer
    FROM unnest($1::bigint[], $2::bigint[]) AS wanted (batch, seq) ORDER BY batch, seq
    ON CONFLICT DO NOTHING RETURNING seq";
/// A statement of its own: one sees only rows that were there when it began.
const WHOSE: &str = "SELECT batch, node, seq FROM taken_batches WHERE batch = ANY($1)";
/// The minute before which batches are forgotten: after so many minutes, or earlier if there are more than so many; and
/// whether it is for their number.
const FORGOTTEN_BEFORE: &str = "WITH sizes AS (
        SELECT minute, sum(count(*)) OVER (ORDER BY minute DESC) AS newer FROM taken_batches GROUP BY minute),
    bounds AS (
        SELECT floor(extract(epoch FROM clock_timestamp()) / 60)::bigint - $1 AS by_age,
            coalesce((SELECT max(minute) FROM sizes WHERE newer > $2), 0)::bigint AS by_number)
    SELECT greatest(by_age, by_number) AS minute, by_number > by_age AS early FROM bounds";
const FORGET: &str = "DELETE FROM taken_batches WHERE batch IN (SELECT batch FROM taken_batches WHERE minute < $1 LIMIT $2)";

/// A batch that other servers may get, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedBatch {
    pub hash: u64,
    pub seq: u64,
}

/// The answer to a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The seqs of the batches that were stored, or will be, under another number.
    Others(HashSet<u64>),
    /// Nobody could be asked for so long that it is not worth waiting.
    Unknown,
}

/// Takes batches for one server.
pub(crate) struct TakenBatches {
    url: PostgresUrl,
    node: u8,
    /// How long hits wait for PostgreSQL.
    pub(super) patience: Duration,
    connection: Option<PgConnection>,
    /// Since when PostgreSQL is away, and when it is asked again.
    away: Option<(Instant, Instant)>,
}

impl TakenBatches {
    /// Connects to nothing yet.
    pub fn new(url: &PostgresUrl, node: u8) -> TakenBatches {
        let patience = Duration::from_secs(limits::TAKEN_WAIT_SECONDS);
        TakenBatches { url: url.clone(), node, patience, connection: None, away: None }
    }

    /// An error: ask again in a moment.
    pub async fn take(&mut self, batches: &[SharedBatch]) -> Result<Taken, MetaError> {
        let now = Instant::now();
        if self.away.is_some_and(|(since, again)| now >= since + self.patience && now < again) {
            return Ok(Taken::Unknown);
        }
        match self.ask(batches).await {
            Ok(others) => {
                self.away = None;
                Ok(Taken::Others(others))
            }
            Err(problem) => {
                let since = self.away.map_or(now, |(since, _)| since);
                self.away = Some((since, Instant::now() + self.patience));
                match since.elapsed() < self.patience {
                    true => Err(problem),
                    false => Ok(Taken::Unknown),
                }
            }
        }
    }

    async fn ask(&mut self, batches: &[SharedBatch]) -> Result<HashSet<u64>, MetaError> {
        // Taken out: a connection that failed, or whose call was given up, is not used again.
        if let Some(connection) = self.connection.take() {
            match self.ask_on(connection, batches).await {
                // It was closed while nothing came.
                Err(MetaError::Database(problem)) if is_away(&problem) => {}
                answer => return answer,
            }
        }
        let connection = bounded(Some(POSTGRES_ANSWER), connect(&self.url)).await?;
        self.ask_on(connection, batches).await
    }

    async fn ask_on(
        &mut self,
        mut connection: PgConnection,
        batches: &[SharedBatch],
    ) -> Result<HashSet<u64>, MetaError> {
        let asking = take_on(&mut connection, self.node, batches);
        let others = bounded(Some(POSTGRES_ANSWER), asking).await?;
        self.connection = Some(connection);
        Ok(others)
    }
}

async fn take_on(
    connection: &mut PgConnection,
    node: u8,
    batches: &[SharedBatch],
) -> Result<HashSet<u64>, sqlx::Error> {
    let hashes: Vec<i64> = batches.iter().map(|batch| batch.hash as i64).collect();
    let seqs: Vec<i64> = batches.iter().map(|batch| batch.seq as i64).collect();
    let take = sqlx::query_scalar::<_, i64>(TAKE).bind(&hashes).bind(&seqs).bind(i16::from(node));
    let taken: HashSet<i64> = take.fetch_all(&mut *connection).await?.into_iter().collect();
    if taken.len() == batches.len() {
        return Ok(HashSet::new());
    }
    let known = |batch: &&SharedBatch| !taken.contains(&(batch.seq as i64));
    let hashes: Vec<i64> = batches.iter().filter(known).map(|batch| batch.hash as i64).collect();
    let rows = sqlx::query(WHOSE).bind(&hashes).fetch_all(connection).await?;
    let owner = |row: &PgRow| {
        let (hash, node, seq): (i64, i16, i64) =
            (row.try_get("batch")?, row.try_get("node")?, row.try_get("seq")?);
        Ok((hash as u64, (node, seq as u64)))
    };
    let owners: HashMap<u64, (i16, u64)> =
        rows.iter().map(owner).collect::<Result<_, sqlx::Error>>()?;
    // One that was forgotten between the two statements has no other owner.
    let is_others = |batch: &&SharedBatch| {
        owners.get(&batch.hash).is_some_and(|owner| *owner != (i16::from(node), batch.seq))
    };
    Ok(batches.iter().filter(is_others).map(|batch| batch.seq).collect())
}

impl Meta {
    /// Forgets batches that no client sends again, and the oldest ones if more than `most` are known. Returns how many,
    /// and whether they were forgotten for their number.
    pub async fn forget_taken_batches(&self, most: u64) -> Result<(u64, bool), MetaError> {
        let shares = self.inner.membership.as_ref().is_some_and(|place| place.folder().is_some());
        if !shares {
            return Ok((0, false));
        }
        let pool = &self.inner.db.pool;
        let minutes = limits::RECEIPT_DAYS as i64 * 24 * 60;
        let bound = sqlx::query(FORGOTTEN_BEFORE).bind(minutes).bind(most as i64);
        let bound = bound.fetch_one(pool).await?;
        let (minute, early): (i64, bool) = (bound.try_get("minute")?, bound.try_get("early")?);
        let at_once = limits::TAKEN_FORGOTTEN_AT_ONCE;
        let mut forgotten = 0;
        loop {
            let forget = sqlx::query(FORGET).bind(minute).bind(at_once as i64);
            let gone = forget.execute(pool).await?.rows_affected();
            forgotten += gone;
            if gone < at_once {
                return Ok((forgotten, early && forgotten > 0));
            }
        }
    }
}
