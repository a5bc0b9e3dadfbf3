//! Why a call about projects and their settings fails.

use crate::database::is_away;
use crate::database::migrate::MigrateError;
use crate::types::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    #[error("this key is registered already")]
    KeyTaken,
    #[error("this user id belongs to another key already")]
    UserIdTaken,
    #[error("the project has as many keys as it may have; revoke one first")]
    TooManyKeys,
    #[error("the project has as many share links as it may have; revoke one first")]
    TooManyShareLinks,
    #[error("the project has as many monitors as it may have; delete one first")]
    TooManyMonitors,
    #[error("the project has as many channels as it may have; delete one first")]
    TooManyChannels,
    #[error("the project has as many rules as it may have; delete one first")]
    TooManyRules,
    #[error("the project has as many maintenance windows as it may have; delete one first")]
    TooManyMaintenanceWindows,
    #[error("the status page has as many subscribers as it may have")]
    TooManySubscribers,
    #[error("the status page was asked for too many subscriptions today; try again tomorrow")]
    TooManySubscriptions,
    #[error("the project has as many saved views as it may have; delete one first")]
    TooManyViews,
    #[error("the project has a view of this name; change that one, or choose another `name`")]
    ViewTaken,
    #[error("another status page has this address; choose another `slug`")]
    SlugTaken,
    /// The database was written by a later version of this program.
    #[error(
        "{what} has version {found}, and this program knows {known}: use the newer program again"
    )]
    Newer { what: &'static str, found: i64, known: i64 },
    #[error(
        "another server uses the PostgreSQL database: stop it, or name another database with --meta; servers can only share it \
         if all of them keep hits in one ClickHouse database (--hits)"
    )]
    AnotherServer,
    /// Of older versions, perhaps.
    #[error(
        "this version has to change the databases that servers share, while none of them runs; now these do: {0}. Nothing was changed. \
         Stop all servers, start one of this version, and then the others"
    )]
    OthersRun(String),
    #[error(
        "another data folder writes as node {node}: give this one another number with --node, or leave it out"
    )]
    NodeTaken { node: u8 },
    #[error(
        "this data folder writes as node {node}, and keeps that number: leave --node out, or name it"
    )]
    NodeKept { node: u8 },
    #[error("all 256 numbers of nodes are taken by data folders that share this database")]
    NoNodeLeft,
    #[error(
        "the servers that share this PostgreSQL database keep their hits in another ClickHouse database: name that one with --hits"
    )]
    OtherClickHouse,
    #[error("another server changed the same at that moment; look at it, and change it again")]
    ChangedElsewhere,
    #[error("the database to move to is in use already: name an empty one")]
    NotEmpty,
    #[error("the copy of the table {0} differs from the original; nothing was moved")]
    MovedWrong(&'static str),
    /// A project's number could not be stored.
    #[error("the inbox: {0}")]
    Inbox(Box<StoreError>),
    /// Of `meta.sqlite` or PostgreSQL.
    #[error("the database of projects and settings: {0}")]
    Database(#[from] sqlx::Error),
}

impl MetaError {
    /// Whether the database does not answer now: the same call may succeed later.
    pub fn is_away(&self) -> bool {
        match self {
            MetaError::AnotherServer => true,
            MetaError::Database(error) => is_away(error),
            _ => false,
        }
    }
}

impl From<MigrateError> for MetaError {
    fn from(error: MigrateError) -> MetaError {
        match error {
            MigrateError::Newer { what, found, known } => MetaError::Newer { what, found, known },
            MigrateError::Database(error) => MetaError::Database(error),
        }
    }
}
