//! The baseline of a window: the median of the same time in the last weeks.
//!
//! A median and not a mean with deviations: one holiday or outage among three weeks does not move it. Computed once an hour,
//! not each minute.

use serde::{Deserialize, Serialize};

use super::Counts;
use crate::limits;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// From 1 to `limits::BASE_WEEKS`.
    pub weeks: u32,
    /// Per window, like the fields below.
    pub requests: f64,
    pub denied: f64,
    /// From 0 to 1; none without requests.
    pub server_error_share: Option<f64>,
    pub p95_us: Option<f64>,
    /// The weeks with the fewest and the most requests.
    pub least_requests: f64,
    pub most_requests: f64,
}

impl Base {
    /// `weeks`: the counts of the same time one, two and three weeks ago, only those in which the project received requests
    /// at all. Each covers `windows` windows, so that neighbours smooth it. None without weeks.
    pub fn of(weeks: &[Counts], windows: u32) -> Option<Base> {
        let weeks = &weeks[..weeks.len().min(limits::BASE_WEEKS as usize)];
        let per_window = |count: u64| count as f64 / f64::from(windows.max(1));
        let requests: Vec<f64> = weeks.iter().map(|week| per_window(week.requests)).collect();
        Some(Base {
            weeks: weeks.len() as u32,
            requests: median(requests.iter().copied())?,
            denied: median(weeks.iter().map(|week| per_window(week.denied)))?,
            server_error_share: median(weeks.iter().filter_map(Counts::server_error_share)),
            p95_us: median(weeks.iter().filter_map(|week| week.p95_us).map(|us| us as f64)),
            least_requests: requests.iter().copied().fold(f64::INFINITY, f64::min),
            most_requests: requests.iter().copied().fold(0.0, f64::max),
        })
    }

    /// Whether the weeks differ too much to predict this one.
    pub fn disagrees(&self) -> bool {
        self.most_requests > self.least_requests * limits::BASE_DISAGREES_TIMES as f64
    }

    /// By how much thresholds rise: a single week may have been an odd one.
    pub(super) fn strictness(&self) -> f64 {
        if self.weeks == 1 { 1.5 } else { 1.0 }
    }
}

/// The shortest window, in steps of 5 minutes, in which enough requests are expected for their absence to mean
/// something. None if it would be longer than `limits::STOPPED_WINDOW_MINUTES`.
pub fn stopped_window_minutes(requests_per_5_minutes: f64) -> Option<u32> {
    let steps = (limits::EXPECTED_REQUESTS as f64 / requests_per_5_minutes).ceil().max(1.0);
    let minutes = steps * 5.0;
    (minutes <= limits::STOPPED_WINDOW_MINUTES as f64).then_some(minutes as u32)
}

/// The mean of the middle two where their number is even.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some((values[middle - 1] + values[middle]) / 2.0),
        _ => Some(values[middle]),
    }
}
