//! The watch over the wall clock: its state in memory and in `meta.sqlite`, and the job that checks it.
//!
//! `analytics::clock_watch` decides whether a clock can be trusted; jobs that must not act otherwise ask `is_believed`.

use std::sync::{Mutex, PoisonError};

use analytics::clock_watch::ClockWatch;
use store::meta::{Meta, MetaError};

use crate::clock::Clock;

pub struct Watch {
    state: Mutex<State>,
    off_us: (i64, i64),
}

struct State {
    watch: ClockWatch,
    /// Monotonic time of the last check.
    looked_us: i64,
}

impl Watch {
    /// `newest_us`: the newest time known from before, for a folder without a watch yet; none: the clock is trusted.
    pub async fn open(
        meta: &Meta,
        clock: &Clock,
        newest_us: Option<i64>,
    ) -> Result<Watch, MetaError> {
        let now_us = clock.now_us();
        let kept = meta.clock_watch().await?;
        let mut watch = kept.unwrap_or(ClockWatch::new(newest_us.unwrap_or(now_us)));
        let last_us = newest_us.map_or(watch.believed_us, |us| us.max(watch.believed_us));
        let off_us = (last_us.min(now_us), now_us);
        watch.look(now_us, 0);
        if let Some(note) = watch.note() {
            tracing::warn!("{note}");
        }
        let state = Mutex::new(State { watch, looked_us: clock.passing_us() });
        Ok(Watch { state, off_us })
    }

    /// Checks the clock and stores the result.
    pub async fn look(&self, meta: &Meta, clock: &Clock) -> Result<(), MetaError> {
        let (before, after) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let (before, passing_us) = (state.watch, clock.passing_us());
            let ran_us = (passing_us - state.looked_us).max(0);
            state.watch.look(clock.now_us(), ran_us);
            state.looked_us = passing_us;
            (before, state.watch)
        };
        match (before.is_believed(), after.note()) {
            (true, Some(note)) => tracing::warn!("{note}"),
            (false, None) => tracing::info!("the clock is believed again"),
            _ => {}
        }
        // One of several servers writes it; each watches its own clock.
        if meta.leads() { meta.set_clock_watch(&after).await } else { Ok(()) }
    }

    /// Whether anything may be erased because of its age.
    pub fn is_believed(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.is_believed()
    }

    /// From when to when the server was off before this start, as far as known.
    pub fn off_us(&self) -> (i64, i64) {
        self.off_us
    }

    /// For health; none while the clock is trusted.
    pub fn note(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.note()
    }
}
