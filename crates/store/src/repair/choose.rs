//! Chooses the data files that count when there is no manifest. Pure.

use crate::inbox::FileKind;
use crate::types::StoreError;

/// Facts of a readable data file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub name: String,
    pub id: u64,
    /// Sealed, or frozen: no longer appended to.
    pub kind: FileKind,
    /// It holds the remaining hits of the records after `first_seq` up to `last_seq`.
    pub first_seq: u64,
    pub last_seq: u64,
    pub rows: u64,
    pub projects: Vec<u32>,
}

/// The files that count, in order of their records. Of two files with hits of the same record the newer one was built
/// from the older one, by a merge or an erasure that was interrupted before the older one was unlinked.
pub fn choose(
    mut files: Vec<Examined>,
    mut share_a_record: impl FnMut(&Examined, &Examined) -> Result<bool, StoreError>,
) -> Result<Vec<Examined>, StoreError> {
    files.retain(|file| file.rows > 0);
    files.sort_by_key(|file| std::cmp::Reverse(file.id));
    let mut kept: Vec<Examined> = Vec::new();
    for file in files {
        let mut superseded = false;
        for newer in &kept {
            let overlap = file.first_seq < newer.last_seq && newer.first_seq < file.last_seq;
            if overlap && share_a_record(newer, &file)? {
                superseded = true;
                break;
            }
        }
        if !superseded {
            kept.push(file);
        }
    }
    kept.sort_by_key(|file| (file.first_seq, file.id));
    Ok(kept)
}

/// The seqs from 1 to `last` that no stretch holds, as ranges with both ends included. A stretch starts after its first
/// seq and ends with its second.
pub fn missing(mut stretches: Vec<(u64, u64)>, last: u64) -> Vec<(u64, u64)> {
    stretches.sort_unstable();
    let mut gaps = Vec::new();
    let mut reached = 0;
    for (after, to) in stretches {
        if after > reached {
            gaps.push((reached + 1, after.min(last)));
        }
        reached = reached.max(to);
    }
    if reached < last {
        gaps.push((reached + 1, last));
    }
    gaps.retain(|(from, to)| from <= to);
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: u64, first_seq: u64, last_seq: u64) -> Examined {
        Examined {
            name: format!("sealed-{id:08}.duckdb"),
            id,
            kind: FileKind::Sealed,
            first_seq,
            last_seq,
            rows: 1,
            projects: vec![1],
        }
    }

    #[test]
    fn of_files_that_share_a_record_the_newest_counts() {
        let files = vec![file(1, 0, 10), file(2, 10, 20), file(5, 0, 20), file(4, 20, 30)];
        let kept = choose(files.clone(), |_, _| Ok(true)).unwrap();
        assert_eq!(kept.iter().map(|file| file.id).collect::<Vec<_>>(), [5, 4]);
        // A file within another's stretch but without a record in it was empty when that was built.
        let kept = choose(files, |_, older| Ok(older.id == 1)).unwrap();
        assert_eq!(kept.iter().map(|file| file.id).collect::<Vec<_>>(), [5, 2, 4]);
    }

    #[test]
    fn what_is_in_no_stretch_is_said_exactly() {
        type Ranges = &'static [(u64, u64)];
        let table: [(Ranges, u64, Ranges); 6] = [
            (&[], 0, &[]),
            (&[], 7, &[(1, 7)]),
            (&[(0, 10), (10, 20)], 20, &[]),
            (&[(10, 20), (0, 8)], 25, &[(9, 10), (21, 25)]),
            (&[(0, 30), (5, 10)], 30, &[]),
            (&[(3, 4)], 4, &[(1, 3)]),
        ];
        for (stretches, last, expected) in table {
            assert_eq!(missing(stretches.to_vec(), last), expected, "{stretches:?} to {last}");
        }
    }
}
