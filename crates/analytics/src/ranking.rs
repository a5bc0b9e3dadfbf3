//! Every row of a breakdown with its sums, for lists that are searched, sorted either way and paged through.
//!
//! `FoundRows` collects the rows of one file by the file's ids. `RankingBuilder` numbers rows by name, across all files, so
//! `RankingSums` adds hits by row number and nothing is merged. `Ranking` is the immutable result. A panel (`tally`) keeps the
//! rows with most hits; here no row is left out, so memory grows with the number of rows. `LIST_ROWS`, `LIST_NAMES_BYTES` and
//! `LIST_SUMS_BYTES` bound it: beyond them there is no list (`TooManyRows`).

mod answer;
mod builder;
mod durations;
mod ids;
mod names;
mod order;
mod row;
mod rows;
mod search;
mod sums;
#[cfg(test)]
mod tests;

use crate::hit::TextKind;
use crate::limits;
use crate::panels::{Panel, Shape};
use crate::tally::{Dimension, Needs};

pub use answer::RankedRow;
pub use builder::{FileTexts, RankingBuilder, TooManyRows};
pub use ids::{FoundRows, RowId};
pub use names::RowName;
pub use rows::{RankedRows, Ranking, View};
pub use search::{SearchWords, WordMasks};
pub use sums::{FileRows, HitSorter, RankingSums, RowSum};

/// Limits of a list.
#[derive(Clone, Copy, Debug)]
pub struct RankingLimits {
    pub rows: u64,
    /// Limits the sums of all rows while the list is built.
    pub sums_bytes: u64,
}

impl Default for RankingLimits {
    fn default() -> RankingLimits {
        RankingLimits { rows: limits::LIST_ROWS, sums_bytes: limits::LIST_SUMS_BYTES }
    }
}

/// The kind of rows that a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ranked {
    Endpoints,
    Consumers,
    Statuses,
    Value(Dimension),
}

/// The column by which rows are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RankingSort {
    #[default]
    Requests,
    ErrorRate,
    P50,
    P95,
    P99,
    LastSeen,
    Name,
}

/// Names of `RankingSort` in the API.
pub const RANKING_SORTS: [(&str, RankingSort); 7] = [
    ("requests", RankingSort::Requests),
    ("error_rate", RankingSort::ErrorRate),
    ("p50_ms", RankingSort::P50),
    ("p95_ms", RankingSort::P95),
    ("p99_ms", RankingSort::P99),
    ("last_seen", RankingSort::LastSeen),
    ("name", RankingSort::Name),
];

impl Ranked {
    /// None if the panel has no rows to list.
    pub fn of_panel(panel: &Panel) -> Option<Ranked> {
        match panel.shape {
            Shape::Endpoints => Some(Ranked::Endpoints),
            Shape::TopConsumers => Some(Ranked::Consumers),
            Shape::Statuses => Some(Ranked::Statuses),
            Shape::Breakdown(value) => Some(Ranked::Value(value)),
            _ => None,
        }
    }

    /// The columns that identify a hit's row.
    pub fn row_needs(self) -> Needs {
        match self {
            Ranked::Endpoints => Needs::text(TextKind::Method) | Needs::text(TextKind::Route),
            Ranked::Consumers => Needs::text(TextKind::User) | Needs::text(TextKind::Address),
            Ranked::Statuses | Ranked::Value(_) => self.needs(),
        }
    }

    /// The columns of hits that the sums need.
    pub fn needs(self) -> Needs {
        match self {
            Ranked::Endpoints => Needs::ENDPOINTS,
            Ranked::Consumers => Needs::CONSUMERS.and(Needs::CONSUMER_LATENCY),
            Ranked::Statuses => Needs::STATUSES,
            Ranked::Value(value) => value.needs(),
        }
    }

    /// Whether rows have durations and the time of their last hit.
    pub fn is_detailed(self) -> bool {
        matches!(self, Ranked::Endpoints | Ranked::Consumers)
    }

    /// The kinds of text that rows are named by.
    pub fn texts(self) -> Vec<TextKind> {
        match self {
            Ranked::Endpoints => vec![TextKind::Method, TextKind::Route],
            Ranked::Consumers => vec![TextKind::User, TextKind::Address],
            Ranked::Statuses | Ranked::Value(Dimension::Country) => Vec::new(),
            Ranked::Value(Dimension::Client | Dimension::Os | Dimension::Device) => {
                vec![TextKind::Agent]
            }
            Ranked::Value(Dimension::Version) => vec![TextKind::Path],
            Ranked::Value(Dimension::Text(kind)) => vec![kind],
        }
    }

    pub fn has_sort(self, sort: RankingSort) -> bool {
        match sort {
            RankingSort::Requests | RankingSort::ErrorRate | RankingSort::Name => true,
            RankingSort::P95 | RankingSort::LastSeen => self.is_detailed(),
            RankingSort::P50 | RankingSort::P99 => self == Ranked::Endpoints,
        }
    }
}
