//! Helpers for file access: paths as text, errors with their context, and directory entries that survive a crash.

use std::path::Path;

use crate::types::StoreError;

/// Makes a file's or a folder's entry survive a power cut.
pub fn sync(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// A path as a statement has it.
pub fn path_text(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| {
        StoreError::UnusablePath(format!("{} is not UTF-8, which the engine needs", path.display()))
    })
}

/// The system's name for what went wrong, with what we were doing.
pub fn io(context: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |cause| StoreError::System { context, cause }
}

/// Creates the file where there is none; nobody but its owner may read it, for it holds secrets or is not for others.
pub fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}
