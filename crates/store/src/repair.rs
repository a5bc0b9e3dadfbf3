//! Repair: rebuilds a data folder from what is left of one. Every data file states which records it holds; the
//! manifest, a lost inbox and a lost table of projects follow from that. Erased hits stay erased: the ledger is applied
//! again before anything is served.
//!
//! The result is built in a separate folder and then put in place (`repair/finish.rs`); the previous files are kept.

mod choose;
mod examine;
mod finish;
mod new_inbox;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::hit::{ProjectId, TextKind};

use crate::backup::{INBOX, copy};
use crate::clock::now_us;
use crate::disk::io;
use crate::duckdb::builder::measure;
use crate::duckdb::engine::Instance;
use crate::duckdb::files::DataFile;
use crate::duckdb::metadata_copy;
use crate::duckdb::sql;
use crate::facts;
use crate::folder::give_identity;
use crate::inbox::{FileKind, FileRow, InboxFacts};
use crate::ledger::{self, Line, What};
use crate::meta::{self, Meta, MetaFacts};
use crate::open::{lock, random_key};
use crate::owner::Owner;
use crate::progress::{self, Progress, Unit};
use crate::store::Store;
use crate::types::{Erasure, HitsPlace, MetaPlace, StoreError, StoreOptions};
use crate::verdict::{self, Facts, Found, Stop, Verdict};

use choose::{Examined, choose, missing};
use new_inbox::NewInbox;

/// Plan of a repair. Holds the folder until it is dropped.
pub struct Repair {
    options: StoreOptions,
    facts: Facts,
    /// Findings, in words.
    pub found: Vec<String>,
    _lock: std::fs::File,
}

/// Result of a repair.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    pub hits: u64,
    pub data_files: usize,
    /// Seqs of records that are in no file, both ends included. Their hits are lost, or were erased before.
    pub missing: Vec<(u64, u64)>,
    /// The last known record.
    pub last_seq: u64,
    /// Data files that could not be read, and why; they are among the files kept aside.
    pub unreadable: Vec<String>,
    /// Projects that only the operator can open again.
    pub recovered: Vec<ProjectId>,
    /// Other notes for the operator.
    pub notes: Vec<String>,
    /// Folder of the previous files.
    pub aside: PathBuf,
}

/// Looks for problems. None if there are none. No server may hold the folder.
pub async fn plan_repair(options: StoreOptions) -> Result<Option<Repair>, StoreError> {
    if matches!(options.hits, HitsPlace::ClickHouse(_)) {
        return Err(StoreError::UnusablePath(
            "repair is about data files, and the hits of this folder are in ClickHouse: restore a backup"
                .into(),
        ));
    }
    let data = options.data.clone();
    let lock = lock(&data)?;
    if finish::is_unfinished(&data) {
        let found = vec!["a repair was interrupted when it was putting its result in place".into()];
        return Ok(Some(Repair { options, facts: Facts::default(), found, _lock: lock }));
    }
    refuse_mount_point(&data)?;
    let facts = facts::gather(&data, Some(&options.meta), &options.limits).await?;
    let mut found = Vec::new();
    if let Verdict::Stop(stop) = verdict::judge(&facts) {
        found.push(stop.what());
    }
    if let Found::Known(inbox) = &facts.inbox {
        found.extend(look_at_named(&options, inbox, facts.meta.as_ref())?);
        let dropped = inbox.dropped.iter();
        found.extend(dropped.map(|lost| format!("{lost}; this repair takes note of it")));
    }
    match found.is_empty() {
        true => Ok(None),
        false => Ok(Some(Repair { options, facts, found, _lock: lock })),
    }
}

