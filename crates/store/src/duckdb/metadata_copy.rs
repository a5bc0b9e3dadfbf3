//! A copy of the metadata of a file that grows, beside it, for a checkpoint that does not end.
//!
//! The engine writes a checkpoint into free blocks, and a header that names them last, so that an interrupted one
//! changes nothing. Its metadata is an exception: a block of it that has room left is overwritten where it stands. Its
//! used parts stay the same, but its checksum does not: a process that ends in the middle of this write (a write of
//! 256 KiB can be cut at any page) leaves a file that cannot be opened. The copy, taken after each checkpoint, is put
//! back before the file is opened, if no later checkpoint has ended.
//!
//! Layout of the copy: `MARK`, bytes of a block (u64), number of blocks (u64), their ids (u64 each), the file's two
//! headers, the blocks, BLAKE3 of all this. Numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use duckdb::Connection;

use crate::disk::{io, sync};
use crate::duckdb::failure::failed;
use crate::duckdb::sql;
use crate::types::StoreError;

const MARK: &[u8; 8] = b"metadat1";

/// The engine's file: a main header, two headers of which each checkpoint writes the older one, blocks.
const HEADER_BYTES: usize = 4_096;
const HEADERS_AT: u64 = HEADER_BYTES as u64;
const BLOCKS_AT: u64 = 3 * HEADER_BYTES as u64;

const HASH_BYTES: usize = blake3::OUT_LEN;

struct Copy {
    headers: Vec<u8>,
    /// Positions in the file, and contents.
    blocks: Vec<(u64, Vec<u8>)>,
}

/// The path of a data file's copy.
pub fn path_of(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".metadata");
    path.into()
}

/// Copies what the last checkpoint of `file`, attached as `alias`, has written. No checkpoint may be under way.
pub fn save(connection: &Connection, alias: &str, file: &Path) -> Result<(), StoreError> {
    let context = "copying a data file's metadata";
    let size: u64 = connection
        .query_row(&sql::file::block_bytes(alias), [], |row| row.get(0))
        .map_err(failed(context))?;
    let ids = {
        let mut statement =
            connection.prepare(&sql::file::metadata_blocks(alias)).map_err(failed(context))?;
        let ids = statement.query_map([], |row| row.get::<_, u64>(0)).map_err(failed(context))?;
        ids.collect::<Result<Vec<u64>, _>>().map_err(failed(context))?
    };
    let from = File::open(file).map_err(io(context))?;
    let mut bytes = MARK.to_vec();
    for number in [size, ids.len() as u64].iter().chain(&ids) {
        bytes.extend(number.to_le_bytes());
    }
    let mut append = |at: u64, size: usize| {
        let start = bytes.len();
        bytes.resize(start + size, 0);
        from.read_exact_at(&mut bytes[start..], at).map_err(io(context))
    };
    append(HEADERS_AT, 2 * HEADER_BYTES)?;
    for id in &ids {
        append(BLOCKS_AT + id * size, size as usize)?;
    }
    let hash = blake3::hash(&bytes);
    bytes.extend(hash.as_bytes());

    // In place: a copy that is cut off is not used, and none is needed before the next checkpoint begins.
    let path = path_of(file);
    let is_new = !path.exists();
    let into = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io(context))?;
    into.write_all_at(&bytes, 0)
        .and_then(|()| into.set_len(bytes.len() as u64))
        .and_then(|()| into.sync_data())
        .map_err(io(context))?;
    match path.parent() {
        Some(folder) if is_new => sync(folder).map_err(io(context)),
        _ => Ok(()),
    }
}

/// Undoes what an interrupted checkpoint has written over the metadata. The file must not be open. True if there was
/// something.
pub fn put_back(file: &Path) -> Result<bool, StoreError> {
    let context = "putting a data file's metadata back";
    let bytes = match std::fs::read(path_of(file)) {
        Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(false),
        bytes => bytes.map_err(io(context))?,
    };
    let Some(copy) = read(&bytes) else { return Ok(false) };
    let into = match OpenOptions::new().read(true).write(true).open(file) {
        Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(false),
        into => into.map_err(io(context))?,
    };
    // The header of a later checkpoint: the metadata is that checkpoint's, and whole.
    if !holds(&into, HEADERS_AT, &copy.headers).map_err(io(context))? {
        return Ok(false);
    }
    let mut changed = false;
    for (at, block) in &copy.blocks {
        if !holds(&into, *at, block).map_err(io(context))? {
            into.write_all_at(block, *at).map_err(io(context))?;
            changed = true;
        }
    }
    if changed {
        into.sync_data().map_err(io(context))?;
        tracing::warn!(file = %file.display(), "a checkpoint was interrupted: the metadata of the one before it was put back");
    }
    Ok(changed)
}

fn holds(file: &File, at: u64, expected: &[u8]) -> std::io::Result<bool> {
    let mut found = vec![0; expected.len()];
    match file.read_exact_at(&mut found, at) {
        Err(problem) if problem.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| found == expected),
    }
}

