//! Maps a file's text ids to hashes that are the same in all files.

use std::ops::Range;

use crate::hit::TextKind;
use crate::identity::identity_of_ipv4;
use crate::slots::Slots;

/// A 64-bit hash for each text id: equal for the same text of the same kind in every file.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    hashes: [Slots<u64>; TextKind::COUNT],
    /// Numeric addresses are hashed on demand: a filter leaves few of very many. 0: a text.
    ipv4: Slots<u32>,
    /// Users and addresses, if only those of a stretch of ids are known.
    stretch: Option<[Range<u32>; 2]>,
}

/// A text of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextId {
    pub kind: TextKind,
    pub id: u32,
    /// An address as a number, so that its name is known. 0: it is none, or not known.
    pub ipv4: u32,
}

impl TextId {
    pub fn new(kind: TextKind, id: u32, identities: &Identities) -> TextId {
        TextId { kind, id, ipv4: identities.ipv4(kind, id) }
    }
}

impl Identities {
    /// For a few of a file's ids of these kinds.
    pub fn of_few(kinds: &[TextKind]) -> Identities {
        let mut identities = Identities::default();
        kinds.iter().for_each(|kind| identities.hashes[*kind as usize] = Slots::sparse());
        if kinds.contains(&TextKind::Address) {
            identities.ipv4 = Slots::sparse();
        }
        identities
    }

    /// For users and addresses with these ids.
    pub fn of_stretch([users, addresses]: [Range<u32>; 2]) -> Identities {
        let mut identities = Identities::default();
        identities.hashes[TextKind::User as usize] = Slots::over(users.clone());
        identities.ipv4 = Slots::over(addresses.clone());
        identities.stretch = Some([users, addresses]);
        identities
    }

    /// For texts of one kind with these ids.
    pub fn of_ids(kind: TextKind, ids: Range<u32>) -> Identities {
        let mut identities = Identities::default();
        match kind {
            TextKind::Address => identities.ipv4 = Slots::over(ids),
            kind => identities.hashes[kind as usize] = Slots::over(ids),
        }
        identities
    }

    /// The users and addresses of `of_stretch`.
    pub(super) fn stretch(&self) -> Option<&[Range<u32>; 2]> {
        self.stretch.as_ref()
    }

    /// `hash`: of the text.
    pub fn put(&mut self, kind: TextKind, id: u32, hash: u64) {
        *self.hashes[kind as usize].slot(id) = mix(hash ^ of_kind(kind));
    }

    /// Like `put_all`, but only rows with these kinds and ids.
    pub fn put_wanted(
        &mut self,
        kinds: &[u8],
        ids: &[u32],
        hashes: &[u64],
        ipv4: &[u32],
        wanted: impl Fn(TextKind, u32) -> bool,
    ) {
        // Texts of a kind are adjacent, and of a stretch of ids all are wanted or none.
        let wanted = |row: usize| {
            TextKind::ALL.get(usize::from(kinds[row])).is_some_and(|kind| wanted(*kind, ids[row]))
        };
        let mut from = 0;
        for row in 0..=kinds.len() {
            if row < kinds.len() && wanted(row) {
                continue;
            }
            let run = from..row;
            from = row + 1;
            if !run.is_empty() {
                let (kinds, ids) = (&kinds[run.clone()], &ids[run.clone()]);
                self.put_all(kinds, ids, &hashes[run.clone()], &ipv4[run]);
            }
        }
    }

    /// Column by column. A row has a hash, or is a numeric address (else 0). Unknown kinds are skipped.
    pub fn put_all(&mut self, kinds: &[u8], ids: &[u32], hashes: &[u64], ipv4: &[u32]) {
        if !self.ipv4.is_sparse()
            && ipv4.iter().all(|ipv4| *ipv4 > 0)
            && ids.is_sorted_by(|one, next| one.checked_add(1) == Some(*next))
            && let (Some(first), Some(last)) = (ids.first(), ids.last())
            && *last < u32::MAX
        {
            // Of very many addresses nearly all are stored like this.
            self.ipv4.between(*first..last + 1).copy_from_slice(ipv4);
            return;
        }
        for (((kind, id), hash), ipv4) in kinds.iter().zip(ids).zip(hashes).zip(ipv4) {
            if *ipv4 > 0 {
                *self.ipv4.slot(*id) = *ipv4;
            } else if let Some(kind) = TextKind::ALL.get(usize::from(*kind)) {
                self.put(*kind, *id, *hash);
            }
        }
    }

