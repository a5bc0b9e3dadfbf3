//! The busiest consumers of days with many hits: derived in the background, and asked for instead of their hits.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use analytics::grid::DAY_US;
use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::busiest::{self as sql, Digest};
use super::sql::params::Params;
use super::sql::sums::Hits;
use crate::types::{ClickHouseLimits, Erasure, StoreError};

const CONTEXT: &str = "reading the busiest consumers";
const DERIVING: &str = "deriving the busiest consumers";
const ERASING: &str = "erasing from the busiest consumers";

/// Between two looks at the statements that run.
const STEP: Duration = Duration::from_millis(20);

#[derive(Row, Deserialize)]
struct LargeDay {
    project: u32,
    day: i64,
    digest: u64,
    hits: u64,
}

#[derive(Row, Deserialize)]
struct DerivedDay {
    project: u32,
    day: i64,
    digest: u64,
    most: u64,
}

#[derive(Row, Deserialize)]
struct ConsumerOfDay {
    consumer: u64,
    hits: u64,
}

#[derive(Row, Deserialize)]
struct Day {
    number: i64,
}

/// Whole days of a question that are read from their rows.
#[derive(Debug, Default)]
pub struct Days {
    digests: Vec<Digest>,
    /// The most hits of a consumer that none of their rows lists.
    left_out: u64,
}

impl Days {
    /// None if the days have fewer than `worth` hits.
    pub async fn of(engine: &Engine, hits: &Hits, worth: u64) -> Result<Days, StoreError> {
        let Some(range) = hits.whole_range().map(sql::whole_days) else {
            return Ok(Days::default());
        };
        let (project, none) = (hits.project(), Params::default());
        if range.0 >= range.1 {
            return Ok(Days::default());
        }
        let (digests, derived) = (sql::digests(project, range), sql::derived(project, range));
        let (days, derived) = tokio::try_join!(
            engine.ask::<LargeDay>(CONTEXT, &digests, &none),
            engine.ask::<DerivedDay>(CONTEXT, &derived, &none)
        )?;
        if days.iter().map(|row| row.hits).sum::<u64>() < worth {
            return Ok(Days::default());
        }
        let digest_of: HashMap<i64, u64> = days.iter().map(|row| (row.day, row.digest)).collect();
        let mut found = Days::default();
        for row in derived.iter().filter(|row| digest_of.get(&row.day) == Some(&row.digest)) {
            found.digests.push((row.day, row.digest));
            found.left_out += row.most;
        }
        Ok(found)
    }

    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Their rows list all consumers.
    pub fn are_complete(&self) -> bool {
        self.left_out == 0
    }

    /// An erasure may have deleted some, which an answer then lacks.
    pub async fn are_there_still(&self, engine: &Engine, hits: &Hits) -> Result<bool, StoreError> {
        if self.digests.is_empty() {
            return Ok(true);
        }
        let sql = sql::count(hits.project(), &self.digests);
        let left = engine.ask_number(CONTEXT, &sql, &Params::default()).await?;
        Ok(left == self.digests.len() as u64)
    }
}

/// The days that were without a row in the round before. Those whose hits still change are left alone.
#[derive(Debug, Default)]
pub struct Resting(HashMap<(u32, i64), u64>);

/// Adds rows of days that have none, the newest first, for a while. Returns how many. A day that cannot be done is left for
/// the next round, and keeps no other one waiting; then the first error.
pub async fn derive(
    engine: &Engine,
    limits: ClickHouseLimits,
    resting: &mut Resting,
    now_us: i64,
) -> Result<u64, StoreError> {
    let missing = missing_days(engine, limits, now_us).await?;
    let before = std::mem::replace(&mut resting.0, missing);
    let mut due: Vec<((u32, i64), u64)> =
        resting.0.iter().map(|(day, digest)| (*day, *digest)).collect();
    due.retain(|(day, digest)| before.get(day) == Some(digest));
    due.sort_unstable_by_key(|((project, day), _)| (-day, *project));
    let (began, mut added, mut failed) = (Instant::now(), 0, None);
    for ((project, day), digest) in due {
        if began.elapsed().as_secs() >= limits::BUSIEST_ROUND_SECONDS {
            break;
        }
        match add_day(engine, limits, project, (day, digest), now_us).await {
            Ok(()) => added += 1,
            Err(problem @ StoreError::EngineAway { .. }) => return Err(problem),
            Err(problem) => failed = failed.or(Some(problem)),
        }
    }
    failed.map_or(Ok(added), Err)
}

