//! Hits that a watcher missed while it was away: read from the files and sent before new ones.

use std::collections::VecDeque;

use analytics::filter::Filter;
use analytics::hit::HitId;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope};
use store::{CaughtUp, Found, HitRow, Position, Watcher};

use crate::app::SharedApp;
use crate::error::{ApiError, Code};
use crate::reads::Reader;

const COUNTED: usize = limits::TAIL_RESUMED_COUNTED as usize;
const SENT: usize = limits::TAIL_RESUMED_HITS as usize;
const SENT_BYTES: usize = limits::TAIL_QUEUE_BYTES as usize;

const RESUMED_S: i64 = limits::TAIL_RESUMED_SECONDS as i64;

/// Tries while something is being erased.
const TRIES: usize = 3;

pub struct Missed<'a> {
    pub scope: &'a ProjectScope,
    pub filter: &'a Filter,
    /// The last hits that the watcher knows.
    pub after: &'a Position,
    /// Other servers store hits too.
    pub shares: bool,
}

pub async fn catch_up(
    app: &SharedApp,
    reader: Reader,
    missed: Missed<'_>,
    watcher: &Watcher,
) -> Result<(), ApiError> {
    for _ in 0..TRIES {
        let erasures = watcher.erasures();
        let Some((mut found, total)) = find(app, reader, &missed, watcher).await? else {
            // Too long ago: it starts afresh.
            let afresh = CaughtUp { more: true, ..CaughtUp::default() };
            watcher.put_caught_up(afresh, watcher.erasures());
            return Ok(());
        };
        let passed = found.iter().filter_map(Found::last).map(|(_, id)| id);
        let passed = passed.chain(missed.after.ids()).collect();
        let mut left_out = total.saturating_sub(SENT);
        let mut skip = left_out;
        let mut hits: VecDeque<HitRow> = VecDeque::new();
        let mut bytes = 0;
        for part in &mut found {
            let skipped = skip.min(part.len());
            part.pass(skipped);
            skip -= skipped;
            while !part.is_empty() {
                let wanted = std::mem::take(part);
                let (piece, rest) = app.fetch(reader, missed.scope, wanted, SENT_BYTES).await?;
                *part = rest;
                bytes += piece.iter().map(HitRow::size_bytes).sum::<usize>();
                hits.extend(piece);
                // The newest hits are worth more.
                while bytes > SENT_BYTES
                    && let Some(hit) = hits.pop_front()
                {
                    bytes -= hit.size_bytes();
                    left_out += 1;
                }
            }
        }
        let hits = hits.into();
        let caught_up = CaughtUp { hits, missed: left_out as u64, more: false, passed };
        if watcher.put_caught_up(caught_up, erasures) {
            return Ok(());
        }
    }
    Err(ApiError::new(Code::Overloaded, "requests are being erased; connect again in a moment"))
}

/// The missed hits, of each server the oldest first, and their number; none if there are too many, or finding them takes too
/// long.
async fn find(
    app: &SharedApp,
    reader: Reader,
    missed: &Missed<'_>,
    watcher: &Watcher,
) -> Result<Option<(Vec<Found>, usize)>, ApiError> {
    let (mut found, mut total) = (Vec::new(), 0);
    let own = watcher.node();
    // Only this server's hits are all in the order of their ids.
    let since_us = match missed.after.at_s {
        _ if missed.after.ids().all(|id| HitId(id).node() == own) => None,
        at_s => {
            let now_s = app.clock.now_us().div_euclid(1_000_000);
            let at_s = at_s.unwrap_or(now_s);
            if at_s + RESUMED_S < now_s {
                return Ok(None);
            }
            Some((at_s - RESUMED_S) * 1_000_000)
        }
    };
    for after in missed.after.ids() {
        let node = HitId(after).node();
        let (up_to, period) = match node == own {
            // The watcher gets later ones anyway.
            true => (watcher.began_after(), Period::default()),
            false if missed.shares => {
                (HitId::last_of(node).0, Period { from_us: since_us, ..Period::default() })
            }
            // A server that went away.
            false => continue,
        };
        if after >= up_to {
            continue;
        }
        let mut query = Some(ArrivalQuery {
            scope: missed.scope.clone(),
            period,
            filter: missed.filter.clone(),
            after: Some(after),
            up_to: Some(up_to),
            offset: 0,
            limit: COUNTED + 1,
        });
        for _ in 0..limits::TAIL_RESUMED_PARTS {
            let Some(asked) = query.take() else { break };
            let part = app.part_of_arrivals(reader, asked, 0).await?;
            total += part.found.total();
            found.push(part.found);
            query = part.rest;
        }
        if query.is_some() || total > COUNTED {
            return Ok(None);
        }
    }
    Ok(Some((found, total)))
}
