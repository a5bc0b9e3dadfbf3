//! Lists of the busiest consumers and of the endpoints of days, weeks and months with many hits: derived in the background,
//! and asked for instead of their hits.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use analytics::grid::DAY_US;
use analytics::hit::ProjectId;
use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::known::Known;
use super::sql::busiest::{self as sql, Kind, Length, List, NewList, Span};
use super::sql::params::Params;
use super::sql::sums::Hits;
use crate::types::{ClickHouseLimits, Erasure, StoreError};

const CONTEXT: &str = "reading which lists are derived";
const DERIVING: &str = "deriving lists of consumers and endpoints";
const ERASING: &str = "erasing from lists of consumers and endpoints";

/// Between two looks at the statements that run.
const STEP: Duration = Duration::from_millis(20);

#[derive(Row, Deserialize)]
struct Large {
    project: u32,
    /// The first of its span.
    day: i64,
    digest: u64,
    hits: u64,
}

#[derive(Row, Deserialize)]
struct Derived {
    project: u32,
    kind: u8,
    day: i64,
    of_month: i64,
    digest: u64,
    list: u64,
    most: u64,
    derived_us: i64,
}

impl Derived {
    fn span(&self) -> Option<Span> {
        Length::of(self.of_month).span(self.day)
    }
}

#[derive(Row, Deserialize)]
struct Busy {
    key: u64,
    hits: u64,
}

/// A list, which may be of hits that are gone.
#[derive(Row, Deserialize)]
struct Stored {
    list: u64,
    day: i64,
    of_month: i64,
    digest: u64,
    /// 1 if an erasure names something in it.
    named: u8,
}

/// The digest of the hits of some days.
fn digest_of(days: &[Large]) -> u64 {
    days.iter().fold(0, |digest, row| digest.wrapping_add(row.digest))
}

/// The lists from which a question is read, of spans that do not overlap.
#[derive(Debug, Default)]
pub struct Lists {
    found: Vec<List>,
    /// The most hits of a consumer that none of them has.
    left_out: u64,
    /// The hits of the whole days that are in their spans, and of those that are not.
    hits: u64,
    other_hits: u64,
}

/// The lists of a question by what they are of.
#[derive(Debug, Default)]
pub struct AllLists {
    pub consumers: Lists,
    /// None that leaves something out.
    pub endpoints: Lists,
    pub values: Lists,
    /// The whole days have so few hits that these cost less than rollups of days.
    pub few_hits: bool,
}

impl AllLists {
    /// None if the whole days of the question have about fewer than `busiest_worth` hits.
    pub async fn of(
        engine: &Engine,
        known: &Known,
        hits: &Hits,
        limits: ClickHouseLimits,
    ) -> Result<AllLists, StoreError> {
        let Some(range) = hits.whole_range().map(sql::whole_days) else {
            return Ok(AllLists::default());
        };
        let (project, none) = (hits.project(), Params::default());
        if range.0 >= range.1 {
            return Ok(AllLists::default());
        }
        let whole_us = (range.0 * DAY_US, range.1 * DAY_US);
        let number = known.about_rows(engine, &[ProjectId(project)], whole_us).await?;
        if number < limits.busiest_worth {
            let few_hits = number < limits.rollups_worth;
            return Ok(AllLists { few_hits, ..AllLists::default() });
        }
        let (digests, derived) = (sql::digests(project, range), sql::derived(project, range));
        let (mut days, derived) = tokio::try_join!(
            engine.ask::<Large>(CONTEXT, &digests, &none),
            engine.ask::<Derived>(CONTEXT, &derived, &none),
        )?;
        days.sort_unstable_by_key(|row| row.day);
        let of = |kind| Lists::of(&days, &derived, kind, range);
        // Rollups have the hits of other days, too.
        let if_worth = |lists: Lists| match lists.other_hits <= lists.hits / 4 {
            true => lists,
            false => Lists::default(),
        };
        Ok(AllLists {
            consumers: of(Kind::Consumers),
            endpoints: if_worth(of(Kind::Endpoints)),
            values: if_worth(of(Kind::Values)),
            few_hits: false,
        })
    }
}

