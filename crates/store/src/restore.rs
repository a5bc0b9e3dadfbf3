//! Restore: checks a backup, makes a data folder from it, and applies erasures made since.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::hit::{ProjectId, TextKind};
use duckdb::arrow::array::AsArray;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use crate::backup::{INBOX, copy};
use crate::checks;
use crate::clickhouse::{self, node::Known};
use crate::disk::{io, sync};
use crate::duckdb::builder::measure;
use crate::duckdb::files::DataFile;
use crate::duckdb::reading::Reading;
use crate::duckdb::sql;
use crate::facts;
use crate::folder::give_identity;
use crate::hit_store::HitStore;
use crate::inbox::{self, FileKind, FileRow, Identity, InboxFacts, manifest};
use crate::ledger::{self, Line, What};
use crate::meta;
use crate::owner::Owner;
use crate::progress::{self, Progress, Unit};
use crate::store::Store;
use crate::types::{ClickHousePlace, Erasure, HitsPlace, StoreError, StoreLimits, StoreOptions};
use crate::verdict::Found;

/// Result of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub hits: u64,
    /// Erasures newer than the backup that were applied to it.
    pub erasures: usize,
    /// The new place of the replaced folder.
    pub replaced: Option<PathBuf>,
}

/// Checks the backup in `from`, makes a data folder from it, applies the erasures that are newer than the backup (from
/// the ledger of the replaced folder, or from `erasures`), and puts it in the place of `data`. Nothing changes in
/// `data` before all of that has succeeded; no server may hold it. The new folder gets the replaced one's owner and
/// permissions. If `data` is a link, the folder that it points to is replaced.
pub async fn restore(
    from: &Path,
    options: StoreOptions,
    erasures: Option<&Path>,
    progress: Arc<dyn Progress>,
) -> Result<Restored, StoreError> {
    let context = "restoring";
    let mut node = options.node;
    let elsewhere = match &options.hits {
        HitsPlace::Folder => None,
        HitsPlace::ClickHouse(place) => {
            if !options.node_is_named {
                node = node_of(from, place, &options.limits).await?.unwrap_or(node);
            }
            Some(clickhouse::node::look(place, node, options.limits.query_seconds).await?)
        }
    };
    let data = match options.data.exists() {
        true => options.data.canonicalize().map_err(io(context))?,
        false => options.data.clone(),
    };
    let owner = if data.exists() { Some(Owner::of(&data)?) } else { None };
    if data.exists() && is_mount_point(&data)? {
        return Err(StoreError::UnusablePath(format!(
            "{} is a mount point and cannot be replaced as a whole: name a folder inside it with --data, for restore and for the server",
            data.display()
        )));
    }
    let beside = |suffix: &str| {
        let mut name = data.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        data.with_file_name(name)
    };
    // Held until the end, so that no server starts on the folder meanwhile.
    let _lock = if data.exists() { Some(crate::open::lock(&data)?) } else { None };
    if !from.join(INBOX).exists() {
        return Err(StoreError::UnusablePath(format!(
            "{} is not a backup: it has no {INBOX}",
            from.display()
        )));
    }
    let making = beside(".restoring");
    if making.exists() {
        std::fs::remove_dir_all(&making).map_err(io(context))?;
    }
    create_private(&making.join("hits")).map_err(io(context))?;
    progress.begin("checking and copying the backup", size_of(from)?, Unit::Bytes);
    for name in [INBOX, meta::FILE, checks::FILE, ledger::FILE] {
        if from.join(name).exists() {
            copy(&from.join(name), &making.join(name), &*progress)?;
        }
    }
    facts::refuse_newer(&making).await?;
    let mut db = inbox::connect_options(&making.join(INBOX))
        .connect()
        .await
        .map_err(inbox::failed("opening the backup's inbox"))?;
    for row in manifest::read(&mut db).await? {
        check_and_copy(&row, from, &making, &*progress)?;
    }
    let known: HashSet<u64> =
        read_ledger(&making.join(ledger::FILE))?.iter().map(|line| line.seq).collect();
    let source = erasures.map_or_else(|| data.join(ledger::FILE), Path::to_path_buf);
    if erasures.is_some() && !source.exists() {
        return Err(StoreError::UnusablePath(format!("{} does not exist", source.display())));
    }
    let newer: Vec<Line> =
        read_ledger(&source)?.into_iter().filter(|line| !known.contains(&line.seq)).collect();
    let replaced = look_at_replaced(&data).await;
    let (mut seq, mut project) = (replaced.last_seq, ProjectId(replaced.highest_project));
    if let Some(known) = &elsewhere {
        follow_clickhouse(&mut db, node, known, replaced.identity).await?;
        (seq, project) = (seq.max(known.newest_seq), project.max(known.highest_project));
    }
    let above = seq.max(newer.iter().map(|line| line.seq).max().unwrap_or(0));
    count_from(&mut db, above).await?;
    db.close().await.map_err(inbox::failed(context))?;
    let store = Store::open(StoreOptions { data: making.clone(), ..options }).await?;
    store.settle().await?;
    // The backup may hold erasures that were accepted but not applied yet.
    let shared = store.shared();
    shared.wait(shared.erased.wait_for_all(), || Ok(())).await?;
    progress.begin("applying erasures made since", newer.len() as u64, Unit::Erasures);
    for line in &newer {
        progress::check(&*progress)?;
        apply(&store, line).await?;
        progress.advance(1);
    }
    let hits = store.stats().rows;
    let folder = elsewhere.map(|_| shared.identity.folder);
    store.close().await?;
    let deleted = newer.iter().filter(|line| line.what == What::Project);
    let deleted: Vec<ProjectId> = deleted.map(|line| line.project).collect();
    let highest = newer.iter().map(|line| line.project).fold(project, ProjectId::max);
    give_identity(&making, folder, &deleted, highest).await?;
    meta::forget_those_who_left(&making, &data).await.map_err(inbox::failed(context))?;
    meta::mark_restored_routes(&making).await.map_err(inbox::failed(context))?;
    if let Some(owner) = owner {
        owner.give(&making)?;
    }
    progress::check(&*progress)?;
    let replaced = if data.exists() {
        let aside = beside(&format!(".before-restore-{}", crate::clock::now_us()));
        swap(&making, &data, &aside).map_err(io(context))?;
        Some(aside)
    } else {
        std::fs::rename(&making, &data).map_err(io(context))?;
        None
    };
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync(parent).map_err(io(context))?;
    }
    Ok(Restored { hits, erasures: newer.len(), replaced })
}

