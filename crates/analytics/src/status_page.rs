//! The public status page of a project: the monitors on it, their names, and the texts that visitors read.
//!
//! A visitor learns what the owner has published and nothing else, so a service has its own name and never that of its
//! monitor. Nothing here renders a page (`server::web::status` does) or knows the state of a monitor.

pub mod accent;
pub mod bulletin;
pub mod logo;
pub mod publication;
pub mod requests;
pub mod slug;
pub mod subscriber;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits;
use crate::uptime::{Millis, State};

use accent::Accent;
use publication::Severity;

/// A status page as it is stored, without its logo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusPage {
    /// Anyone may look at it.
    pub enabled: bool,
    /// The last part of its address.
    pub slug: String,
    pub title: String,
    /// None: the colour of API Analytics.
    pub accent: Option<Accent>,
    /// Whether the share of requests without a server error is shown beside the bars.
    pub show_requests: bool,
    /// Whether visitors can subscribe by e-mail to what is published.
    pub subscriptions: bool,
    pub groups: Vec<ServiceGroup>,
}

/// Services under a heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceGroup {
    /// The heading. "": none.
    #[serde(default)]
    #[schema(example = "API")]
    pub name: String,
    pub services: Vec<Service>,
}

/// A monitor as visitors know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The monitor's `id`, which visitors do not see.
    pub monitor: i64,
    /// Shown in place of the monitor's own name.
    #[schema(example = "Orders")]
    pub name: String,
}

/// A part of a status page that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusPageError {
    #[error(
        "`slug` must have {} to {} characters",
        limits::STATUS_SLUG_LEAST_CHARACTERS,
        limits::STATUS_SLUG_CHARACTERS
    )]
    SlugLength,
    #[error(
        "`slug` may hold the letters a to z, digits and hyphens between them, such as `shop-status`"
    )]
    SlugLetters,
    #[error("`title` is empty")]
    NoTitle,
    #[error("`{field}` is longer than {most} characters")]
    TooLong { field: &'static str, most: u64 },
    #[error("`accent` is not a colour written as #0c7d5b")]
    Accent,
    #[error("`groups` holds more than {} groups", limits::STATUS_GROUPS)]
    TooManyGroups,
    #[error("`groups` holds more than {} services", limits::STATUS_SERVICES)]
    TooManyServices,
    #[error("`groups`: a service has no name; visitors see it in place of the monitor's")]
    UnnamedService,
    #[error(
        "`groups`: the project has no monitor with the id {0}; GET /api/v1/monitors lists them"
    )]
    UnknownMonitor(i64),
    #[error("`groups`: the monitor {0} is on the page twice")]
    MonitorTwice(i64),
    #[error("`logo` is not base64")]
    LogoEncoding,
    #[error("`logo` is larger than {} bytes", limits::STATUS_LOGO_BYTES)]
    LogoSize,
    #[error("`logo` is not a PNG, JPEG or WebP image")]
    LogoKind,
}

/// A title that reveals nothing about the project.
pub const DEFAULT_TITLE: &str = "Status";

impl Default for StatusPage {
    fn default() -> StatusPage {
        StatusPage {
            enabled: false,
            slug: String::new(),
            title: DEFAULT_TITLE.to_owned(),
            accent: None,
            show_requests: false,
            subscriptions: false,
            groups: Vec::new(),
        }
    }
}

