//! The rows of `meta.sqlite` that are kept in memory, as the rest of the program reads them.

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
    /// None: as the server's setting says.
    pub keep_hits_days: Option<u32>,
    pub generation: u32,
    /// The last authenticated look at its data.
    pub last_look_us: Option<i64>,
    /// The day (since 1970) on which it was first said to be inactive; none while it is active.
    pub warned_day: Option<i64>,
    /// Its hits are being erased; no key of it works any more.
    pub deleting: bool,
    /// IANA name of the time zone in which its days are counted.
    pub tz: String,
    /// The T of its Apdex.
    pub apdex_ms: u32,
    /// Success rates, 0 to 1, below which the page turns amber and red.
    pub success_amber: f64,
    pub success_red: f64,
    /// Up to which privacy level the hits kept before have been erased. Below `privacy_level` while that is under way.
    pub erased_level: u8,
    /// None: an ordinary project. Else it is the demo, whose hits have been made up to this time.
    pub demo_until_us: Option<i64>,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    Everything,
    /// Post hits and deploys, see nothing: what an app should carry.
    Ingest,
}

impl Can {
    pub fn as_str(self) -> &'static str {
        match self {
            Can::Everything => "everything",
            Can::Ingest => "ingest",
        }
    }

    /// Anything unknown may do the least.
    pub(super) fn parse(text: &str) -> Can {
        if text == "everything" { Can::Everything } else { Can::Ingest }
    }
}

/// What its owner decided of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewShareLink {
    /// As its owner wrote it; may be empty.
    pub name: String,
    /// A filter that can be read; "" for none.
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

/// A monitor as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorRow {
    pub id: i64,
    pub project: ProjectId,
    pub settings: MonitorSettings,
    /// As it was given to the original's API.
    pub original_url: Option<String>,
    /// Its `id` in the operator's file of monitors; none where its project's owner keeps it.
    pub file_entry: Option<String>,
    pub created_us: i64,
}

/// A channel as it is kept.
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

/// A status page as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusPageRow {
    pub project: ProjectId,
    pub page: StatusPage,
    pub logo: Option<Logo>,
}

/// Settings as they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsRow<S> {
    pub id: i64,
    pub project: ProjectId,
    pub settings: S,
    pub created_us: i64,
}

/// By id.
pub(super) type Rows<S> = BTreeMap<i64, Arc<SettingsRow<S>>>;
