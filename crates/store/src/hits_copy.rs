//! The copy of a folder's hits from which they are moved while a server goes on with the folder (`move_hits`). It links
//! sealed files, so an erasure deletes it: what is erased must be in no file of the folder.

use std::path::Path;

use crate::disk::io;
use crate::types::StoreError;

/// In the data folder: a backup of it.
pub const HITS_COPY: &str = "hits.leaving";

/// The same while it is made.
const PARTIAL: &str = "hits.leaving.partial";

/// A reader keeps the files that it has open; if it needs another one, its move fails, and the next run makes a new copy.
pub fn delete(data: &Path) -> Result<(), StoreError> {
    for name in [HITS_COPY, PARTIAL] {
        match std::fs::remove_dir_all(data.join(name)) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("deleting the copy of the hits")(problem));
            }
            _ => {}
        }
    }
    Ok(())
}
