//! A maintenance window as its owner writes it, and its parsed form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Schedule, Windows};
use crate::fields::{self, FieldError};
use crate::limits;
use crate::uptime::Span;

/// Every field is optional but `schedule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceSettings {
    /// At most 100 characters. Default: Maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Database upgrade")]
    pub title: Option<String>,
    /// Explains it, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The `id`s of the monitors that it concerns, at most 200. Default: all of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitors: Option<Vec<i64>>,
    /// Whether visitors of the status page see title, text and time. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<bool>,
    /// When it takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Parsed settings.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// With every default filled in.
    pub settings: MaintenanceSettings,
    pub windows: Windows,
}

impl MaintenanceSettings {
    /// These settings with the fields of `change` replaced. Null restores a default.
    pub fn changed(&self, change: Map<String, Value>) -> Result<MaintenanceSettings, FieldError> {
        fields::changed(fields::of(self), change, "a maintenance window")
    }

    /// Parses new settings and fills in every default. For a cron expression it walks through a year, which takes up to
    /// 30 ms.
    pub fn compile(mut self) -> Result<Maintenance, FieldError> {
        let title = fields::label("title", self.title.as_deref().unwrap_or_default())?;
        let title = if title.is_empty() { "Maintenance".to_owned() } else { title };
        let most = limits::MAINTENANCE_TEXT_CHARACTERS;
        if self.text.as_ref().is_some_and(|text| text.chars().count() as u64 > most) {
            return Err(FieldError::new("text", format!("is longer than {most} characters")));
        }
        let most = limits::MAINTENANCE_MONITORS;
        if self.monitors.as_ref().is_some_and(|monitors| monitors.len() as u64 > most) {
            return Err(FieldError::new("monitors", format!("names more than {most} monitors")));
        }
        if self.monitors.as_ref().is_some_and(Vec::is_empty) {
            return Err(FieldError::new(
                "monitors",
                "names no monitor; leave it out for all of the project",
            ));
        }
        let Some(schedule) = &self.schedule else {
            return Err(FieldError::new(
                "schedule",
                "is missing; its `kind` is `once`, `weekly` or `cron`",
            ));
        };
        let windows = schedule.check().map_err(|problem| {
            let field = format!("schedule.{}", problem.field());
            FieldError::new(field, format!("cannot be used: {problem}"))
        })?;
        (self.title, self.published) = (Some(title), Some(self.published.unwrap_or(false)));
        Ok(Maintenance { settings: self, windows })
    }

    /// Parses settings that were compiled before. None if the schedule can't be parsed any more.
    pub fn read(self) -> Option<Maintenance> {
        let windows = self.schedule.as_ref()?.read().ok()?;
        Some(Maintenance { settings: self, windows })
    }
}

impl Maintenance {
    pub fn concerns(&self, monitor: i64) -> bool {
        self.settings.monitors.as_ref().is_none_or(|monitors| monitors.contains(&monitor))
    }

    /// The window at `now_ms`, if there is one.
    pub fn current(&self, now_ms: i64) -> Option<Span> {
        self.windows.spans(Span { from_ms: now_ms, to_ms: now_ms + 1 }).into_iter().next()
    }
}
