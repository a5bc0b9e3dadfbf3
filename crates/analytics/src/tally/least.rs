//! Where a list of the keys with most hits ends.

/// The fewest hits that a listed key has, and how many keys with exactly that many are listed. `most`: the most that one
/// has; `room`: for so many keys, fewer than there are.
pub(super) fn least_listed(
    requests: impl Iterator<Item = u64> + Clone,
    most: u64,
    room: u64,
) -> (u64, u64) {
    // A radix select, eight bits at a time from the top: no allocation, and mostly one or two passes.
    let (mut least, mut room) = (0, room);
    let mut digits = u64::BITS - most.leading_zeros();
    while digits > 0 {
        let known = digits;
        digits = digits.saturating_sub(8);
        let last = (1u64 << (known - digits)) - 1;
        let mut counts = [0u64; 256];
        for one in requests.clone() {
            if known == u64::BITS || one >> known == least >> known {
                counts[(one >> digits & last) as usize] += 1;
            }
        }
        let mut digit = last as usize;
        while digit > 0 && counts[digit] < room {
            room -= counts[digit];
            digit -= 1;
        }
        least |= (digit as u64) << digits;
    }
    (least, room)
}
