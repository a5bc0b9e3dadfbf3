//! Files in the folder of hits that no manifest names: unlinked where a crash explains them and every hit in them is held
//! elsewhere, else moved to `hits/set-aside` for some days. A file is never unlinked on the word of a manifest alone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{self, now_us};
use crate::engine::{Instance, failed};
use crate::files::DataFile;
use crate::inbox::FileRow;
use crate::shared::{io, sync};
use crate::sql;
use crate::types::{Erasure, StoreError};
use crate::verdict::Leftover;

/// Where they are, in the folder of hits.
const FOLDER: &str = "set-aside";

/// The highest id of a data file in the folder, named or not, and of those set aside.
pub fn last_id(folder: &Path) -> Result<u64, StoreError> {
    let names = [names(folder)?, names(&folder.join(FOLDER))?].concat();
    let id = |name: &String| FileRow::id_in(name.split_inclusive(".duckdb").next()?);
    Ok(names.iter().filter_map(id).max().unwrap_or(0))
}

/// Puts away what is not named: whole files as the verdict says, and what work that was cut off left.
pub fn put_away(
    folder: &Path,
    leftovers: &[(String, Leftover)],
    named: &[FileRow],
) -> Result<(), StoreError> {
    let context = "cleaning the data folder";
    for (name, leftover) in leftovers {
        let path = folder.join(name);
        for path in [DataFile::wal(&path), path] {
            match leftover {
                _ if !path.exists() => {}
                Leftover::Unlink => std::fs::remove_file(&path).map_err(io(context))?,
                Leftover::SetAside => set_aside(folder, &path)?,
            }
        }
    }
    let named: HashSet<String> =
        named.iter().flat_map(|file| [file.name(), format!("{}.wal", file.name())]).collect();
    for name in names(folder)? {
        let ours = name.starts_with("active-") || name.starts_with("sealed-");
        if !ours || named.contains(&name) || name.contains(".bad-") {
            continue;
        }
        let path = folder.join(&name);
        match name.strip_suffix(".wal").map(FileRow::id_in) {
            // The log of a file that is not there.
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
    // Its days begin now.
    let file = std::fs::File::open(path).map_err(io(context))?;
    file.set_modified(clock::now()).map_err(io(context))?;
    std::fs::rename(path, &to).map_err(io(context))?;
    sync(&aside).and_then(|()| sync(folder)).map_err(io(context))?;
    tracing::warn!(file = %path.display(), to = %to.display(), "no manifest names a data file: it was set aside");
    Ok(())
}

/// How many files are set aside.
pub fn count(folder: &Path) -> Result<u64, StoreError> {
    Ok(names(&folder.join(FOLDER))?.len() as u64)
}

/// Deletes those that have been aside for so long. Returns how many are left.
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

/// Deletes those that could hold what is to be erased: files with rows that it concerns, and what cannot be read.
/// Returns how many are left.
pub fn erase(folder: &Path, erasure: &Erasure, memory: u64) -> Result<u64, StoreError> {
    let aside = folder.join(FOLDER);
    let names = names(&aside)?;
    if names.is_empty() {
        return Ok(0);
    }
    let before_us = match erasure {
        Erasure::Before(_, time_us) => Some(*time_us),
        _ => None,
    };
    let condition = sql::build::concerns(erasure.project().0, before_us);
    let mut left = 0;
    {
        let instance = Instance::open(folder, "looking", memory)?;
        for name in &names {
            let path = aside.join(name);
            // A log goes with its file, and one without a file goes.
            let is_log = name.contains(".wal");
            let log = DataFile::wal(&path);
            match !is_log && !may_hold(&instance, &path, &condition) {
                true => left += 1 + u64::from(log.exists()),
                false if is_log && whole_of_log(&path).exists() => {}
                false => {
                    for path in [log, path] {
                        match std::fs::remove_file(&path) {
                            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                                return Err(io("erasing a file that was set aside")(problem));
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    sync(&aside).map_err(io("erasing a file that was set aside"))?;
    Ok(left)
}

fn whole_of_log(log: &Path) -> PathBuf {
    log.with_extension("")
}

/// True where the file has such rows, or where nobody can tell.
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

/// Of files, in order; none where the folder is not there.
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
