//! The ledger of erasures: hits erased and when, so that restoring an older backup does not bring them back. It
//! identifies users and addresses by a keyed hash, never as they are.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use analytics::hit::ProjectId;
use serde::{Deserialize, Serialize};

use crate::clock::now_us;
use crate::disk::{io, sync};
use crate::types::{Erasure, StoreError};

pub const FILE: &str = "erasures.jsonl";

/// The kind of a hashed name.
pub const USER: &str = "u";
pub const ADDRESS: &str = "a";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub seq: u64,
    pub at_us: i64,
    pub project: ProjectId,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Project,
    /// Keyed hashes of the user id and of the address.
    User(String),
    Address(String),
    Addresses,
    AddressesAndCountries,
}

/// Adds a line, on disk before it returns; an existing one is left alone. `Erasure::Before` is not listed: those hits
/// expire in a restored backup too.
pub fn append(data: &Path, key: &[u8; 32], seq: u64, erasure: &Erasure) -> Result<(), StoreError> {
    let context = "writing the ledger of erasures";
    let what = match erasure {
        Erasure::Project(_) => What::Project,
        Erasure::User(project, text) => What::User(name(key, *project, USER, text)),
        Erasure::Address(project, text) => What::Address(name(key, *project, ADDRESS, text)),
        Erasure::Addresses(_) => What::Addresses,
        Erasure::AddressesAndCountries(_) => What::AddressesAndCountries,
        Erasure::Before(..) => return Ok(()),
    };
    let path = data.join(FILE);
    if path.exists() && read(&path)?.iter().any(|line| line.seq == seq) {
        return Ok(());
    }
    let line = Line { seq, at_us: now_us(), project: erasure.project(), what };
    let mut text = serde_json::to_string(&line).expect("a line is plain data");
    text.push('\n');
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(context))?;
    // A line that a crash cut off belongs to an erasure that is still in the inbox and will be repeated.
    let whole = std::fs::read(&path)
        .map_err(io(context))?
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    file.set_len(whole as u64).map_err(io(context))?;
    file.write_all(text.as_bytes()).map_err(io(context))?;
    file.sync_all().map_err(io(context))?;
    sync(data).map_err(io(context))
}

/// All lines; a last line that a crash cut off is skipped, since its erasure is still in the inbox.
pub fn read(path: &Path) -> Result<Vec<Line>, StoreError> {
    let text = std::fs::read_to_string(path).map_err(io("reading the ledger of erasures"))?;
    let mut lines = Vec::new();
    let count = text.lines().count();
    for (n, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            Ok(line) => lines.push(line),
            Err(_) if n + 1 == count && !text.ends_with('\n') => {}
            Err(problem) => {
                return Err(StoreError::Damaged(format!(
                    "{} line {}: {problem}",
                    path.display(),
                    n + 1
                )));
            }
        }
    }
    Ok(lines)
}

/// The hashed name of a user or an address in the ledger.
pub fn name(key: &[u8; 32], project: ProjectId, kind: &str, text: &str) -> String {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&project.0.to_le_bytes());
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(text.as_bytes());
    hasher.finalize().to_hex().to_string()
}
