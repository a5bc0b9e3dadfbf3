//! Files in the folder of hits that no manifest names: unlinked if a crash explains them and every hit in them is held
//! elsewhere, else moved to `hits/set-aside` for some days. A manifest alone is never reason enough to unlink a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{self, now_us};
use crate::disk::{io, sync};
use crate::duckdb::engine::Instance;
use crate::duckdb::failure::failed;
use crate::duckdb::files::DataFile;
use crate::duckdb::sql;
use crate::inbox::FileRow;
use crate::meta;
use crate::types::{Erasure, StoreError};
use crate::verdict::Leftover;

/// Their place, in the folder of hits.
const FOLDER: &str = "set-aside";

/// Prefix of the folders in which a repair keeps the previous files; its time follows, microseconds.
pub const KEPT: &str = "repaired-";

/// The highest id of a data file in the folder, named or not, including those set aside.
pub fn last_id(folder: &Path) -> Result<u64, StoreError> {
    let names = [names(folder)?, names(&folder.join(FOLDER))?].concat();
    let id = |name: &String| FileRow::id_in(name.split_inclusive(".duckdb").next()?);
    Ok(names.iter().filter_map(id).max().unwrap_or(0))
}

/// Moves or removes files without a name in the manifest: whole files by the verdict, and leftovers of interrupted
/// work.
pub fn put_away(
    folder: &Path,
    leftovers: &[(String, Leftover)],
    named: &[FileRow],
) -> Result<(), StoreError> {
    let context = "cleaning the data folder";
    for (name, leftover) in leftovers {
        let path = folder.join(name);
        for path in DataFile::parts(&path) {
            match leftover {
                _ if !path.exists() => {}
                Leftover::Unlink => std::fs::remove_file(&path).map_err(io(context))?,
                Leftover::SetAside => set_aside(folder, &path)?,
            }
        }
    }
    let named: HashSet<PathBuf> =
        named.iter().flat_map(|file| DataFile::parts(&folder.join(file.name()))).collect();
    for name in names(folder)? {
        let ours = name.starts_with("active-") || name.starts_with("sealed-");
        let path = folder.join(&name);
        if !ours || named.contains(&path) || name.contains(".bad-") {
            continue;
        }
        match name.strip_suffix(".wal").map(FileRow::id_in) {
            // A log without its file.
            Some(Some(_)) => set_aside(folder, &path)?,
            // Half-built: its hits are in the files that it was being built from.
            _ => std::fs::remove_file(&path).map_err(io(context))?,
        }
    }
    Ok(())
}

fn set_aside(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let context = "setting a file aside";
    let aside = folder.join(FOLDER);
    std::fs::create_dir_all(&aside).map_err(io(context))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut to = aside.join(&*name);
    if to.exists() {
        to = aside.join(format!("{name}.{}", now_us()));
    }
    // Its retention begins now.
    let file = std::fs::File::open(path).map_err(io(context))?;
    file.set_modified(clock::now()).map_err(io(context))?;
    std::fs::rename(path, &to).map_err(io(context))?;
    sync(&aside).and_then(|()| sync(folder)).map_err(io(context))?;
    tracing::warn!(file = %path.display(), to = %to.display(), "no manifest names a data file: it was set aside");
    Ok(())
}

/// Number of files set aside.
pub fn count(folder: &Path) -> Result<u64, StoreError> {
    Ok(names(&folder.join(FOLDER))?.len() as u64)
}

/// Deletes files set aside for longer than `older_than`. Returns how many are left.
pub fn remove_old(folder: &Path, older_than: Duration) -> Result<u64, StoreError> {
    let context = "removing a file that was set aside";
    let aside = folder.join(FOLDER);
    let mut left = 0;
    for name in names(&aside)? {
        let path = aside.join(name);
        let time =
            std::fs::metadata(&path).and_then(|data| data.modified()).map_err(io(context))?;
        match time.elapsed() {
            Ok(age) if age >= older_than => std::fs::remove_file(&path).map_err(io(context))?,
            _ => left += 1,
        }
    }
    Ok(left)
}