/// Makes the backup's inbox go on where ClickHouse stands: it has all records up to the node's newest hit.
async fn follow_clickhouse(
    db: &mut SqliteConnection,
    node: u8,
    known: &Known,
    replaced: Option<Identity>,
) -> Result<(), StoreError> {
    let of_backup = inbox::identity::read(db).await?;
    if let (Some(holder), Some(of_backup)) = (known.holder, of_backup) {
        let replaced = replaced.map(|identity| identity.folder);
        if holder != of_backup.folder && Some(holder) != replaced {
            return Err(StoreError::NodeTaken { node });
        }
        inbox::identity::write(db, &Identity { folder: holder, ..of_backup }).await?;
    }
    let trimmed_to = inbox::get_number(db, "trimmed_to").await?.max(known.newest_seq);
    inbox::put_state(db, "trimmed_to", &trimmed_to.to_le_bytes()).await
}

/// Puts `made` in the place of `data`, whose content moves to `aside`. There is a whole folder at `data` at every
/// moment if the file system can exchange two names.
fn swap(made: &Path, data: &Path, aside: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, made, CWD, data, RenameFlags::EXCHANGE) {
        Ok(()) => std::fs::rename(made, aside),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            std::fs::rename(data, aside)?;
            std::fs::rename(made, data)
        }
        Err(problem) => Err(problem.into()),
    }
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn is_mount_point(folder: &Path) -> Result<bool, StoreError> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| std::fs::metadata(path).map(|data| data.dev());
    let context = io("looking at the data folder");
    match folder.parent() {
        Some(parent) => Ok(device(folder).map_err(&context)? != device(parent).map_err(&context)?),
        None => Ok(true),
    }
}

/// Bytes that a restore processes: each file is copied, and each data file is read once before.
fn size_of(backup: &Path) -> Result<u64, StoreError> {
    let context = "looking at the backup";
    let sizes = |folder: &Path| -> std::io::Result<u64> {
        let files = std::fs::read_dir(folder)?.map(|entry| entry?.metadata());
        files.map(|data| data.map(|data| if data.is_file() { data.len() } else { 0 })).sum()
    };
    let hits = backup.join("hits");
    let hits = if hits.exists() { sizes(&hits).map_err(io(context))? } else { 0 };
    Ok(sizes(backup).map_err(io(context))? + 2 * hits)
}