/// Problems of the files in the manifest.
fn look_at_named(
    options: &StoreOptions,
    inbox: &InboxFacts,
    meta: Option<&Found<MetaFacts>>,
) -> Result<Vec<String>, StoreError> {
    let folder = options.data.join("hits");
    let instance = Instance::open(&folder, "looking", options.limits.duckdb.builder_memory)?;
    let mut found = Vec::new();
    let mut projects = BTreeSet::new();
    for (row, there) in &inbox.named {
        let name = row.name();
        if !there {
            // After a restore it does not exist yet.
            if row.kind != FileKind::Active || inbox.trimmed_to > row.first_seq {
                found.push(format!("hits/{name} is missing"));
            }
            continue;
        }
        match examine::projects_in(&instance, &folder.join(&name)) {
            Ok(more) => projects.extend(more),
            Err(problem) => found.push(format!("hits/{name} cannot be read: {problem}")),
        }
    }
    if let Some(Found::Known(meta)) = meta {
        projects.retain(|project| !meta.projects.contains(project));
        let orphans = projects.iter();
        found.extend(orphans.map(|id| format!("project {id} has hits and stands in no table")));
    }
    Ok(found)
}

impl Repair {
    /// The folder in which all previous files will be kept.
    pub fn data(&self) -> &Path {
        &self.options.data
    }

    /// Repairs the folder. Until the end nothing changes in it except a new subfolder.
    pub async fn carry_out(self, progress: Arc<dyn Progress>) -> Result<Repaired, StoreError> {
        let data = self.options.data.clone();
        if finish::is_unfinished(&data) {
            let aside = finish::finish(&data)?;
            return Ok(Repaired {
                aside,
                notes: vec!["an interrupted repair was brought to its end".into()],
                ..Repaired::default()
            });
        }
        let mut repaired = self.make(&progress).await?;
        progress::check(&*progress)?;
        finish::commit(&data, now_us())?;
        repaired.aside = finish::finish(&data)?;
        Ok(repaired)
    }