    /// Column by column, for texts whose identities a file stores: as `get` returned them.
    pub fn put_known(&mut self, kinds: &[u8], ids: &[u32], identities: &[u64]) {
        for ((kind, id), identity) in kinds.iter().zip(ids).zip(identities) {
            if let Some(kind) = TextKind::ALL.get(usize::from(*kind)) {
                *self.hashes[*kind as usize].slot(*id) = *identity;
            }
        }
    }

    /// The user's, or without one the address's.
    pub fn of_consumer(&self, user: u32, address: u32) -> u64 {
        match user {
            0 => self.get(TextKind::Address, address),
            user => self.get(TextKind::User, user),
        }
    }

    /// Id 0 is "no text" in every file.
    #[inline]
    pub fn get(&self, kind: TextKind, id: u32) -> u64 {
        if kind == TextKind::Address
            && let Some(&ipv4) = self.ipv4.get(id)
            && ipv4 > 0
        {
            return of_ipv4(ipv4);
        }
        self.of_text(kind, id)
    }

    #[inline]
    fn of_text(&self, kind: TextKind, id: u32) -> u64 {
        match self.hashes[kind as usize].get(id) {
            Some(identity) if id > 0 => *identity,
            _ => of_kind(kind),
        }
    }

    /// The identities of many hits' consumers (user, address), in order. Without either it is the one of "no address".
    ///
    /// Of very many addresses most loads miss the cache. So they are done first, in a loop of hardly anything else: the
    /// processor overlaps as many as it can look ahead to, and hashing between them would fill its window.
    pub fn of_consumers(
        &self,
        consumers: impl Iterator<Item = (u32, u32)> + Clone,
        out: &mut Vec<u64>,
    ) {
        out.clear();
        out.extend(consumers.clone().map(|(user, address)| match user {
            0 => u64::from(self.ipv4.get(address).copied().unwrap_or_default()),
            _ => 0,
        }));
        for ((user, address), out) in consumers.zip(out) {
            *out = match (user, *out as u32) {
                (0, 0) => self.of_text(TextKind::Address, address),
                (0, ipv4) => of_ipv4(ipv4),
                (user, _) => self.of_text(TextKind::User, user),
            };
        }
    }

    pub fn of_endpoint(&self, (method, route): (u32, u32)) -> u64 {
        mix(self.get(TextKind::Method, method).rotate_left(32) ^ self.get(TextKind::Route, route))
    }

    /// An address as a number. 0: it is none, or not known.
    pub(super) fn ipv4(&self, kind: TextKind, id: u32) -> u32 {
        match kind {
            TextKind::Address => self.ipv4.get(id).copied().unwrap_or_default(),
            _ => 0,
        }
    }

    /// Whether the identity of a text was put.
    pub fn has(&self, kind: TextKind, id: u32) -> bool {
        self.hashes[kind as usize].get(id).is_some_and(|identity| *identity > 0)
            || self.ipv4(kind, id) > 0
    }

    /// The identity that a row of `put_all` gives its text.
    #[inline]
    pub fn of_row(kind: TextKind, hash: u64, ipv4: u32) -> u64 {
        if ipv4 > 0 { of_ipv4(ipv4) } else { mix(hash ^ of_kind(kind)) }
    }