impl Lists {
    /// Of days with hits, in their order: lists of the same hits, of whole months where there are some.
    fn of(days: &[Large], derived: &[Derived], kind: Kind, range: (i64, i64)) -> Lists {
        let mut newest: HashMap<(Span, u64), &Derived> = HashMap::new();
        for row in derived.iter().filter(|row| row.kind == kind.number()) {
            let Some(span) = row.span().filter(|_| kind == Kind::Consumers || row.most == 0) else {
                continue;
            };
            let kept = newest.entry((span, row.digest)).or_insert(row);
            if (row.derived_us, row.list) > (kept.derived_us, kept.list) {
                *kept = row;
            }
        }
        let mut lists = Lists::default();
        let find = |span: Span, digest: u64| {
            let is_whole = range.0 <= span.first && span.end <= range.1;
            newest.get(&(span, digest)).copied().filter(|_| is_whole)
        };
        lists.add_days(days, &Length::ALL, &find);
        lists
    }

    /// The longest lists that there are of these days. `lengths`: those that may be there.
    fn add_days<'a>(
        &mut self,
        days: &[Large],
        lengths: &[Length],
        find: &impl Fn(Span, u64) -> Option<&'a Derived>,
    ) {
        let Some((length, shorter)) = lengths.split_first() else {
            self.other_hits += days.iter().map(|row| row.hits).sum::<u64>();
            return;
        };
        for days in days.chunk_by(|one, next| length.span(one.day) == length.span(next.day)) {
            let span = days.first().and_then(|row| length.span(row.day));
            match span.and_then(|span| find(span, digest_of(days))) {
                Some(found) => self.add(found, days.iter().map(|row| row.hits).sum()),
                None => self.add_days(days, shorter, find),
            }
        }
    }

    fn add(&mut self, row: &Derived, hits: u64) {
        self.found.extend(row.span().map(|span| List { number: row.list, span }));
        self.left_out += row.most;
        self.hits += hits;
    }

    pub fn found(&self) -> &[List] {
        &self.found
    }

    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// They have all consumers of their spans.
    pub fn are_complete(&self) -> bool {
        self.left_out == 0
    }

    /// Whether an answer from them had all of them, of which it had so many. An erasure may have deleted some.
    pub fn are_all(&self, found: u64) -> bool {
        self.found.len() as u64 == found
    }
}

/// The lists that were missing in the round before, with the digests of their hits. Those whose hits still change are left
/// alone.
#[derive(Debug, Default)]
pub struct Resting(HashMap<(u32, Span, Kind), u64>);

/// Derives lists that are missing, the newest first, for a while. Returns how many. One that cannot be made is left for the
/// next round, and keeps no other one waiting; then the first error.
pub async fn derive(
    engine: &Engine,
    limits: ClickHouseLimits,
    resting: &mut Resting,
    now_us: i64,
) -> Result<u64, StoreError> {
    let missing = missing(engine, limits, now_us).await?;
    let before = std::mem::replace(&mut resting.0, missing);
    let mut due: Vec<((u32, Span, Kind), u64)> =
        resting.0.iter().map(|(list, digest)| (*list, *digest)).collect();
    due.retain(|(list, digest)| before.get(list) == Some(digest));
    due.sort_unstable_by_key(|((project, span, kind), _)| (-span.end, *project, kind.number()));
    let (began, mut added, mut failed) = (Instant::now(), 0, None);
    for ((project, span, kind), digest) in due {
        if began.elapsed().as_secs() >= limits::BUSIEST_ROUND_SECONDS {
            break;
        }
        match add_list(engine, limits, (project, span, kind), digest, now_us).await {
            Ok(()) => added += 1,
            Err(problem @ StoreError::EngineAway { .. }) => return Err(problem),
            Err(problem) => failed = failed.or(Some(problem)),
        }
    }
    failed.map_or(Ok(added), Err)
}

