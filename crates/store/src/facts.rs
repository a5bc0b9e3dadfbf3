//! Examines a data folder before it is opened: its content, and whether a newer version of the program wrote it. This
//! changes no byte of any file except SQLite's `-shm`, which every opening rebuilds from the log.

use std::collections::HashSet;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::checks::ChecksError;
use crate::disk::{io, path_text};
use crate::duckdb::engine::Instance;
use crate::duckdb::failure::failed;
use crate::duckdb::files::read_format;
use crate::duckdb::sql;
use crate::inbox::{self, FileRow, InboxFacts};
use crate::meta::MetaError;
use crate::types::{MetaPlace, PostgresUrl, StoreError, StoreLimits};
use crate::verdict::{Content, Facts, Found, UnnamedFile};
use crate::{checks, meta};

/// In the data folder: the result of a repair that is being put in place.
pub const UNFINISHED: &str = "repaired";

/// `StoreError::Newer` if a newer version of the program wrote the folder.
///
/// `meta`: the database of projects, if it must match. The caller holds the folder.
pub async fn gather(
    data: &Path,
    meta: Option<&MetaPlace>,
    limits: &StoreLimits,
) -> Result<Facts, StoreError> {
    let folder = data.join("hits");
    let files = data_files(&folder)?;
    let inbox = look_at_inbox(&data.join("inbox.sqlite"), &folder).await?;
    let meta_is_shared = matches!(meta, Some(MetaPlace::Postgres(_)));
    let meta_facts = match meta {
        Some(MetaPlace::Folder) => Some(look_at_meta(&data.join(meta::FILE)).await?),
        Some(MetaPlace::Postgres(url)) => Some(look_at_postgres(url, &inbox).await?),
        None => None,
    };
    match meta {
        Some(MetaPlace::Folder) => look_at_checks(&data.join(checks::FILE)).await?,
        Some(MetaPlace::Postgres(url)) => look_at_checks_in_postgres(url).await?,
        None => {}
    }
    let named: HashSet<String> = match &inbox {
        Found::Known(inbox) => inbox.named.iter().map(|(row, _)| row.name()).collect(),
        _ => HashSet::new(),
    };
    let mut unnamed = Vec::new();
    // Without a manifest all files are unnamed, and the verdict is clear without reading them.
    if matches!(inbox, Found::Known(_)) {
        let names: Vec<&String> = files.iter().filter(|name| !named.contains(*name)).collect();
        if !names.is_empty() {
            let instance = Instance::open(&folder, "looking", limits.duckdb.builder_memory)?;
            for name in names {
                let content = look_into(&instance, &folder.join(name))?;
                unnamed.push(UnnamedFile { name: name.clone(), content });
            }
        }
    }
    let unfinished = data.join(UNFINISHED).exists();
    Ok(Facts {
        inbox,
        meta: meta_facts,
        meta_is_shared,
        for_clickhouse: None,
        unfinished,
        data_files: files.len(),
        unnamed,
    })
}

/// `StoreError::Newer` if a newer version of the program made this backup, or the folder made from it.
pub async fn refuse_newer(data: &Path) -> Result<(), StoreError> {
    look_at_inbox(&data.join("inbox.sqlite"), &data.join("hits")).await?;
    look_at_meta(&data.join(meta::FILE)).await?;
    look_at_checks(&data.join(checks::FILE)).await
}