fn check_and_copy(
    row: &FileRow,
    from: &Path,
    making: &Path,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    progress::check(progress)?;
    let name = row.name();
    let path = from.join("hits").join(&name);
    match row.kind {
        // Empty at the moment of the backup; opening creates it again.
        FileKind::Active => return Ok(()),
        _ if !path.exists() => return Err(StoreError::Damaged(format!("the backup lacks {name}"))),
        FileKind::Sealed if measure(&path)? != (row.bytes, row.checksum.clone()) => {
            return Err(StoreError::Damaged(format!(
                "{name} in the backup is damaged: its checksum is wrong"
            )));
        }
        _ => {}
    }
    let to = making.join("hits").join(&name);
    progress.advance(std::fs::metadata(&path).map_or(0, |data| data.len()));
    copy(&path, &to, progress)?;
    let wal = DataFile::wal(&path);
    if wal.exists() {
        copy(&wal, &DataFile::wal(&to), progress)?;
    }
    Ok(())
}

/// The number that ClickHouse knows the backup's folder by.
async fn node_of(
    backup: &Path,
    place: &ClickHousePlace,
    limits: &StoreLimits,
) -> Result<Option<u8>, StoreError> {
    let facts = facts::gather(backup, None, limits).await?;
    let Found::Known(InboxFacts { identity: Some(identity), .. }) = facts.inbox else {
        return Ok(None);
    };
    let folders = clickhouse::node::folders(place, limits.query_seconds).await?;
    let own = folders.into_iter().find(|(_, folder)| *folder == identity.folder);
    Ok(own.map(|(node, _)| node))
}

fn read_ledger(path: &Path) -> Result<Vec<Line>, StoreError> {
    if path.exists() { ledger::read(path) } else { Ok(Vec::new()) }
}

/// The inbox of the replaced folder, if there is one: no seq and no project number that it assigned is assigned again.
async fn look_at_replaced(data: &Path) -> InboxFacts {
    let path = data.join(INBOX);
    if !path.exists() {
        return InboxFacts::default();
    }
    // A folder may be replaced because its inbox is unreadable: then the ledger and the backup must suffice.
    let Ok(mut db) = inbox::connect_options(&path).connect().await else {
        return InboxFacts::default();
    };
    let found = inbox::look(&mut db).await.ok().flatten().unwrap_or_default();
    let _ = db.close().await;
    found
}

async fn count_from(db: &mut SqliteConnection, seq: u64) -> Result<(), StoreError> {
    inbox::put_state(db, "count_from", &seq.to_le_bytes()).await
}

/// Erases what a line of the ledger says, and returns once it is gone.
pub async fn apply(store: &Store, line: &Line) -> Result<(), StoreError> {
    let project = line.project;
    match &line.what {
        What::Project => store.erase(Erasure::Project(project)).await.map(drop),
        What::Addresses => store.erase(Erasure::Addresses(project)).await.map(drop),
        What::AddressesAndCountries => {
            store.erase(Erasure::AddressesAndCountries(project)).await.map(drop)
        }
        What::User(name) => {
            for text in
                find_named(store, project, TextKind::User, ledger::USER, name.clone()).await?
            {
                store.erase(Erasure::User(project, text)).await?;
            }
            Ok(())
        }
        What::Address(name) => {
            for text in
                find_named(store, project, TextKind::Address, ledger::ADDRESS, name.clone()).await?
            {
                store.erase(Erasure::Address(project, text)).await?;
            }
            Ok(())
        }
    }
}

/// The texts of a kind with this hash in the ledger.
async fn find_named(
    store: &Store,
    project: ProjectId,
    kind: TextKind,
    letter: &'static str,
    name: String,
) -> Result<HashSet<String>, StoreError> {
    let key = store.shared().key;
    let is_named = move |text: &str| ledger::name(&key, project, letter, text) == name;
    let of_files = is_named.clone();
    let find = move |reading: &Reading<'_>| {
        let mut found = HashSet::new();
        let connections = reading.connections();
        for entry in &reading.snapshot.entries {
            let text = sql::file::texts_of(entry.file.tables(), project.0, kind);
            connections.open(&entry.file)?.each(&text, &[], |batch| {
                let texts = batch.column(0).as_string::<i32>().iter().flatten();
                let named = texts.filter(|text| of_files(text));
                found.extend(named.map(str::to_owned));
            })?;
        }
        Ok(found)
    };
    match store.hit_store() {
        HitStore::DuckDb(store) => store.read(find).await,
        HitStore::ClickHouse(store) => {
            let mut found = HashSet::new();
            let take = |text: String| {
                if is_named(&text) {
                    found.insert(text);
                }
            };
            store.each_text(project, kind, take).await?;
            Ok(found)
        }
    }
}
