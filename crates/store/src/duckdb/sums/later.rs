//! Hits that a read keeps until their consumers are looked up (`crowd`).

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::hit::TextKind;
use analytics::tally::{Columns, Needs, Tally};

/// Hits that are summed up at once, of those that were kept.
const AT_ONCE: usize = 8_192;

/// The number of a file's hits that may still be kept.
pub struct Room {
    kept: AtomicU64,
    most: u64,
}

impl Room {
    pub fn new(most: u64) -> Room {
        Room { kept: AtomicU64::new(0), most }
    }

    fn take(&self, rows: usize) -> bool {
        self.kept.fetch_add(rows as u64, Ordering::Relaxed) + rows as u64 <= self.most
    }

    /// Whether everything was kept.
    pub fn sufficed(&self) -> bool {
        self.kept.load(Ordering::Relaxed) <= self.most
    }
}

/// The hits that a thread has kept, by what is needed of their consumers.
#[derive(Default)]
pub struct Later(Vec<(Needs, LaterHits)>);

#[derive(Default)]
struct LaterHits {
    time_us: Vec<i64>,
    status: Vec<u16>,
    latency: Vec<u16>,
    country: Vec<u16>,
    users: Vec<u32>,
    addresses: Vec<u32>,
}

impl Later {
    /// Keeps these hits, or nothing any more if there is no room.
    pub fn add(&mut self, hits: &Columns<'_>, needs: Needs, room: &Room) {
        if !room.take(hits.time_us.len()) {
            self.0 = Vec::new();
            return;
        }
        let place = self.0.iter().position(|(other, _)| *other == needs).unwrap_or_else(|| {
            self.0.push((needs, LaterHits::default()));
            self.0.len() - 1
        });
        let kept = &mut self.0[place].1;
        kept.time_us.extend_from_slice(hits.time_us);
        if needs.has(Needs::CONSUMERS) {
            kept.status.extend_from_slice(hits.status);
            kept.country.extend_from_slice(hits.country);
        }
        if needs.has(Needs::CONSUMER_LATENCY) {
            kept.latency.extend_from_slice(hits.latency);
        }
        kept.users.extend_from_slice(hits.texts[TextKind::User as usize]);
        kept.addresses.extend_from_slice(hits.texts[TextKind::Address as usize]);
    }

    /// The user of each hit, or without one its address.
    pub fn consumers(&self) -> impl Iterator<Item = (TextKind, u32)> + '_ {
        let ids = self.0.iter().flat_map(|(_, hits)| hits.users.iter().zip(&hits.addresses));
        ids.filter_map(|(&user, &address)| match (user, address) {
            (0, 0) => None,
            (0, address) => Some((TextKind::Address, address)),
            (user, _) => Some((TextKind::User, user)),
        })
    }

    pub fn add_to(&self, tally: &mut Tally) {
        for (needs, hits) in &self.0 {
            let rows = hits.time_us.len();
            for from in (0..rows).step_by(AT_ONCE) {
                tally.add_hits(&hits.columns(from..rows.min(from + AT_ONCE)), *needs);
            }
        }
    }
}

impl LaterHits {
    fn columns(&self, rows: Range<usize>) -> Columns<'_> {
        // A column that is not needed is empty.
        fn part<T>(column: &[T], rows: Range<usize>) -> &[T] {
            column.get(rows).unwrap_or_default()
        }
        let mut columns = Columns {
            time_us: part(&self.time_us, rows.clone()),
            status: part(&self.status, rows.clone()),
            latency: part(&self.latency, rows.clone()),
            country: part(&self.country, rows.clone()),
            ..Columns::default()
        };
        columns.texts[TextKind::User as usize] = part(&self.users, rows.clone());
        columns.texts[TextKind::Address as usize] = part(&self.addresses, rows);
        columns
    }
}
