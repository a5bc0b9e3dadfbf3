//! The last step of a repair: the new files replace the previous ones, which are kept aside. If it is interrupted at
//! any moment, the start refuses the folder (`is_unfinished`), and the next repair continues from there.

use std::path::{Path, PathBuf};

use crate::disk::{io, sync};
use crate::duckdb::set_aside::KEPT;
use crate::facts;
use crate::ledger;
use crate::meta;
use crate::types::StoreError;

/// Under construction: worthless if interrupted.
const MAKING: &str = "repairing";
/// Complete, and being put in place.
const MADE: &str = facts::UNFINISHED;
/// In `MADE`: the name of the folder for the previous files.
const ASIDE: &str = "aside";

/// Logs before their files: a new file must not be beside an old one's log.
const MOVED: [&str; 8] = [
    "inbox.sqlite-wal",
    "inbox.sqlite-shm",
    "inbox.sqlite",
    "meta.sqlite-wal",
    "meta.sqlite-shm",
    meta::FILE,
    ledger::FILE,
    "hits",
];

pub fn making(data: &Path) -> PathBuf {
    data.join(MAKING)
}

pub fn is_unfinished(data: &Path) -> bool {
    data.join(MADE).exists()
}

/// From here on the repair counts, and only has to be finished.
pub fn commit(data: &Path, now_us: i64) -> Result<(), StoreError> {
    let context = "ending the repair";
    let making = making(data);
    std::fs::write(making.join(ASIDE), format!("{KEPT}{now_us}")).map_err(io(context))?;
    for path in [making.join(ASIDE), making.join("hits"), making.clone()] {
        sync(&path).map_err(io(context))?;
    }
    std::fs::rename(&making, data.join(MADE)).map_err(io(context))?;
    sync(data).map_err(io(context))
}

/// Puts the new files in place. Returns the folder of the previous ones.
pub fn finish(data: &Path) -> Result<PathBuf, StoreError> {
    let context = "ending the repair";
    let made = data.join(MADE);
    let name = std::fs::read_to_string(made.join(ASIDE)).map_err(io(context))?;
    let aside = data.join(name);
    std::fs::create_dir_all(&aside).map_err(io(context))?;
    for name in MOVED {
        let (old, new) = (data.join(name), made.join(name));
        // If it is missing it was moved already: the existing one is the new one.
        let is_log = name.ends_with("-wal") || name.ends_with("-shm");
        let moved = match is_log {
            true => !made.join(name.trim_end_matches("-wal").trim_end_matches("-shm")).exists(),
            false => !new.exists(),
        };
        if moved {
            continue;
        }
        if old.exists() {
            std::fs::rename(&old, aside.join(name)).map_err(io(context))?;
        }
        if new.exists() {
            std::fs::rename(&new, &old).map_err(io(context))?;
        }
        sync(&aside).and_then(|()| sync(data)).map_err(io(context))?;
    }
    std::fs::remove_dir_all(&made).map_err(io(context))?;
    sync(data).map_err(io(context))?;
    Ok(aside)
}