/// The lists of spans with many hits that are not there of these hits, with the hits' digests.
async fn missing(
    engine: &Engine,
    limits: ClickHouseLimits,
    now_us: i64,
) -> Result<HashMap<(u32, Span, Kind), u64>, StoreError> {
    let none = Params::default();
    let derived = engine.ask::<Derived>(DERIVING, sql::DERIVED, &none).await?;
    let has: HashSet<(u32, Span, u8, u64)> = derived
        .iter()
        .filter_map(|row| Some((row.project, row.span()?, row.kind, row.digest)))
        .collect();
    let mut missing = HashMap::new();
    let today = now_us.div_euclid(DAY_US);
    for length in Length::ALL {
        let sql = sql::large(length, today, limits.busiest_from);
        let take = |row: Large| {
            let span = length.span(row.day);
            for (span, kind) in span.into_iter().flat_map(|span| Kind::ALL.map(|kind| (span, kind)))
            {
                if !has.contains(&(row.project, span, kind.number(), row.digest)) {
                    missing.insert((row.project, span, kind), row.digest);
                }
            }
            match missing.len() as u64 >= limits::BUSIEST_LISTS {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        engine.each(DERIVING, &sql, &none, take).await?;
    }
    Ok(missing)
}

async fn add_list(
    engine: &Engine,
    limits: ClickHouseLimits,
    (project, span, kind): (u32, Span, Kind),
    digest: u64,
    derived_us: i64,
) -> Result<(), StoreError> {
    let none = Params::default();
    let sql = sql::busiest(kind, project, span, limits.busiest_of_day + 1);
    let found = engine.ask::<Busy>(DERIVING, &sql, &none).await?;
    let listed = match kind {
        Kind::Consumers => listed(&found, limits),
        // One that lacks some is not read.
        _ if found.len() as u64 > limits.busiest_of_day => 0,
        _ => found.len(),
    };
    let most = found.get(listed).map_or(0, |row| row.hits);
    let keys: Vec<u64> = found[..listed].iter().map(|row| row.key).collect();
    let list = RandomState::new().hash_one(derived_us);
    let new = NewList { kind, project, span, digest, list, keys: &keys, most, derived_us };
    // The server ends the statement itself.
    let patience = limits::BUSIEST_SECONDS + limits::CLICKHOUSE_SILENT_SECONDS;
    let sql = sql::derive(&new);
    let derived = engine.run(DERIVING, &sql, &none);
    let ended = tokio::time::timeout(Duration::from_secs(patience), derived).await;
    ended.unwrap_or(Err(StoreError::Timeout(patience)))
}

/// How many of these consumers, by hits, a list has: all if they fit, else those that are worth their place.
fn listed(found: &[Busy], limits: ClickHouseLimits) -> usize {
    let most = limits.busiest_of_day as usize;
    if found.len() <= most {
        return found.len();
    }
    let worth = found.iter().take_while(|row| row.hits >= limits::BUSIEST_HITS).count();
    worth.max(limits::LISTED_OF_DAY as usize).min(most)
}

/// Deletes the lists that an erasure concerns, after its hits: those that name what it erases, and all of hits that are no
/// longer the same, since a route or a referrer may name somebody too. Those of the hits before may be under way: they are
/// waited for.
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
    let sql = sql::lists(erasure, layout, &mut params);
    let lists = engine.ask::<Stored>(ERASING, &sql, &params).await?;
    let (Some(first), Some(last)) =
        (lists.iter().map(|row| row.day).min(), lists.iter().map(|row| row.day).max())
    else {
        return Ok(());
    };
    let project = erasure.project().0;
    let end = Length::Month.span(last).map_or(last + 1, |month| month.end);
    let digests = sql::digests(project, (first, end));
    let mut days = engine.ask::<Large>(ERASING, &digests, &Params::default()).await?;
    days.sort_unstable_by_key(|row| row.day);
    let is_of_these = |row: &Stored| {
        let Some(span) = Length::of(row.of_month).span(row.day) else { return false };
        let from = days.partition_point(|of_day| of_day.day < span.first);
        let to = days.partition_point(|of_day| of_day.day < span.end);
        from < to && digest_of(&days[from..to]) == row.digest
    };
    let concerned: Vec<u64> = lists
        .iter()
        .filter(|row| row.named == 1 || !is_of_these(row))
        .map(|row| row.list)
        .collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let sql = sql::erase(project, &concerned, layout);
    engine.run(ERASING, &sql, &Params::default()).await
}
