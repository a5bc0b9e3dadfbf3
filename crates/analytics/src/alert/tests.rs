//! Conditions, and what verdicts in a row add up to.

mod conditions;
mod demo;
mod history;
mod series;
mod settings;
mod silence;

use super::*;

const MINUTE_MS: i64 = 60_000;