/// The names of whole data files, in order.
pub fn data_files(folder: &Path) -> Result<Vec<String>, StoreError> {
    let context = "looking at the data folder";
    let mut names = Vec::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in std::fs::read_dir(folder).map_err(io(context))? {
        let name = entry.map_err(io(context))?.file_name().to_string_lossy().into_owned();
        if FileRow::id_in(&name).is_some() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

pub async fn look_at_inbox(path: &Path, folder: &Path) -> Result<Found<InboxFacts>, StoreError> {
    if let Some(found) = look_at_size(path)? {
        return Ok(found);
    }
    let looked = async {
        let mut db = open_to_look(path).await.map_err(inbox::failed("opening the inbox"))?;
        let looked = inbox::look(&mut db).await;
        let versions = match &looked {
            Ok(Some(_)) => inbox::check_versions(&mut db, sql::file::FORMAT).await,
            _ => Ok(()),
        };
        let _ = db.close().await;
        versions.and(looked)
    };
    match looked.await {
        Ok(None) => Ok(Found::Empty),
        Err(problem @ StoreError::Newer(_)) => Err(problem),
        Ok(Some(mut facts)) => {
            for (row, there) in &mut facts.named {
                *there =
                    folder.join(row.name()).try_exists().map_err(io("looking at a data file"))?;
            }
            let used = facts.identity.is_some() || facts.last_seq > 0 || !facts.named.is_empty();
            Ok(if used { Found::Known(facts) } else { Found::Empty })
        }
        Err(problem) => Ok(Found::Unreadable(problem.to_string())),
    }
}

async fn look_at_meta(path: &Path) -> Result<Found<meta::MetaFacts>, StoreError> {
    if let Some(found) = look_at_size(path)? {
        return Ok(found);
    }
    let looked = async {
        let mut db = open_to_look(path).await?;
        let looked = match meta::check_version(&mut db).await {
            Ok(()) => meta::look(&mut db).await.map_err(MetaError::from),
            Err(newer) => Err(newer),
        };
        let _ = db.close().await;
        looked
    };
    match looked.await {
        Ok(None) => Ok(Found::Empty),
        Err(problem @ MetaError::Newer { .. }) => Err(StoreError::Newer(problem.to_string())),
        Ok(Some(facts)) if facts.identity.is_none() && facts.highest_project == 0 => {
            Ok(Found::Empty)
        }
        Ok(Some(facts)) => Ok(Found::Known(facts)),
        Err(problem) => Ok(Found::Unreadable(problem.to_string())),
    }
}

/// Unlike a file, a database that does not answer may answer later: an error, and no fact.
async fn look_at_postgres(
    url: &PostgresUrl,
    inbox: &Found<InboxFacts>,
) -> Result<Found<meta::MetaFacts>, StoreError> {
    let identity = match inbox {
        Found::Known(inbox) => inbox.identity.as_ref(),
        _ => None,
    };
    match meta::look_at_postgres(url, identity.map(|identity| identity.folder)).await {
        Ok(None) => Ok(Found::Empty),
        Ok(Some(facts)) => Ok(Found::Known(facts)),
        Err(problem @ MetaError::Newer { .. }) => Err(StoreError::Newer(problem.to_string())),
        Err(problem) => Err(StoreError::ProjectFiles {
            context: "PostgreSQL cannot be used; see that it runs and that `meta` is its address",
            cause: Box::new(problem),
        }),
    }
}

/// An unreadable file is reported when it is opened.
async fn look_at_checks(path: &Path) -> Result<(), StoreError> {
    if look_at_size::<()>(path)?.is_some() {
        return Ok(());
    }
    let Ok(mut db) = open_to_look(path).await else { return Ok(()) };
    let looked = checks::check_version(&mut db).await;
    let _ = db.close().await;
    match looked {
        Err(newer @ ChecksError::Newer { .. }) => Err(StoreError::Newer(newer.to_string())),
        _ => Ok(()),
    }
}

/// The projects of the same database were read already.
async fn look_at_checks_in_postgres(url: &PostgresUrl) -> Result<(), StoreError> {
    match checks::check_version_in_postgres(url).await {
        Ok(()) => Ok(()),
        Err(newer @ ChecksError::Newer { .. }) => Err(StoreError::Newer(newer.to_string())),
        Err(problem) => Err(StoreError::ProjectFiles {
            context: "PostgreSQL cannot be used; see that it runs and that `meta` is its address",
            cause: Box::new(problem),
        }),
    }
}

/// A connection with write access empties the log into the file when it is closed.
async fn open_to_look(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let has = |end: &str| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        std::fs::metadata(beside).is_ok_and(|data| data.len() > 0)
    };
    let options = SqliteConnectOptions::new().filename(path);
    let options = match (has("-journal"), has("-wal")) {
        // A start was killed before the file had a log: SQLite must roll that back before reading.
        (true, _) => options,
        (false, true) => options.read_only(true),
        // Without a log SQLite would create an empty one. The caller holds the folder, so nobody writes meanwhile.
        (false, false) => options.read_only(true).immutable(true),
    };
    options.connect().await
}

/// Facts that need no opening, which would write into an empty file.
fn look_at_size<T>(path: &Path) -> Result<Option<Found<T>>, StoreError> {
    match std::fs::metadata(path) {
        Ok(data) if data.len() == 0 => Ok(Some(Found::Empty)),
        Ok(_) => Ok(None),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Some(Found::Missing)),
        Err(problem) => Err(io("looking at the data folder")(problem)),
    }
}

fn look_into(instance: &Instance, path: &Path) -> Result<Content, StoreError> {
    match read_range(instance, path) {
        Ok(Some((first, last))) => Ok(Content::Holds { first, last }),
        Ok(None) => Ok(Content::Nothing),
        Err(problem @ StoreError::Newer(_)) => Err(problem),
        Err(problem) => Ok(Content::Unreadable(problem.to_string())),
    }
}

/// The seqs of the first and the last record with hits in a data file; none if it has no hits.
fn read_range(instance: &Instance, path: &Path) -> Result<Option<(u64, u64)>, StoreError> {
    let context = "looking into a data file";
    let alias = "looked_at";
    instance.execute(&sql::file::attach(path_text(path)?, alias)).map_err(failed(context))?;
    let connection = instance.connect()?;
    let range = read_format(&connection, alias, path).and_then(|_| {
        connection
            .query_row(&sql::file::seq_range(alias), [], |row| {
                Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
            })
            .map_err(failed(context))
    });
    drop(connection);
    instance.execute(&sql::file::detach(alias)).map_err(failed(context))?;
    Ok(range?.map(|(first, last)| (first as u64, last as u64)))
}