    async fn make(&self, progress: &Arc<dyn Progress>) -> Result<Repaired, StoreError> {
        let context = "repairing";
        let data = &self.options.data;
        let making = finish::making(data);
        if making.exists() {
            std::fs::remove_dir_all(&making).map_err(io(context))?;
        }
        std::fs::create_dir_all(making.join("hits")).map_err(io(context))?;
        let mut repaired = Repaired::default();
        let (inbox, meta) = self.belonging();
        if data.join(ledger::FILE).exists() {
            copy(&data.join(ledger::FILE), &making.join(ledger::FILE), &progress::Silent)?;
        }
        let lines = match making.join(ledger::FILE) {
            path if path.exists() => ledger::read(&path)?,
            _ => Vec::new(),
        };
        let files = self.take_files(&making, &**progress, &mut repaired)?;
        let mut options = StoreOptions { data: making.clone(), ..self.options.clone() };
        // This limit is about the final folder, not the temporary one.
        options.limits.reserve_bytes = 0;
        let ledger_key = meta.and_then(|meta| meta.identity.as_ref()).map(|it| it.ledger_key);
        let found =
            self.make_inbox(&options, inbox, ledger_key, &files, &lines, &mut repaired).await?;
        progress::check(&**progress)?;
        progress.begin("applying erasures again", 1, Unit::Erasures);
        let store = Store::open(options).await?;
        store.settle().await?;
        let shared = store.shared();
        shared.wait(shared.erased.wait_for_all(), || Ok(())).await?;
        let stats = store.stats();
        repaired.hits = stats.rows;
        store.close().await?;
        progress.advance(1);
        self.make_meta(&making, meta, &found, &mut repaired).await?;
        give_identity(&making, None, &found.gone, found.highest).await?;
        for left in ["lock", "hits/tmp"] {
            let path = making.join(left);
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
        Owner::of(data)?.give(&making)?;
        Ok(repaired)
    }

    /// Those of the two databases that are readable and match the data files.
    fn belonging(&self) -> (Option<&InboxFacts>, Option<&MetaFacts>) {
        let mut inbox = match &self.facts.inbox {
            Found::Known(inbox) => Some(inbox),
            _ => None,
        };
        let mut meta = match &self.facts.meta {
            Some(Found::Known(meta)) => Some(meta),
            _ => None,
        };
        if verdict::judge(&self.facts) == Verdict::Stop(Stop::Strangers) {
            let belongs = inbox.is_some_and(|inbox| {
                let sealed = inbox.named.iter().filter(|(row, _)| row.kind == FileKind::Sealed);
                let size = |row: &FileRow| {
                    let path = self.options.data.join("hits").join(row.name());
                    std::fs::metadata(path).map_or(0, |data| data.len())
                };
                sealed.clone().count() > 0 && sealed.clone().all(|(row, _)| size(row) == row.bytes)
            });
            match belongs {
                true => meta = None,
                false => inbox = None,
            }
        }
        (inbox, meta)
    }

    /// Whether the inbox lacks its latest records.
    fn is_inbox_older(&self) -> bool {
        matches!(
            verdict::judge(&self.facts),
            Verdict::Stop(Stop::InboxOlder(_) | Stop::ManifestOlder { .. })
        )
    }

    /// The data files that count, in `making`, with their rows of the manifest. Sealed ones are hard-linked: they never
    /// change.
    fn take_files(
        &self,
        making: &Path,
        progress: &dyn Progress,
        repaired: &mut Repaired,
    ) -> Result<Vec<(FileRow, Examined)>, StoreError> {
        let context = "taking over data files";
        let (from, into) = (self.options.data.join("hits"), making.join("hits"));
        let names = facts::data_files(&from)?;
        let sizes = names.iter().map(|name| size(&from.join(name))).sum();
        progress.begin("reading data files", sizes, Unit::Bytes);
        let mut examined = Vec::new();
        let instance =
            Instance::open(making, "repairing", self.options.limits.duckdb.builder_memory)?;
        for name in &names {
            progress::check(progress)?;
            let (old, new) = (from.join(name), into.join(name));
            if name.starts_with("sealed-") {
                if std::fs::hard_link(&old, &new).is_err() {
                    copy(&old, &new, &progress::Silent)?;
                }
            } else {
                for (old, new) in std::iter::zip(DataFile::parts(&old), DataFile::parts(&new)) {
                    if old.exists() {
                        copy(&old, &new, &progress::Silent)?;
                    }
                }
                metadata_copy::put_back(&new)?;
            }
            let mut found = examine::examine(&instance, &new, name);
            let wal = DataFile::wal(&new);
            if found.as_ref().is_err_and(|problem| !problem.is_disk()) && wal.exists() {
                // Without its log, whose content may be in the inbox.
                std::fs::remove_file(&wal).map_err(io(context))?;
                found = examine::examine(&instance, &new, name);
                repaired.notes.push(format!("the log of hits/{name} cannot be read"));
            }
            match found {
                Ok(found) => examined.push(found),
                Err(problem @ StoreError::Newer(_)) => return Err(problem),
                Err(problem) if problem.is_disk() => return Err(problem),
                Err(problem) => {
                    repaired.unreadable.push(format!("hits/{name}: {problem}"));
                    for path in DataFile::parts(&new) {
                        if path.exists() {
                            std::fs::remove_file(path).map_err(io(context))?;
                        }
                    }
                }
            }
            progress.advance(size(&old));
        }
        let kept = choose(examined.clone(), |newer, older| {
            examine::share_a_record(&instance, &into.join(&newer.name), &into.join(&older.name))
        })?;
        drop(instance);
        let mut rows = Vec::new();
        for file in examined {
            let path = into.join(&file.name);
            if !kept.iter().any(|other| other.id == file.id && other.name == file.name) {
                for path in DataFile::parts(&path) {
                    if path.exists() {
                        std::fs::remove_file(path).map_err(io(context))?;
                    }
                }
                // Its records still count: they are held elsewhere, or had no hits.
                let row = FileRow { rows: 0, ..FileRow::active(file.id, file.first_seq) };
                rows.push((FileRow { last_seq: file.last_seq, ..row }, file));
                continue;
            }
            let (bytes, checksum) = match file.kind {
                FileKind::Sealed => measure(&path)?,
                _ => (0, Vec::new()),
            };
            let row = FileRow {
                id: file.id,
                kind: file.kind,
                first_seq: file.first_seq,
                last_seq: file.last_seq,
                rows: file.rows,
                bytes,
                checksum,
            };
            repaired.data_files += 1;
            rows.push((row, file));
        }
        Ok(rows)
    }

    async fn make_inbox(
        &self,
        options: &StoreOptions,
        old: Option<&InboxFacts>,
        key: Option<[u8; 32]>,
        files: &[(FileRow, Examined)],
        lines: &[Line],
        repaired: &mut Repaired,
    ) -> Result<Projects, StoreError> {
        let old_path = self.options.data.join(INBOX);
        let (mut inbox, unread) =
            NewInbox::create(&options.data.join(INBOX), old.map(|_| &*old_path)).await?;
        repaired.notes.extend(unread);
        let key = match inbox.key().await.or(key) {
            Some(key) => Some(key),
            None => {
                inbox.put_key(random_key()?).await?;
                None
            }
        };
        if let Some(key) = key {
            inbox.put_key(key).await?;
        }
        let mut held: Vec<(u64, u64)> =
            files.iter().map(|(row, _)| (row.first_seq, row.last_seq)).collect();
        let in_files = held.iter().map(|(_, last)| *last).max().unwrap_or(0);
        let in_ledger = lines.iter().map(|line| line.seq).max().unwrap_or(0);
        // Seqs up to here are behind the writer's position: erasures among them are applied on opening.
        let from = in_files.max(in_ledger);
        let next_id = files.iter().map(|(row, _)| row.id).max().unwrap_or(0) + 1;
        let rescued = inbox.rescue_records(options, &held, from, next_id).await?;
        held.extend(rescued.iter().map(|row| (row.first_seq, row.last_seq)));
        let kept = files.iter().filter(|(row, _)| row.rows > 0).map(|(row, _)| row);
        for row in kept.chain(&rescued) {
            inbox.put_file(row).await?;
        }
        held.extend(inbox.take_records(from).await?);
        let known = old.map_or(0, |inbox| inbox.last_seq);
        let last = held.iter().map(|(_, last)| *last).max().unwrap_or(0).max(known);
        // An erasure's own record has no hits.
        held.extend(lines.iter().map(|line| (line.seq.saturating_sub(1), line.seq)));
        repaired.missing = missing(held, last);
        repaired.last_seq = last;
        let of_before = old.iter().flat_map(|inbox| &inbox.dropped);
        repaired.missing.extend(of_before.filter_map(|lost| Some((lost.first, lost.last?))));
        repaired.missing.sort_unstable();
        repaired.missing.dedup();
        if old.is_none_or(|inbox| inbox.last_seq < in_files) || self.is_inbox_older() {
            repaired.notes.push(format!(
                "records after {last} that stood in the lost part of inbox.sqlite alone are lost, if there were any: seconds of hits \
                 at most, the newest ones"
            ));
        }
        let mut gone = self.apply_ledger(options, &mut inbox, key, files, lines, repaired).await?;
        let (arrived, known_gone) = inbox.projects().await?;
        gone.extend(known_gone);
        let of_files = files.iter().filter(|(row, _)| row.rows > 0);
        let of_files = of_files.flat_map(|(_, file)| file.projects.iter().map(|id| ProjectId(*id)));
        let mut with_hits: BTreeSet<ProjectId> = of_files.chain(arrived).collect();
        with_hits.retain(|project| !gone.contains(project));
        let highest = inbox.highest_project().await?;
        let highest = with_hits.iter().chain(&gone).copied().fold(highest, ProjectId::max);
        inbox.close(from, last.max(from)).await?;
        Ok(Projects { with_hits, gone: gone.into_iter().collect(), highest })
    }

    /// Stores each erasure of the ledger, to be applied again to hits that came before it. Returns the deleted
    /// projects.
    async fn apply_ledger(
        &self,
        options: &StoreOptions,
        inbox: &mut NewInbox,
        key: Option<[u8; 32]>,
        files: &[(FileRow, Examined)],
        lines: &[Line],
        repaired: &mut Repaired,
    ) -> Result<BTreeSet<ProjectId>, StoreError> {
        let mut gone = BTreeSet::new();
        let mut known: HashSet<u64> = inbox.erasure_seqs().await?.into_iter().collect();
        let folder = options.data.join("hits");
        let named = find_named(&folder, options.limits.duckdb.builder_memory, key, files, lines)?;
        let mut lost_names = 0;
        for line in lines {
            let project = line.project;
            let erasure = match &line.what {
                What::Project => {
                    inbox.put_gone(project).await?;
                    gone.insert(project);
                    Some(Erasure::Project(project))
                }
                What::Addresses => Some(Erasure::Addresses(project)),
                What::AddressesAndCountries => Some(Erasure::AddressesAndCountries(project)),
                What::User(_) | What::Address(_) if key.is_none() => {
                    lost_names += 1;
                    None
                }
                What::User(name) => {
                    named.get(name).map(|text| Erasure::User(project, text.clone()))
                }
                What::Address(name) => {
                    named.get(name).map(|text| Erasure::Address(project, text.clone()))
                }
            };
            if let Some(erasure) = erasure
                && known.insert(line.seq)
            {
                inbox.put_erasure(line.seq, &erasure).await?;
            }
        }
        if lost_names > 0 {
            repaired.notes.push(format!(
                "{lost_names} erasures of users or addresses could not be applied again: the key of {} was in both databases and \
                 is lost. They were true in the data files before; erase them again where you know them",
                ledger::FILE
            ));
        }
        Ok(gone)
    }

    async fn make_meta(
        &self,
        making: &Path,
        meta: Option<&MetaFacts>,
        found: &Projects,
        repaired: &mut Repaired,
    ) -> Result<(), StoreError> {
        let context = "making the table of projects";
        let wrong =
            |source: meta::MetaError| StoreError::ProjectFiles { context, cause: Box::new(source) };
        if meta.is_some() && self.options.meta == MetaPlace::Folder {
            meta::copy_to(&self.options.data, making).await.map_err(wrong)?;
        }
        let opening = Meta::open_at(&self.options.meta, making, random_key()?, now_us());
        let made = opening.await.map_err(wrong)?;
        for project in &found.with_hits {
            if made.project(*project).is_none() {
                made.recover_project(*project, now_us()).await.map_err(wrong)?;
                repaired.recovered.push(*project);
            }
        }
        made.close().await.map_err(wrong)?;
        if matches!(verdict::judge(&self.facts), Verdict::Stop(Stop::MetaOlder(_))) {
            repaired.notes.push(
                "meta.sqlite is an older copy: keys that were revoked since work again, and those made since do not".into(),
            );
        }
        Ok(())
    }
}

struct Projects {
    with_hits: BTreeSet<ProjectId>,
    gone: Vec<ProjectId>,
    highest: ProjectId,
}

/// The texts whose hashes are in the ledger, by these.
fn find_named(
    folder: &Path,
    memory: u64,
    key: Option<[u8; 32]>,
    files: &[(FileRow, Examined)],
    lines: &[Line],
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut found = BTreeMap::new();
    let Some(key) = key else { return Ok(found) };
    let mut wanted: BTreeMap<(u32, TextKind), BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        let (kind, name) = match &line.what {
            What::User(name) => (TextKind::User, name),
            What::Address(name) => (TextKind::Address, name),
            _ => continue,
        };
        wanted.entry((line.project.0, kind)).or_default().insert(name);
    }
    if wanted.is_empty() {
        return Ok(found);
    }
    let instance = Instance::open(folder, "looking", memory)?;
    for (row, file) in files.iter().filter(|(row, _)| row.rows > 0) {
        for ((project, kind), names) in &wanted {
            if !file.projects.contains(project) {
                continue;
            }
            let letter = if *kind == TextKind::User { "u" } else { "a" };
            let name = |text: &str| ledger::name(&key, ProjectId(*project), letter, text);
            let texts = examine::find_texts(
                &instance,
                &folder.join(row.name()),
                |tables| sql::file::texts_of(tables, *project, *kind),
                |text| names.contains(&*name(text)),
            )?;
            found.extend(texts.into_iter().map(|text| (name(&text), text)));
        }
    }
    Ok(found)
}

/// A folder of hits that is a mount point cannot be renamed.
fn refuse_mount_point(data: &Path) -> Result<(), StoreError> {
    let hits = data.join("hits");
    let device = |path: &Path| std::fs::symlink_metadata(path).map(|data| data.dev()).ok();
    match device(&hits) {
        Some(of_hits) if device(data) != Some(of_hits) => Err(StoreError::UnusablePath(format!(
            "{} is a mount point and cannot be replaced as a whole: copy the data folder to one disk and repair the copy",
            hits.display()
        ))),
        _ => Ok(()),
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}
