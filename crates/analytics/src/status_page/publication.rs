//! The part of an incident that visitors of a status page read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::incident::Cause;

/// How bad an incident is for those who use the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Minor,
    Major,
}

/// How far the work on an incident has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

/// An incident as its owner publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub title: String,
    pub severity: Severity,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Minor => "minor",
            Severity::Major => "major",
        }
    }

    pub fn parse(text: &str) -> Option<Severity> {
        [Severity::Minor, Severity::Major].into_iter().find(|severity| severity.as_str() == text)
    }

    /// The default, unless the owner chooses another.
    pub fn of(cause: Cause) -> Severity {
        match cause {
            Cause::Down => Severity::Major,
            Cause::Flapping | Cause::Certificate | Cause::Rule => Severity::Minor,
        }
    }
}

impl Stage {
    pub const ALL: [Stage; 4] =
        [Stage::Investigating, Stage::Identified, Stage::Monitoring, Stage::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Investigating => "investigating",
            Stage::Identified => "identified",
            Stage::Monitoring => "monitoring",
            Stage::Resolved => "resolved",
        }
    }

    /// A heading.
    pub fn as_text(self) -> &'static str {
        match self {
            Stage::Investigating => "Investigating",
            Stage::Identified => "Identified",
            Stage::Monitoring => "Monitoring",
            Stage::Resolved => "Resolved",
        }
    }

    pub fn parse(text: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}
