//! The rows of `meta.sqlite` that are kept in memory, in the form that the rest of the program uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::monitor::MonitorSettings;
use analytics::notice::{ChannelConfig, QuietHours};
use analytics::status_page::StatusPage;
use analytics::status_page::logo::Logo;

/// One API being watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    pub id: ProjectId,
    /// As its owner wrote it; may be empty.
    pub name: String,
    pub created_us: i64,
    /// 0 to 2; the higher of this and the batch's own level counts.
    pub privacy_level: u8,
    /// None: the server's setting applies.
    pub keep_hits_days: Option<u32>,
    pub generation: u32,
    /// The last authenticated visit to its data.
    pub last_look_us: Option<i64>,
    /// The first day (since 1970) on which it was reported as inactive; none while it is active.
    pub warned_day: Option<i64>,
    /// Its hits are being erased; its keys no longer work.
    pub deleting: bool,
    /// IANA name of the time zone in which its days are counted.
    pub tz: String,
    /// The threshold T of its Apdex.
    pub apdex_ms: u32,
    /// Success rates, 0 to 1, below which the page turns amber and red.
    pub success_amber: f64,
    pub success_red: f64,
    /// The privacy level up to which older hits have been erased. Below `privacy_level` while that is in progress.
    pub erased_level: u8,
    /// None: an ordinary project. Else it is the demo, whose hits have been generated up to this time.
    pub demo_until_us: Option<i64>,
}

/// Access of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    Everything,
    /// Posts hits and deploys, reads nothing: the key for an app.
    Ingest,
}

impl Can {
    pub fn as_str(self) -> &'static str {
        match self {
            Can::Everything => "everything",
            Can::Ingest => "ingest",
        }
    }

    /// Unknown texts give the least access.
    pub(super) fn parse(text: &str) -> Can {
        if text == "everything" { Can::Everything } else { Can::Ingest }
    }
}

/// Its owner's choices for a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewShareLink {
    /// As its owner wrote it; may be empty.
    pub name: String,
    /// A valid filter; "" for none.
    pub q: String,
    pub addresses: bool,
    pub consumers: bool,
    /// Raw hits.
    pub hits: bool,
    /// None: never.
    pub expires_us: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareLink {
    pub id: i64,
    pub project: ProjectId,
    pub new: NewShareLink,
    pub created_us: i64,
    pub last_used_us: Option<i64>,
}

impl ShareLink {
    pub fn has_expired(&self, now_us: i64) -> bool {
        self.new.expires_us.is_some_and(|expires_us| expires_us <= now_us)
    }
}

/// A stored monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorRow {
    pub id: i64,
    pub project: ProjectId,
    pub settings: MonitorSettings,
    /// The URL as given to the original's API.
    pub original_url: Option<String>,
    /// Its `id` in the operator's file of monitors; none if its project's owner manages it.
    pub file_entry: Option<String>,
    pub created_us: i64,
}

/// A stored channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelRow {
    pub id: i64,
    pub project: ProjectId,
    pub settings: ChannelSettings,
    pub created_us: i64,
}

/// The parts of a channel that its owner sets.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSettings {
    pub name: String,
    pub config: ChannelConfig,
    pub enabled: bool,
    /// None: notices are sent at any hour.
    pub quiet_hours: Option<QuietHours>,
    /// Why the server switched it off.
    pub problem: Option<String>,
}

/// A stored status page.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusPageRow {
    pub project: ProjectId,
    pub page: StatusPage,
    pub logo: Option<Logo>,
}

/// Stored settings.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsRow<S> {
    pub id: i64,
    pub project: ProjectId,
    pub settings: S,
    pub created_us: i64,
}

/// By id.
pub(super) type Rows<S> = BTreeMap<i64, Arc<SettingsRow<S>>>;