    /// Slots for the ids of this kind: sparse if it has more than `dense`, or if only few of them have an identity.
    pub(super) fn slots<T: Clone + Default>(&self, kind: TextKind, dense: u64) -> Slots<T> {
        let hashes = &self.hashes[kind as usize];
        let ipv4 = if kind == TextKind::Address { self.ipv4.span() } else { 0 };
        match hashes.is_sparse() || hashes.span().max(ipv4) as u64 > dense {
            true => Slots::sparse(),
            false => Slots::default(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.hashes.iter().map(Slots::bytes).sum::<usize>() + self.ipv4.bytes()
    }
}

#[inline]
fn of_ipv4(number: u32) -> u64 {
    mix(identity_of_ipv4(number) ^ of_kind(TextKind::Address))
}

fn of_kind(kind: TextKind) -> u64 {
    mix(kind as u64 + 1)
}

/// The finalizer of SplitMix64: every bit of the result depends on every input bit, which an engine's hash may not
/// guarantee.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::identity;

    #[test]
    fn numeric_addresses_in_a_row_are_put_like_single_ones() {
        let kind = TextKind::Address;
        let put = |of_stretch: bool, runs: &[&[u32]]| {
            let mut all = match of_stretch {
                true => Identities::of_stretch([0..0, 1..2_000]),
                false => Identities::default(),
            };
            for ids in runs {
                let ipv4: Vec<u32> = ids.iter().map(|id| id << 8).collect();
                all.put_all(&vec![kind as u8; ids.len()], ids, &vec![0; ids.len()], &ipv4);
            }
            all
        };
        let runs: [&[u32]; 5] =
            [&[500, 501, 502, 503], &[490, 491], &[7, 9, 10], &[12, 11], &[1_999]];
        let known = runs.concat();
        for of_stretch in [true, false] {
            let all = put(of_stretch, &runs);
            for id in 1..2_000 {
                let expected = if known.contains(&id) { id << 8 } else { 0 };
                assert_eq!(all.ipv4(kind, id), expected, "{id}");
            }
        }
        let last = put(false, &[&[u32::MAX - 1, u32::MAX]]);
        assert_eq!(last.ipv4(kind, u32::MAX), u32::MAX << 8);
    }

    #[test]
    fn an_identity_belongs_to_a_text_of_a_kind() {
        let (mut one, mut other) = (Identities::default(), Identities::default());
        one.put(TextKind::User, 7, 99);
        other.put(TextKind::User, 1, 99);
        other.put(TextKind::Address, 1, 99);
        assert_eq!(one.get(TextKind::User, 7), other.get(TextKind::User, 1));
        assert_ne!(other.get(TextKind::User, 1), other.get(TextKind::Address, 1));
        assert_eq!(one.get(TextKind::User, 0), other.get(TextKind::User, 0));
        assert_ne!(one.get(TextKind::User, 0), one.get(TextKind::Address, 0));
        one.put_all(&[TextKind::Address as u8, 99], &[8, 8], &[0, 0], &[0xcb00_7107, 0]);
        other.put(TextKind::Address, 2, identity(b"203.0.113.7"));
        assert_eq!(one.get(TextKind::Address, 8), other.get(TextKind::Address, 2));
        assert_ne!(one.get(TextKind::Address, 8), one.get(TextKind::Address, 7));
        let mut kept = Identities::of_few(&[TextKind::Address]);
        kept.put_known(&[TextKind::Address as u8], &[5], &[one.get(TextKind::Address, 8)]);
        assert_eq!(kept.get(TextKind::Address, 5), one.get(TextKind::Address, 8));
        let kind = TextKind::Address;
        assert_eq!(Identities::of_row(kind, 0, 0xcb00_7107), one.get(kind, 8));
        assert_eq!(Identities::of_row(kind, 99, 0), other.get(kind, 1));
        let mut few = Identities::of_few(&[kind]);
        let rows = ([kind as u8; 3], [7, 8, 9], [0, 0, 99], [0xcb00_7108, 0xcb00_7107, 0]);
        few.put_wanted(&rows.0, &rows.1, &rows.2, &rows.3, |_, id| id == 8);
        assert_eq!(few.get(kind, 8), one.get(kind, 8));
        assert_eq!([few.get(kind, 7), few.get(kind, 9)], [few.get(kind, 0); 2]);
        let consumers = [(7, 8), (0, 8), (0, 7), (0, 0), (7, 0)];
        let mut found = vec![1];
        one.of_consumers(consumers.into_iter(), &mut found);
        assert_eq!(found, consumers.map(|(user, address)| one.of_consumer(user, address)));
        for kind in [TextKind::Method, TextKind::Route] {
            one.put(kind, 7, 99);
        }
        assert_ne!(one.of_endpoint((0, 7)), one.of_endpoint((7, 0)));
    }
}
