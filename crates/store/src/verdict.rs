//! Whether a data folder may be served, judged from its facts (`facts.rs`). Pure: data in, data out.
//!
//! A crash leaves a few known, harmless traces; everything else means that a file was lost, replaced, or restored from
//! an older copy. Then the start stops, and nothing is changed: a server that continues with half of a folder forgets
//! the other half, and assigns numbers twice.

use std::fmt;
use std::path::Path;

use crate::inbox::{FileKind, InboxFacts};
use crate::meta::MetaFacts;

/// Facts about a data folder.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub inbox: Found<InboxFacts>,
    /// None: not examined, for callers that only want the hits.
    pub meta: Option<Found<MetaFacts>>,
    /// It is PostgreSQL, which other data folders use too: it does not belong to this one.
    pub meta_is_shared: bool,
    /// Whether the start wants to keep hits in ClickHouse; none: it does not say.
    pub for_clickhouse: Option<bool>,
    /// A repair was interrupted in its last step.
    pub unfinished: bool,
    /// The number of whole data files, in the manifest or not.
    pub data_files: usize,
    /// Whole data files that the manifest does not name.
    pub unnamed: Vec<UnnamedFile>,
}

/// One of the two SQLite files.
#[derive(Clone, Debug, Default)]
pub enum Found<T> {
    #[default]
    Missing,
    /// It exists, without a table of ours or any content.
    Empty,
    /// The reason why SQLite cannot read it.
    Unreadable(String),
    Known(T),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnnamedFile {
    pub name: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The reason why it cannot be read.
    Unreadable(String),
    /// No hit.
    Nothing,
    /// Hits of records from the first to the last seq, both included.
    Holds { first: u64, last: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fate of each unnamed file.
    Start(Vec<(String, Leftover)>),
    Stop(Stop),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A crash explains it, and a named file or the inbox holds everything in it.
    Unlink,
    /// Kept aside for a while.
    SetAside,
}

/// Why the server does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    InboxLost {
        data_files: usize,
    },
    InboxUnreadable(String),
    MetaLost,
    MetaUnreadable(String),
    BothLost {
        data_files: usize,
    },
    /// The two belong to different folders.
    Strangers,
    InboxOlder(&'static str),
    MetaOlder(&'static str),
    PostgresOlder(&'static str),
    /// The start wants to keep hits in ClickHouse, and the folder has some in files.
    HitsInFiles,
    /// The other way round.
    HitsInClickHouse,
    /// The unreadable active file had hits that the inbox has trimmed.
    ActiveUnreadable {
        name: String,
        why: String,
    },
    /// A repair was interrupted in its last step.
    Unfinished,
    /// None of the data files in the manifest exists.
    FilesLost {
        named: usize,
    },
    /// Data files that the manifest does not name hold hits that nothing else holds.
    ManifestOlder {
        unnamed: Vec<String>,
        missing: Vec<String>,
    },
}

pub fn judge(facts: &Facts) -> Verdict {
    if facts.unfinished {
        return Verdict::Stop(Stop::Unfinished);
    }
    let stop = judge_databases(facts).or_else(|| judge_engine(facts));
    match stop.or_else(|| judge_manifest(facts)) {
        Some(stop) => Verdict::Stop(stop),
        None => Verdict::Start(sort_leftovers(facts)),
    }
}

fn judge_databases(facts: &Facts) -> Option<Stop> {
    let data_files = facts.data_files;
    match (&facts.inbox, &facts.meta) {
        (Found::Unreadable(why), _) => Some(Stop::InboxUnreadable(why.clone())),
        (_, Some(Found::Unreadable(why))) => Some(Stop::MetaUnreadable(why.clone())),
        // `meta.sqlite` is created after the inbox: it never exists alone.
        (Found::Missing | Found::Empty, Some(Found::Known(_))) if !facts.meta_is_shared => {
            Some(Stop::InboxLost { data_files })
        }
        (Found::Missing | Found::Empty, Some(_)) if data_files > 0 => {
            Some(Stop::BothLost { data_files })
        }
        (Found::Missing | Found::Empty, None) if data_files > 0 => {
            Some(Stop::InboxLost { data_files })
        }
        (Found::Missing | Found::Empty, _) | (Found::Known(_), None) => None,
        (Found::Known(inbox), Some(Found::Missing | Found::Empty)) => {
            // The first start may have ended before it created the file.
            let begun = inbox.identity.is_none_or(|identity| identity.done == 0);
            let used = inbox.highest_project > 0 || inbox.last_seq > 0;
            (!begun || used).then_some(match facts.meta_is_shared {
                true => {
                    Stop::PostgresOlder("it is empty, and this folder was used with another one")
                }
                false => Stop::MetaLost,
            })
        }
        (Found::Known(inbox), Some(Found::Known(meta))) => match facts.meta_is_shared {
            true => judge_shared(inbox, meta).map(Stop::PostgresOlder),
            false => judge_pair(inbox, meta),
        },
    }
}

fn judge_pair(inbox: &InboxFacts, meta: &MetaFacts) -> Option<Stop> {
    match (&inbox.identity, &meta.identity) {
        (None, None) => {}
        // If no start ever completed, the one that gives both their identity was interrupted.
        (Some(identity), None) if identity.done == 0 => {}
        (Some(_), None) => return Some(Stop::MetaOlder("it has no folder id")),
        (None, Some(_)) => return Some(Stop::InboxOlder("it has no folder id")),
        (Some(of_inbox), Some(of_meta)) if of_inbox.folder != of_meta.folder => {
            return Some(Stop::Strangers);
        }
        (Some(of_inbox), Some(of_meta)) if of_meta.starts > of_inbox.begun => {
            return Some(Stop::InboxOlder("the server has been started since it was copied"));
        }
        (Some(of_inbox), Some(of_meta)) if of_meta.starts < of_inbox.done => {
            return Some(Stop::MetaOlder("the server has been started since it was copied"));
        }
        (Some(_), Some(_)) => {}
    }
    if inbox.identity.is_none_or(|identity| identity.done == 0) {
        // It has no project numbers yet.
        return None;
    }
    // The inbox stores a number first.
    if meta.highest_project > inbox.highest_project {
        return Some(Stop::InboxOlder("projects have been created since it was copied"));
    }
    let given = meta.highest_project.max(inbox.given_project);
    // A crash leaves at most one number that only the inbox has.
    if given > meta.highest_project || inbox.highest_project > meta.highest_project + 1 {
        return Some(Stop::MetaOlder("projects have been created since it was copied"));
    }
    None
}

/// Other nodes create projects too, so its numbers may be far ahead of the inbox, but never behind.
fn judge_shared(inbox: &InboxFacts, meta: &MetaFacts) -> Option<&'static str> {
    let identity = inbox.identity.as_ref().filter(|identity| identity.done > 0)?;
    match &meta.identity {
        None => Some("it does not know this folder, which was used with another one"),
        Some(known) if known.starts < identity.done => {
            Some("the server has been started since it was copied")
        }
        Some(_) if inbox.given_project > meta.highest_project => {
            Some("projects have been created since it was copied")
        }
        Some(_) => None,
    }
}

/// A folder without records has hits nowhere.
fn judge_engine(facts: &Facts) -> Option<Stop> {
    let Found::Known(inbox) = &facts.inbox else { return None };
    let wants = facts.for_clickhouse?;
    if wants == inbox.is_in_clickhouse || inbox.last_seq == 0 {
        return None;
    }
    Some(if wants { Stop::HitsInFiles } else { Stop::HitsInClickHouse })
}

fn judge_manifest(facts: &Facts) -> Option<Stop> {
    let Found::Known(inbox) = &facts.inbox else { return None };
    let holds = |file: &UnnamedFile| match file.content {
        Content::Holds { first, last } => !is_held(inbox, first, last),
        Content::Nothing | Content::Unreadable(_) => false,
    };
    let unheld: Vec<&UnnamedFile> = facts.unnamed.iter().filter(|file| holds(file)).collect();
    let missing: Vec<String> =
        inbox.named.iter().filter(|(_, there)| !there).map(|(row, _)| row.name()).collect();
    let beyond = |file: &&UnnamedFile| matches!(file.content, Content::Holds { last, .. } if last > inbox.last_seq);
    // All named files exist, and the extra one holds outdated hits: an erasure emptied it.
    if missing.is_empty() && !unheld.iter().any(beyond) {
        return None;
    }
    let unnamed: Vec<String> = unheld.iter().map(|file| file.name.clone()).collect();
    if !unnamed.is_empty() {
        return Some(Stop::ManifestOlder { unnamed, missing });
    }
    lost_all(inbox)
}

/// If all files with records that the inbox has trimmed are lost, the problem is the folder and not a file.
pub fn lost_all(inbox: &InboxFacts) -> Option<Stop> {
    let named = inbox.named.len();
    let is_lost = named > 0 && inbox.trimmed_to > 0 && inbox.named.iter().all(|(_, there)| !there);
    is_lost.then_some(Stop::FilesLost { named })
}

fn sort_leftovers(facts: &Facts) -> Vec<(String, Leftover)> {
    let Found::Known(inbox) = &facts.inbox else { return Vec::new() };
    let sort = |file: &UnnamedFile| match file.content {
        Content::Nothing => Leftover::Unlink,
        Content::Holds { first, last } if is_held(inbox, first, last) => Leftover::Unlink,
        Content::Holds { .. } | Content::Unreadable(_) => Leftover::SetAside,
    };
    facts.unnamed.iter().map(|file| (file.name.clone(), sort(file))).collect()
}

/// Whether the existing named files and the inbox together have each record from one seq to another.
fn is_held(inbox: &InboxFacts, first: u64, last: u64) -> bool {
    // Stretches after their first and up to their last seq.
    let mut held: Vec<(u64, u64)> = inbox
        .named
        .iter()
        .filter(|(_, there)| *there)
        .map(|(row, _)| match row.kind {
            FileKind::Active => (row.first_seq, inbox.last_seq),
            _ => (row.first_seq, row.last_seq),
        })
        .collect();
    held.push((inbox.trimmed_to, inbox.last_seq));
    held.sort_unstable();
    let mut reached = first.saturating_sub(1);
    for (after, to) in held {
        if after <= reached {
            reached = reached.max(to);
        }
    }
    reached >= last
}

impl Stop {
    /// Finding and meaning.
    pub fn what(&self) -> String {
        match self {
            Stop::InboxLost { data_files } => format!(
                "inbox.sqlite is missing or empty, and there are {data_files} data files in hits/ that only it can name"
            ),
            Stop::InboxUnreadable(why) => format!("inbox.sqlite cannot be read ({why})"),
            Stop::MetaLost => {
                "meta.sqlite is missing or empty, and hits of projects were kept here: a new file would give their numbers to \
                 other projects"
                    .into()
            }
            Stop::MetaUnreadable(why) => format!("meta.sqlite cannot be read ({why})"),
            Stop::BothLost { data_files } => format!(
                "inbox.sqlite and meta.sqlite are missing or empty, and there are {data_files} data files in hits/"
            ),
            Stop::Strangers => "inbox.sqlite and meta.sqlite belong to different data folders".into(),
            Stop::InboxOlder(why) => {
                format!("inbox.sqlite is an older copy than meta.sqlite, or its log was cut: {why}")
            }
            Stop::MetaOlder(why) => format!("meta.sqlite is an older copy than inbox.sqlite, or its log was cut: {why}"),
            Stop::PostgresOlder(why) => {
                format!("the PostgreSQL database does not match this data folder: {why}")
            }
            Stop::HitsInFiles => {
                "`hits` names a ClickHouse database, and the hits of this folder are in its own files".into()
            }
            Stop::HitsInClickHouse => {
                "the hits of this folder are in ClickHouse, and `hits` names no database".into()
            }
            Stop::ActiveUnreadable { name, why } => {
                format!("hits/{name} cannot be read ({why}), and holds hits that nothing else has")
            }
            Stop::Unfinished => "a repair was interrupted when it was putting its result in place".into(),
            Stop::FilesLost { named } => format!(
                "none of the {named} data files that inbox.sqlite names is in hits/: its disk may not be mounted"
            ),
            Stop::ManifestOlder { unnamed, missing } => {
                let named = match missing.is_empty() {
                    true => String::new(),
                    false => format!(", and names {}, which are not there", list(missing)),
                };
                format!(
                    "inbox.sqlite does not know of {}, which hold hits that no other file has{named}: its log was cut, or it \
                     is an older copy",
                    list(unnamed)
                )
            }
        }
    }

    /// Finding, meaning and remedy.
    pub fn explain(&self, data: &Path) -> String {
        let first = match self {
            Stop::InboxLost { .. } | Stop::MetaLost => "Put the file back, restore a backup",
            Stop::BothLost { .. } => "Put both files back, restore a backup",
            Stop::FilesLost { .. } => "Bring them back, restore a backup",
            Stop::Strangers => "Put back the one that belongs here, restore a backup",
            Stop::InboxOlder(_) | Stop::MetaOlder(_) | Stop::ManifestOlder { .. } => {
                "Put the newest one back, restore a backup"
            }
            Stop::InboxUnreadable(_) | Stop::MetaUnreadable(_) | Stop::ActiveUnreadable { .. } => {
                "If the disk is well, restore a backup"
            }
            Stop::HitsInFiles => "Start without `hits`, or with an empty folder",
            Stop::HitsInClickHouse => "Name it again",
            Stop::PostgresOlder(_) => "Name the right one with --meta, restore its newest backup",
            Stop::Unfinished => "Let it end: do not remove anything",
        };
        if matches!(self, Stop::HitsInFiles | Stop::HitsInClickHouse) {
            return format!("{}. Nothing was changed. {first}", self.what());
        }
        format!(
            "{}. Nothing was changed. {first}, or run `api-analytics repair --data {}`",
            self.what(),
            data.display()
        )
    }
}

/// The first few names of a possibly long list.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Content::Nothing => write!(f, "holds no hits"),
            Content::Holds { first, last } => write!(f, "holds records {first} to {last}"),
        }
    }
}

#[cfg(test)]
mod tests;
