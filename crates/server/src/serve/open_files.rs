//! Open files: the system's limit, and the number of connections that fit into it.
//!
//! A connection is an open file, and so is each data file. An engine that cannot open a file ends the process, so files
//! come first: connections get the rest.

use std::path::Path;

use analytics::limits;
use anyhow::bail;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the process's limit as far as the system allows; returns the new one.
pub(super) fn raise_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        tracing::warn!("the system does not say how many files may be open");
        return limits::UNLIMITED;
    };
    if soft >= hard {
        return soft;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(error) => {
            tracing::warn!(%error, soft, hard, "the limit of open files could not be raised");
            soft
        }
    }
}

/// The most checks of monitors at once: `wanted`, or a quarter of what data files and a minimum of connections leave.
pub(super) fn checks(wanted: u64, may_open: u64, data_files: u64) -> u64 {
    let taken = limits::RESERVED_FILES + data_files + limits::LEAST_CONNECTIONS;
    (may_open.saturating_sub(taken) / 4).min(wanted)
}

/// The most open connections: `wanted`, or fewer if the limit is too low. An error if hardly any could be open.
pub(super) fn connections(wanted: u64, may_open: u64, data_files: u64) -> anyhow::Result<usize> {
    let reserved = limits::RESERVED_FILES + data_files;
    let left = may_open.saturating_sub(reserved);
    if left < limits::LEAST_CONNECTIONS.min(wanted) {
        bail!(
            "the process may have {may_open} files open, which is too few: data takes up to {reserved} and connections at \
             least {}. Raise the limit with `ulimit -n 65536`, or LimitNOFILE=65536 in the unit of systemd",
            limits::LEAST_CONNECTIONS
        );
    }
    if left < wanted {
        tracing::warn!(
            connections = left,
            wanted,
            may_open,
            "fewer connections than the setting says: more files may not be open (`ulimit -n`, LimitNOFILE=)"
        );
    }
    Ok(left.min(wanted) as usize)
}

/// The number of existing files of hits.
pub(super) fn count_data_files(data: &Path) -> u64 {
    // A missing folder has none, and an unreadable one stops the start with its own message.
    std::fs::read_dir(data.join("hits")).map_or(0, |entries| entries.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_leave_files_to_connections() {
        assert_eq!(checks(512, 1_048_576, 40), 512);
        assert_eq!(checks(512, 1_024, 40), (1_024 - 256 - 40 - 64) / 4);
        assert_eq!(checks(512, 100, 40), 0);
        let few = limits::RESERVED_FILES + 68;
        assert!(connections(10_000, few, checks(512, few, 0)).is_ok());
    }

    #[test]
    fn files_of_data_come_before_connections() {
        let files = limits::RESERVED_FILES;
        assert_eq!(connections(10_000, 1_048_576, 40).unwrap(), 10_000);
        assert_eq!(connections(10_000, 1_024, 40).unwrap() as u64, 1_024 - files - 40);
        assert_eq!(connections(5, files + 5, 0).unwrap(), 5);
        let refused = connections(10_000, files + 63, 0).unwrap_err().to_string();
        assert!(refused.contains("LimitNOFILE=65536"), "{refused}");
        assert!(connections(10_000, files + 64, 0).is_ok());
    }
}
