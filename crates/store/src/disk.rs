//! Helpers for file access: paths as text, errors with their context, and directory entries that survive a crash.

use std::path::Path;

use crate::types::StoreError;

/// Makes a file's or a folder's entry survive a power cut.
pub fn sync(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// A path as text, for statements.
pub fn path_text(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| {
        StoreError::UnusablePath(format!("{} is not UTF-8, which the engine needs", path.display()))
    })
}

/// An I/O error with its context.
pub fn io(context: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |cause| StoreError::System { context, cause }
}

/// Creates the file if it is missing, readable by its owner only: it holds secrets or private data.
pub fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}
