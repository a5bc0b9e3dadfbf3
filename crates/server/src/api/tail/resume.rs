//! Hits that a watcher missed while it was away: read from the files and sent before new ones.

use std::collections::VecDeque;

use analytics::filter::Filter;
use analytics::limits;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope};
use store::{Found, HitRow, Watcher};

use crate::app::SharedApp;
use crate::error::{ApiError, Code};
use crate::reads::Reader;

const COUNTED: usize = limits::TAIL_RESUMED_COUNTED as usize;
const SENT: usize = limits::TAIL_RESUMED_HITS as usize;
const SENT_BYTES: usize = limits::TAIL_QUEUE_BYTES as usize;

/// Tries while something is being erased.
const TRIES: usize = 3;

pub struct Missed<'a> {
    pub scope: &'a ProjectScope,
    pub filter: &'a Filter,
    /// The last hit that the watcher knows.
    pub after: i64,
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
            watcher.put_caught_up(Vec::new(), 0, true, watcher.erasures());
            return Ok(());
        };
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
        if watcher.put_caught_up(hits.into(), left_out as u64, false, erasures) {
            return Ok(());
        }
    }
    Err(ApiError::new(Code::Overloaded, "requests are being erased; connect again in a moment"))
}

/// The missed hits, oldest first, and their number; none if there are too many, or finding them takes too long.
async fn find(
    app: &SharedApp,
    reader: Reader,
    missed: &Missed<'_>,
    watcher: &Watcher,
) -> Result<Option<(Vec<Found>, usize)>, ApiError> {
    let until = watcher.began_after();
    if missed.after >= until {
        return Ok(Some((Vec::new(), 0)));
    }
    let mut query = Some(ArrivalQuery {
        scope: missed.scope.clone(),
        period: Period::default(),
        filter: missed.filter.clone(),
        after: Some(missed.after),
        offset: 0,
        limit: COUNTED + 1,
    });
    let (mut found, mut total) = (Vec::new(), 0);
    for _ in 0..limits::TAIL_RESUMED_PARTS {
        let Some(asked) = query.take() else { break };
        let mut part = app.part_of_arrivals(reader, asked, 0).await?;
        // The watcher gets later ones anyway.
        part.found.keep_up_to(until);
        total += part.found.total();
        found.push(part.found);
        query = part.rest;
    }
    Ok((query.is_none() && total <= COUNTED).then_some((found, total)))
}
