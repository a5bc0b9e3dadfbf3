//! A look at a data folder before it is opened: what stands in it. Nothing is changed by looking.

use std::collections::HashSet;
use std::path::Path;

use sqlx::{ConnectOptions, Connection};

use crate::disk::{io, path_text};
use crate::duckdb::engine::{Instance, failed};
use crate::duckdb::sql;
use crate::inbox::{self, FileRow, InboxFacts};
use crate::meta;
use crate::types::{StoreError, StoreLimits};
use crate::verdict::{Content, Facts, Found, UnnamedFile};

/// Of a repair that is putting its result in place, in the data folder.
pub const UNFINISHED: &str = "repaired";

/// `with_meta`: whether `meta.sqlite` has to fit. The caller holds the folder.
pub async fn gather(
    data: &Path,
    with_meta: bool,
    limits: &StoreLimits,
) -> Result<Facts, StoreError> {
    let folder = data.join("hits");
    let files = data_files(&folder)?;
    let inbox = look_at_inbox(&data.join("inbox.sqlite"), &folder).await?;
    let meta = match with_meta {
        true => Some(look_at_meta(&data.join(meta::FILE)).await?),
        false => None,
    };
    let named: HashSet<String> = match &inbox {
        Found::Known(inbox) => inbox.named.iter().map(|(row, _)| row.name()).collect(),
        _ => HashSet::new(),
    };
    let mut unnamed = Vec::new();
    // Without a manifest all of them are unnamed, and the verdict is clear without reading them.
    if matches!(inbox, Found::Known(_)) {
        let names: Vec<&String> = files.iter().filter(|name| !named.contains(*name)).collect();
        if !names.is_empty() {
            let instance = Instance::open(&folder, "looking", limits.builder_memory)?;
            for name in names {
                let content = look_into(&instance, &folder.join(name));
                unnamed.push(UnnamedFile { name: name.clone(), content });
            }
        }
    }
    let unfinished = data.join(UNFINISHED).exists();
    Ok(Facts { inbox, meta, unfinished, data_files: files.len(), unnamed })
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

async fn look_at_inbox(path: &Path, folder: &Path) -> Result<Found<InboxFacts>, StoreError> {
    if let Some(found) = look_at_size(path)? {
        return Ok(found);
    }
    let looked = async {
        let mut db = inbox::connect_options(path)
            .connect()
            .await
            .map_err(inbox::failed("opening the inbox"))?;
        let looked = inbox::look(&mut db).await;
        let versions = match &looked {
            Ok(Some(_)) => inbox::check_versions(&mut db).await,
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
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut db = options.connect().await?;
        let looked = meta::look(&mut db).await;
        let _ = db.close().await;
        looked
    };
    match looked.await {
        Ok(None) => Ok(Found::Empty),
        Ok(Some(facts)) if facts.identity.is_none() && facts.highest_project == 0 => {
            Ok(Found::Empty)
        }
        Ok(Some(facts)) => Ok(Found::Known(facts)),
        Err(problem) => Ok(Found::Unreadable(problem.to_string())),
    }
}

/// What is known without opening the file, which would write into an empty one.
fn look_at_size<T>(path: &Path) -> Result<Option<Found<T>>, StoreError> {
    match std::fs::metadata(path) {
        Ok(data) if data.len() == 0 => Ok(Some(Found::Empty)),
        Ok(_) => Ok(None),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Some(Found::Missing)),
        Err(problem) => Err(io("looking at the data folder")(problem)),
    }
}

fn look_into(instance: &Instance, path: &Path) -> Content {
    match read_range(instance, path) {
        Ok(Some((first, last))) => Content::Holds { first, last },
        Ok(None) => Content::Nothing,
        Err(problem) => Content::Unreadable(problem.to_string()),
    }
}

/// The seqs of the first and the last record with hits in a data file; none where it has no hits.
fn read_range(instance: &Instance, path: &Path) -> Result<Option<(u64, u64)>, StoreError> {
    let context = "looking into a data file";
    let alias = "looked_at";
    instance.execute(&sql::file::attach(path_text(path)?, alias)).map_err(failed(context))?;
    let connection = instance.connect()?;
    let range = connection
        .query_row(&sql::file::seq_range(alias), [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        })
        .map_err(failed(context));
    drop(connection);
    instance.execute(&sql::file::detach(alias)).map_err(failed(context))?;
    Ok(range?.map(|(first, last)| (first as u64, last as u64)))
}
