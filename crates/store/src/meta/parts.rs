//! The parts of the directory: the rows that are read together when another server has changed one of their tables.

use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Projects,
    Keys,
    ImportedUserIds,
    Sessions,
    ShareLinks,
    Monitors,
    Channels,
    Maintenance,
    StatusPages,
    Rules,
}

const TABLES: &[(&str, Part)] = &[
    ("projects", Part::Projects),
    ("keys", Part::Keys),
    ("imported_user_ids", Part::ImportedUserIds),
    ("sessions", Part::Sessions),
    ("session_projects", Part::Sessions),
    ("share_links", Part::ShareLinks),
    ("monitors", Part::Monitors),
    ("channels", Part::Channels),
    ("maintenance", Part::Maintenance),
    ("status_pages", Part::StatusPages),
    ("rules", Part::Rules),
];

impl Part {
    /// None if nothing of the table is in the directory.
    pub(super) fn of_table(table: &str) -> Option<Part> {
        TABLES.iter().find(|(name, _)| *name == table).map(|(_, part)| *part)
    }

    pub(super) fn all() -> BTreeSet<Part> {
        TABLES.iter().map(|(_, part)| *part).collect()
    }
}
