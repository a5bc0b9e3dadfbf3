//! Conditions, and the alerts that follow from verdicts in a row.

mod conditions;
mod demo;
mod history;
mod series;
mod settings;
mod silence;

use super::*;

const MINUTE_MS: i64 = 60_000;
