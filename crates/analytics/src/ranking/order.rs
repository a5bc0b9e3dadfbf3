//! Radix sort by `u64` keys, in time linear in their number.

/// At most this many pairs are sorted by comparison.
const FEW: usize = 512;

/// Sorts pairs by key, stably: byte by byte from the least significant, skipping bytes that are equal in all keys.
pub fn sort_by_key(keyed: &mut Vec<(u64, u32)>) {
    if keyed.len() <= FEW {
        keyed.sort_by_key(|(key, _)| *key);
        return;
    }
    let mut counts = [[0u32; 256]; 8];
    for (key, _) in keyed.iter() {
        for (n, count) in counts.iter_mut().enumerate() {
            count[(key >> (8 * n)) as usize & 255] += 1;
        }
    }
    let mut sorted = vec![(0, 0); keyed.len()];
    for (n, counts) in counts.iter().enumerate() {
        let byte = |key: u64| (key >> (8 * n)) as usize & 255;
        if counts[byte(keyed[0].0)] as usize == keyed.len() {
            continue;
        }
        let mut next = [0u32; 256];
        let mut before = 0;
        for (next, count) in next.iter_mut().zip(counts) {
            *next = before;
            before += count;
        }
        for pair in keyed.iter() {
            let place = &mut next[byte(pair.0)];
            sorted[*place as usize] = *pair;
            *place += 1;
        }
        std::mem::swap(keyed, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_like_a_comparison_sort(keys in prop::collection::vec(prop_oneof![0..9u64, any::<u64>()], 0..3 * FEW)) {
            let mut keyed: Vec<(u64, u32)> = keys.into_iter().zip(0..).collect();
            let mut wanted = keyed.clone();
            wanted.sort();
            sort_by_key(&mut keyed);
            prop_assert_eq!(keyed, wanted);
        }
    }
}
