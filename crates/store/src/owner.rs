//! The owner and permissions of a folder, so that a copy has the same owner and is as private.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::disk::io;
use crate::types::StoreError;

/// Owner, group and mode of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
    /// Mode of the folder; its files have the same without the right to execute.
    pub mode: u32,
}

impl Owner {
    /// Owner of a folder, or of the one that a link points to.
    pub fn of(folder: &Path) -> Result<Owner, StoreError> {
        let data = std::fs::metadata(folder).map_err(io("looking at whose folder it is"))?;
        Ok(Owner { uid: data.uid(), gid: data.gid(), mode: data.mode() & 0o777 })
    }

    /// Whether this process may create files for that owner.
    fn may_give(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Gives a folder and everything in it to the owner. Only root can give files away; the modes are set in any case.
    pub fn give(&self, folder: &Path) -> Result<(), StoreError> {
        let context = "handing a folder to its owner";
        for entry in std::fs::read_dir(folder).map_err(io(context))? {
            let entry = entry.map_err(io(context))?;
            let kind = entry.file_type().map_err(io(context))?;
            if kind.is_dir() {
                self.give(&entry.path())?;
            } else if kind.is_file() {
                self.give_one(&entry.path(), self.mode & 0o666)?;
            }
        }
        self.give_one(folder, self.mode)
    }

    fn give_one(&self, path: &Path, mode: u32) -> Result<(), StoreError> {
        let context = "handing a file to its owner";
        if self.may_give() {
            std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid)).map_err(io(context))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(io(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_as_private_as_the_folder_and_links_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (data, outside) = (folder.path().join("data"), folder.path().join("outside"));
        std::fs::create_dir_all(data.join("hits")).unwrap();
        std::fs::write(data.join("hits/file"), "x").unwrap();
        std::fs::write(&outside, "x").unwrap();
        std::os::unix::fs::symlink(&outside, data.join("link")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        let before = mode(&outside);
        std::fs::set_permissions(data.join("hits/file"), PermissionsExt::from_mode(0o644)).unwrap();
        let owner = Owner { mode: 0o750, ..Owner::of(&data).unwrap() };
        owner.give(&data).unwrap();
        assert_eq!(
            [mode(&data), mode(&data.join("hits")), mode(&data.join("hits/file")), mode(&outside)],
            [0o750, 0o750, 0o640, before]
        );
    }
}