/// Deletes files that could hold hits to be erased: those with affected rows, and unreadable ones, among those set
/// aside and those kept by repairs. Returns how many are still set aside.
pub fn erase(data: &Path, erasure: &Erasure, memory: u64) -> Result<u64, StoreError> {
    let context = "erasing from what a repair has kept";
    let hits = data.join("hits");
    let left = erase_in(&hits, &hits.join(FOLDER), erasure, memory)?;
    for kept in kept_by_repairs(data)? {
        let old = kept.join("hits");
        erase_in(&old, &old.join(FOLDER), erasure, memory)?;
        erase_in(&old, &old, erasure, memory)?;
        for name in names(&kept)? {
            // The inbox has waiting records; the other has projects' names.
            let concerned = name.starts_with("inbox.sqlite")
                || (name.starts_with(meta::FILE) && matches!(erasure, Erasure::Project(_)));
            if concerned {
                std::fs::remove_file(kept.join(name)).map_err(io(context))?;
            }
        }
        sync(&kept).map_err(io(context))?;
    }
    Ok(left)
}

/// `folder`: the folder that the engine may access, perhaps `aside` itself.
fn erase_in(
    folder: &Path,
    aside: &Path,
    erasure: &Erasure,
    memory: u64,
) -> Result<u64, StoreError> {
    let context = "erasing a file that was set aside";
    let names = names(aside)?;
    if names.is_empty() {
        return Ok(0);
    }
    let before_us = match erasure {
        Erasure::Before(_, time_us) => Some(*time_us),
        _ => None,
    };
    let condition = sql::build::concerns(erasure.project().0, before_us);
    let instance = Instance::open(folder, "looking", memory)?;
    for name in names.iter().filter(|name| whole_of(name) == *name) {
        let path = aside.join(name);
        if may_hold(&instance, &path, &condition) {
            std::fs::remove_file(&path).map_err(io(context))?;
        }
    }
    drop(instance);
    // A log and a copy of metadata go with their file.
    for name in names.iter().filter(|name| whole_of(name) != *name) {
        let path = aside.join(name);
        if !aside.join(whole_of(name)).exists() {
            std::fs::remove_file(&path).map_err(io(context))?;
        }
    }
    sync(aside).map_err(io(context))?;
    self::names(aside).map(|left| left.len() as u64)
}

/// The folders in which repairs have kept previous files.
fn kept_by_repairs(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let context = "looking for what a repair has kept";
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data).map_err(io(context))? {
        let entry = entry.map_err(io(context))?;
        if kept_since_us(&entry.file_name().to_string_lossy()).is_some() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The time in the name of such a folder.
fn kept_since_us(name: &str) -> Option<i64> {
    name.strip_prefix(KEPT)?.parse().ok()
}

/// Deletes folders that repairs have kept for longer than `older_than`. Returns how many are left.
pub fn remove_kept(data: &Path, older_than: Duration) -> Result<u64, StoreError> {
    let mut left = 0;
    for folder in kept_by_repairs(data)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let age_us = now_us() - kept_since_us(&name).unwrap_or(i64::MAX);
        match age_us >= older_than.as_micros() as i64 {
            true => {
                std::fs::remove_dir_all(&folder).map_err(io("removing what a repair has kept"))?
            }
            false => left += 1,
        }
    }
    Ok(left)
}

/// The name of the file that `active-1.duckdb.wal`, `active-1.duckdb.metadata`, or one of them with a time after it,
/// belongs to. That of a file is its own.
fn whole_of(name: &str) -> &str {
    [".wal", ".metadata"].iter().find_map(|end| name.find(end)).map_or(name, |at| &name[..at])
}

/// True if the file has such rows, or if that cannot be determined.
fn may_hold(instance: &Instance, path: &Path, condition: &str) -> bool {
    let Some(text) = path.to_str() else { return true };
    let alias = "looked_at";
    if instance.execute(&sql::file::attach(text, alias)).is_err() {
        return true;
    }
    let rows = instance.connect().and_then(|connection| {
        connection
            .query_row(&sql::build::count_rows(alias, condition), [], |row| row.get::<_, i64>(0))
            .map_err(failed("looking into a file that was set aside"))
    });
    let detached = instance.execute(&sql::file::detach(alias));
    detached.is_err() || rows.is_err() || rows.is_ok_and(|rows| rows > 0)
}

/// Names of files, in order; empty if the folder does not exist.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let context = "looking at the data folder";
    let entries = match std::fs::read_dir(folder) {
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io(context))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io(context))?;
        if entry.file_type().map_err(io(context))?.is_file() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}