/// None if it is not a whole copy.
fn read(bytes: &[u8]) -> Option<Copy> {
    let (content, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if blake3::hash(content).as_bytes() != hash {
        return None;
    }
    let mut rest = content.strip_prefix(MARK)?;
    let mut take = |size: usize| {
        let (taken, left) = rest.split_at_checked(size)?;
        rest = left;
        Some(taken)
    };
    let number = |taken: &[u8]| taken.try_into().ok().map(u64::from_le_bytes);
    let size = take(8).and_then(number)?;
    let count = take(8).and_then(number)?;
    let ids: Vec<u64> = (0..count).map(|_| take(8).and_then(number)).collect::<Option<_>>()?;
    let headers = take(2 * HEADER_BYTES)?.to_vec();
    let blocks = ids.iter().map(|id| Some((BLOCKS_AT + id * size, take(size as usize)?.to_vec())));
    Some(Copy { headers, blocks: blocks.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoints(connection: &Connection, file: &Path, rows: std::ops::Range<u32>) {
        for row in rows {
            connection
                .execute_batch(&format!(
                    "INSERT INTO f.t VALUES ({row}, 'text {row}'); CHECKPOINT f"
                ))
                .unwrap();
        }
        save(connection, "f", file).unwrap();
    }

    fn open(file: &Path) -> Result<Connection, duckdb::Error> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&sql::file::attach_active(file.to_str().unwrap(), "f"))?;
        Ok(connection)
    }

    fn rows(file: &Path) -> Result<u32, duckdb::Error> {
        open(file)?.query_row("SELECT count(*) FROM f.t", [], |row| row.get(0))
    }

    /// A file after five checkpoints, and how it was after the fourth: of the last one, everything but the header.
    fn interrupted(folder: &Path) -> (PathBuf, PathBuf) {
        let file = folder.join("file");
        let connection = open(&file).unwrap();
        connection.execute_batch("CREATE TABLE f.t (id UINTEGER, text VARCHAR)").unwrap();
        checkpoints(&connection, &file, 0..4);
        let before = folder.join("before");
        std::fs::copy(&file, &before).unwrap();
        std::fs::copy(path_of(&file), path_of(&before)).unwrap();
        checkpoints(&connection, &file, 4..5);
        drop(connection);
        (file, before)
    }

    /// Of a block that both have, the first part of the later one: a write that was cut off.
    fn tear(before: &Path, after: &Path, part: usize) {
        let (old, new) = (std::fs::read(before).unwrap(), std::fs::read(after).unwrap());
        let at = BLOCKS_AT as usize;
        let size = 256 << 10;
        assert_ne!(old[at..at + size], new[at..at + size], "the block was not overwritten");
        let mut torn = old.clone();
        torn[at..at + part].copy_from_slice(&new[at..at + part]);
        std::fs::write(before, torn).unwrap();
    }

    #[test]
    fn a_checkpoint_that_was_cut_off_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let (after, before) = interrupted(folder.path());
        for part in [512, 4_096, 40_960] {
            let torn = folder.path().join(format!("torn-{part}"));
            std::fs::copy(&before, &torn).unwrap();
            std::fs::copy(path_of(&before), path_of(&torn)).unwrap();
            tear(&torn, &after, part);
            // Why the copy is there: without it this file is lost. (Of longer parts, some are whole by chance.)
            if part == 512 {
                assert!(rows(&torn).unwrap_err().to_string().contains("checksum"));
            }
            assert!(put_back(&torn).unwrap());
            assert_eq!(rows(&torn).unwrap(), 4, "{part}");
            assert!(!put_back(&torn).unwrap());
        }
    }

    #[test]
    fn a_copy_of_an_earlier_checkpoint_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (after, before) = interrupted(folder.path());
        std::fs::copy(path_of(&before), path_of(&after)).unwrap();
        assert!(!put_back(&after).unwrap());
        assert_eq!(rows(&after).unwrap(), 5);
    }

    #[test]
    fn a_copy_that_is_not_whole_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (after, before) = interrupted(folder.path());
        let whole = std::fs::read(path_of(&before)).unwrap();
        tear(&before, &after, 512);
        let torn = std::fs::read(&before).unwrap();
        for kept in [0, 7, 40, whole.len() / 2, whole.len() - 1] {
            std::fs::write(path_of(&before), &whole[..kept]).unwrap();
            assert!(!put_back(&before).unwrap(), "{kept} bytes");
        }
        for at in [0, 9, 17, 30, whole.len() / 2, whole.len() - 1] {
            let mut wrong = whole.clone();
            wrong[at] ^= 1;
            std::fs::write(path_of(&before), &wrong).unwrap();
            assert!(!put_back(&before).unwrap(), "byte {at}");
        }
        assert_eq!(std::fs::read(&before).unwrap(), torn);
        std::fs::write(path_of(&before), &whole).unwrap();
        assert!(put_back(&before).unwrap(), "the whole one is used");
    }
}
