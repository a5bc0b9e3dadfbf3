//! Reserve for a full disk: a file of zeros that is deleted when the disk is full, so that the databases can still be
//! opened and erasures still succeed.
//!
//! SQLite and DuckDB need a few pages to open their files, and an erasure rewrites files before it removes the old
//! ones. Hits are refused long before, so nothing of ours uses up the reserve.

use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::FallocateFlags;

const NAME: &str = "reserve";

/// Free space of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFree {
    pub percent: u64,
    pub bytes: u64,
}

impl DiskFree {
    /// For the folder's disk; plenty if it cannot be determined.
    pub fn of(folder: &Path) -> DiskFree {
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_blocks > 0 => DiskFree {
                percent: disk.f_bavail * 100 / disk.f_blocks,
                bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            },
            _ => DiskFree { percent: 100, bytes: u64::MAX },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Make,
    GiveUp,
}

fn judge(is_there: bool, free: u64, wanted: u64) -> Step {
    match is_there {
        true if wanted == 0 || free < wanted => Step::GiveUp,
        // Created again only if it does not use up the space itself.
        false if wanted > 0 && free / 4 >= wanted => Step::Make,
        _ => Step::Nothing,
    }
}

/// Before the first access to the folder, for which SQLite may need a page.
pub fn give_up_if_full(folder: &Path, wanted: u64) {
    let path = folder.join(NAME);
    if path.exists() && DiskFree::of(folder).bytes < wanted {
        give_up(&path, wanted);
    }
}

/// Keeps a reserve of `wanted` bytes in the folder, or deletes it if the disk is full. Returns the free space. Never
/// fails.
pub fn keep(folder: &Path, wanted: u64) -> DiskFree {
    let path = folder.join(NAME);
    let free = DiskFree::of(folder);
    match judge(path.exists(), free.bytes, wanted) {
        Step::Nothing => return free,
        Step::Make => {
            if let Err(problem) = make(&path, wanted) {
                // Some file systems cannot: there the operator must free space in time.
                tracing::debug!(%problem, "no room can be kept back for a full disk");
                let _ = std::fs::remove_file(&path);
            }
        }
        Step::GiveUp => give_up(&path, wanted),
    }
    DiskFree::of(folder)
}

fn give_up(path: &Path, bytes: u64) {
    match std::fs::remove_file(path) {
        Ok(()) => {
            tracing::warn!(bytes, "the disk is full: the room that was kept back is given up");
        }
        Err(problem) => tracing::warn!(%problem, "the room that was kept back cannot be given up"),
    }
}

fn make(path: &Path, bytes: u64) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    rustix::fs::fallocate(file.as_fd(), FallocateFlags::empty(), 0, bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_up_when_the_disk_is_full_and_kept_back_again_when_there_is_plenty() {
        for (is_there, free, wanted, step) in [
            (true, 63, 64, Step::GiveUp),
            (true, 64, 64, Step::Nothing),
            (false, 63, 64, Step::Nothing),
            (false, 255, 64, Step::Nothing),
            (false, 256, 64, Step::Make),
            (true, 1_000, 0, Step::GiveUp),
            (false, 1_000, 0, Step::Nothing),
        ] {
            assert_eq!(judge(is_there, free, wanted), step, "{is_there} {free} {wanted}");
        }
    }

    #[test]
    fn it_takes_room_and_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        keep(folder.path(), 1 << 20);
        let blocks = std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap());
        assert!(blocks * 512 >= 1 << 20, "{blocks} blocks");
        // More than any disk has.
        keep(folder.path(), u64::MAX);
        assert!(!path.exists());
    }
}