impl StatusPage {
    /// The page with its texts trimmed, or the first error in it. `exists`: whether the project has a monitor of this
    /// number.
    pub fn checked(mut self, exists: impl Fn(i64) -> bool) -> Result<StatusPage, StatusPageError> {
        self.slug = slug::check(&self.slug)?;
        self.title = check_text("title", &self.title, limits::STATUS_TITLE_CHARACTERS)?;
        if self.title.is_empty() {
            return Err(StatusPageError::NoTitle);
        }
        if self.groups.len() as u64 > limits::STATUS_GROUPS {
            return Err(StatusPageError::TooManyGroups);
        }
        let mut seen = Vec::new();
        for group in &mut self.groups {
            group.name = check_text("groups", &group.name, limits::STATUS_NAME_CHARACTERS)?;
            for service in &mut group.services {
                service.name = check_text("groups", &service.name, limits::STATUS_NAME_CHARACTERS)?;
                if service.name.is_empty() {
                    return Err(StatusPageError::UnnamedService);
                }
                if !exists(service.monitor) {
                    return Err(StatusPageError::UnknownMonitor(service.monitor));
                }
                if seen.contains(&service.monitor) {
                    return Err(StatusPageError::MonitorTwice(service.monitor));
                }
                seen.push(service.monitor);
            }
        }
        if seen.len() as u64 > limits::STATUS_SERVICES {
            return Err(StatusPageError::TooManyServices);
        }
        Ok(self)
    }

    /// Without services whose monitor is gone, and without groups left empty.
    pub fn with_monitors(&self, exists: impl Fn(i64) -> bool) -> StatusPage {
        let mut page = self.clone();
        for group in &mut page.groups {
            group.services.retain(|service| exists(service.monitor));
        }
        page.groups.retain(|group| !group.services.is_empty());
        page
    }

    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.groups.iter().flat_map(|group| &group.services)
    }
}

/// One line, without invisible characters.
fn check_text(field: &'static str, text: &str, most: u64) -> Result<String, StatusPageError> {
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let text = text.trim();
    if text.chars().count() as u64 > most {
        return Err(StatusPageError::TooLong { field, most });
    }
    Ok(text.to_owned())
}

/// How all services are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    Operational,
    Maintenance,
    /// At least one service is slow, or a minor incident is published.
    Degraded,
    /// At least one service is down, or a major incident is published.
    Disrupted,
    /// Every service is down.
    Down,
    /// Nothing is known of at least one service, and nothing is wrong with the others.
    Unknown,
}

impl Overall {
    /// `incidents`: severities of the published incidents that are not over.
    pub fn of(services: &[State], incidents: &[Severity]) -> Overall {
        let count = |wanted: State| services.iter().filter(|state| **state == wanted).count();
        let down = count(State::Down);
        if down > 0 && down == services.len() {
            Overall::Down
        } else if down > 0 || incidents.contains(&Severity::Major) {
            Overall::Disrupted
        } else if count(State::Degraded) > 0 || incidents.contains(&Severity::Minor) {
            Overall::Degraded
        } else if count(State::Maintenance) > 0 {
            Overall::Maintenance
        } else if count(State::Unknown) > 0 || services.is_empty() {
            Overall::Unknown
        } else {
            Overall::Operational
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Overall::Operational => "operational",
            Overall::Maintenance => "maintenance",
            Overall::Degraded => "degraded",
            Overall::Disrupted => "disrupted",
            Overall::Down => "down",
            Overall::Unknown => "unknown",
        }
    }

    /// A headline.
    pub fn as_text(self) -> &'static str {
        match self {
            Overall::Operational => "All services are operational",
            Overall::Maintenance => "Some services are under maintenance",
            Overall::Degraded => "Some services are degraded",
            Overall::Disrupted => "Some services are disrupted",
            Overall::Down => "All services are down",
            Overall::Unknown => "The state of some services is not known",
        }
    }
}

/// The state that colours the bar of a day. A short outage makes a day degraded, so that a long one stands out; a day
/// of which less than half is known is never shown as good.
pub fn state_of_day(day: &Millis) -> State {
    let known = day.up + day.degraded + day.down;
    let is_noticeable =
        |part: i64| part > 0 && part * 100 >= known * limits::STATUS_DAY_PERCENT as i64;
    if is_noticeable(day.down) {
        State::Down
    } else if day.down > 0 || is_noticeable(day.degraded) {
        State::Degraded
    } else if known == 0 && day.maintenance > day.unknown {
        State::Maintenance
    } else if day.uptime().is_none() {
        State::Unknown
    } else {
        State::Up
    }
}