/// The days with many hits that have no row of these hits, with their digests.
async fn missing_days(
    engine: &Engine,
    limits: ClickHouseLimits,
    now_us: i64,
) -> Result<HashMap<(u32, i64), u64>, StoreError> {
    let none = Params::default();
    let derived = engine.ask::<DerivedDay>(DERIVING, sql::DERIVED, &none).await?;
    let has: HashSet<(u32, i64, u64)> =
        derived.iter().map(|row| (row.project, row.day, row.digest)).collect();
    let mut missing = HashMap::new();
    let sql = sql::large_days(now_us.div_euclid(DAY_US), limits.busiest_from);
    let take = |row: LargeDay| {
        if !has.contains(&(row.project, row.day, row.digest)) {
            missing.insert((row.project, row.day), row.digest);
        }
        match missing.len() as u64 >= limits::BUSIEST_DAYS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    engine.each(DERIVING, &sql, &none, take).await?;
    Ok(missing)
}

async fn add_day(
    engine: &Engine,
    limits: ClickHouseLimits,
    project: u32,
    (day, digest): Digest,
    now_us: i64,
) -> Result<(), StoreError> {
    let none = Params::default();
    let sql = sql::busiest_of_day(project, day, limits.busiest_of_day + 1);
    let found = engine.ask::<ConsumerOfDay>(DERIVING, &sql, &none).await?;
    let listed = listed(&found, limits);
    let most = found.get(listed).map_or(0, |row| row.hits);
    let consumers: Vec<u64> = found[..listed].iter().map(|row| row.consumer).collect();
    let sql = sql::derive(project, (day, digest), &consumers, most, now_us);
    // The server ends the statement itself.
    let patience = limits::BUSIEST_SECONDS + limits::CLICKHOUSE_SILENT_SECONDS;
    let derived = engine.run(DERIVING, &sql, &none);
    let ended = tokio::time::timeout(Duration::from_secs(patience), derived).await;
    ended.unwrap_or(Err(StoreError::Timeout(patience)))
}

/// How many of these consumers, by hits, a day's row lists: all if they fit, else those that are worth their place.
fn listed(found: &[ConsumerOfDay], limits: ClickHouseLimits) -> usize {
    let most = limits.busiest_of_day as usize;
    if found.len() <= most {
        return found.len();
    }
    let worth = found.iter().take_while(|row| row.hits >= limits::BUSIEST_HITS).count();
    worth.max(limits::LISTED_OF_DAY as usize).min(most)
}

/// Deletes the rows that an erasure concerns, after its hits. A row of the hits before may be under way: it is waited for.
pub async fn erase(engine: &Engine, erasure: &Erasure) -> Result<(), StoreError> {
    let (layout, erased) = (engine.layout(), Instant::now());
    while engine
        .ask_number(
            ERASING,
            &sql::deriving_for(erased.elapsed().as_secs_f64(), layout),
            &Params::default(),
        )
        .await?
        > 0
    {
        tokio::time::sleep(STEP).await;
    }
    let mut params = Params::default();
    let sql = sql::concerned(erasure, layout, &mut params);
    let days = engine.ask::<Day>(ERASING, &sql, &params).await?;
    if days.is_empty() {
        return Ok(());
    }
    let days: Vec<i64> = days.iter().map(|row| row.number).collect();
    let sql = sql::erase(erasure.project().0, &days, layout);
    engine.run(ERASING, &sql, &Params::default()).await
}
