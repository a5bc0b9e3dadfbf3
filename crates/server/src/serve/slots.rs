//! The slots of connections, and which connection is closed when a new caller needs one.
//!
//! Only connections without a running call are closed, the one idle for longest first. One that has just connected is
//! about to call, and a kept-alive one is believed open by its client, whose next call may cross the closing and be
//! lost: both are left alone for a while, unless others have made hardly any room for long. One whose call was answered
//! before its body had come gets no such time: hardly any client calls again on it.
//!
//! Pure: it gets the time, and returns the connection to close. The caller closes it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

pub type SlotId = u64;

#[derive(Clone, Copy, Debug)]
pub struct SlotLimits {
    pub all: usize,
    pub of_one_address: usize,
    /// The time for a new connection's first call.
    pub first_call: Duration,
    /// The time for a kept-alive connection's next call.
    pub next_call: Duration,
    /// How long new connections wait before one is closed that still has time.
    pub patience: Duration,
    /// By how much they wait longer for each connection that ended meanwhile, by itself or because its time was over.
    pub patience_per_end: Duration,
}

/// `C`: how the caller closes a connection.
pub struct Slots<C> {
    limits: SlotLimits,
    slots: HashMap<SlotId, Slot<C>>,
    /// Idle connections by the end of their time.
    idle: BTreeSet<(Instant, SlotId)>,
    addresses: HashMap<IpAddr, OfAddress>,
    closing: usize,
    silent: usize,
    /// The time since when new connections find no slot; later by the patience that ended connections have given.
    full_since: Option<Instant>,
    next_id: SlotId,
}

struct Slot<C> {
    /// None: an address without a limit.
    address: Option<IpAddr>,
    state: State,
    close: C,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has not called yet.
    Silent(Instant),
    Calling,
    KeptAlive(Instant),
    /// It was told to close.
    Closing,
}

#[derive(Default)]
struct OfAddress {
    held: usize,
    closing: usize,
    idle: BTreeSet<(Instant, SlotId)>,
}

/// Outcome for a new connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission<C> {
    Slot(SlotId),
    /// Close this one, and ask again when a slot is released.
    Close(C),
    /// Ask again when a slot is released, or in a moment.
    Wait,
    /// Its address has reached its limit, with a running call on each connection.
    Refused,
}

impl<C: Clone> Slots<C> {
    pub fn new(limits: SlotLimits) -> Slots<C> {
        Slots {
            limits,
            slots: HashMap::new(),
            idle: BTreeSet::new(),
            addresses: HashMap::new(),
            closing: 0,
            silent: 0,
            full_since: None,
            next_id: 0,
        }
    }

    /// A new connection has come. If it finds a slot at once, nobody waits for one any more.
    pub fn note_arrival(&mut self) {
        if self.slots.len() < self.limits.all {
            self.full_since = None;
        }
    }

    /// A slot for a new connection of `address`, or the connection to close for it. None: an address without a limit.
    pub fn take(&mut self, address: Option<IpAddr>, close: &C, now: Instant) -> Admission<C> {
        if let Some(of) = address.and_then(|address| self.addresses.get(&address))
            && of.held >= self.limits.of_one_address
        {
            if of.held - of.closing < self.limits.of_one_address {
                return Admission::Wait;
            }
            return match of.idle.first() {
                Some(&(_, oldest)) => Admission::Close(self.begin_closing(oldest)),
                None => Admission::Refused,
            };
        }
        if self.slots.len() >= self.limits.all {
            if self.slots.len() - self.closing < self.limits.all {
                return Admission::Wait;
            }
            let full_since = *self.full_since.get_or_insert(now);
            let is_patient = now.saturating_duration_since(full_since) < self.limits.patience;
            let Some(&(due, oldest)) = self.idle.first() else { return Admission::Wait };
            if due <= now {
                self.give_patience(now);
            } else if is_patient {
                return Admission::Wait;
            }
            return Admission::Close(self.begin_closing(oldest));
        }
        self.next_id += 1;
        let id = self.next_id;
        let due = now + self.limits.first_call;
        let slot = Slot { address, state: State::Silent(due), close: close.clone() };
        self.slots.insert(id, slot);
        self.silent += 1;
        if let Some(address) = address {
            self.addresses.entry(address).or_default().held += 1;
        }
        self.set_idle(id, due);
        Admission::Slot(id)
    }

    /// A call has come. True if the connection was told to close and now must not: another one must.
    pub fn begin_call(&mut self, id: SlotId) -> bool {
        let Some(state) = self.slots.get(&id).map(|slot| slot.state) else { return false };
        self.leave(id, state);
        self.set_state(id, State::Calling);
        matches!(state, State::Closing)
    }

    /// `left_rest`: the call was answered before its body had come.
    pub fn end_call(&mut self, id: SlotId, left_rest: bool, now: Instant) {
        if self.slots.get(&id).is_none_or(|slot| slot.state != State::Calling) {
            return;
        }
        let due = if left_rest { now } else { now + self.limits.next_call };
        self.set_state(id, State::KeptAlive(due));
        self.set_idle(id, due);
    }

    /// The connection has ended.
    pub fn let_go(&mut self, id: SlotId, now: Instant) {
        let Some(state) = self.slots.get(&id).map(|slot| slot.state) else { return };
        self.leave(id, state);
        if state != State::Closing {
            self.give_patience(now);
        }
        let Some(slot) = self.slots.remove(&id) else { return };
        let Some(address) = slot.address else { return };
        if let Some(of) = self.addresses.get_mut(&address) {
            of.held -= 1;
            if of.held == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    pub fn is_closing(&self, id: SlotId) -> bool {
        matches!(self.slots.get(&id).map(|slot| slot.state), Some(State::Closing))
    }

    /// Connections that have not called yet.
    pub fn silent(&self) -> usize {
        self.silent
    }

    /// All idle connections, to be closed.
    pub fn close_idle(&mut self) -> Vec<C> {
        let idle: Vec<SlotId> = self.idle.iter().map(|(_, id)| *id).collect();
        idle.into_iter().map(|id| self.begin_closing(id)).collect()
    }

    /// A connection makes room that ended by itself or whose time is over.
    fn give_patience(&mut self, now: Instant) {
        let later = |since: Instant| (since + self.limits.patience_per_end).min(now);
        self.full_since = self.full_since.map(later);
    }

    fn begin_closing(&mut self, id: SlotId) -> C {
        let slot = &self.slots[&id];
        let (state, close) = (slot.state, slot.close.clone());
        self.leave(id, state);
        self.set_state(id, State::Closing);
        self.closing += 1;
        if let Some(of) = self.of_address(id) {
            of.closing += 1;
        }
        close
    }

    /// Removes the slot from the counts of its state.
    fn leave(&mut self, id: SlotId, state: State) {
        match state {
            State::Silent(due) | State::KeptAlive(due) => {
                self.silent -= usize::from(matches!(state, State::Silent(_)));
                self.idle.remove(&(due, id));
                if let Some(of) = self.of_address(id) {
                    of.idle.remove(&(due, id));
                }
            }
            State::Closing => {
                self.closing -= 1;
                if let Some(of) = self.of_address(id) {
                    of.closing -= 1;
                }
            }
            State::Calling => {}
        }
    }

    fn set_state(&mut self, id: SlotId, state: State) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.state = state;
        }
    }

    fn set_idle(&mut self, id: SlotId, due: Instant) {
        self.idle.insert((due, id));
        if let Some(of) = self.of_address(id) {
            of.idle.insert((due, id));
        }
    }

    fn of_address(&mut self, id: SlotId) -> Option<&mut OfAddress> {
        let address = self.slots.get(&id)?.address?;
        self.addresses.get_mut(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Crowd {
        slots: Slots<&'static str>,
        start: Instant,
    }

    impl Crowd {
        fn new(all: usize, of_one_address: usize) -> Crowd {
            let limits = SlotLimits {
                all,
                of_one_address,
                first_call: Duration::from_secs(1),
                next_call: Duration::from_secs(5),
                patience: Duration::from_secs(3),
                patience_per_end: Duration::from_millis(500),
            };
            Crowd { slots: Slots::new(limits), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn take(
            &mut self,
            name: &'static str,
            address: &str,
            seconds: u64,
        ) -> Admission<&'static str> {
            let now = self.at(seconds);
            self.slots.take(address.parse().ok(), &name, now)
        }

        fn must_take(&mut self, name: &'static str, address: &str, seconds: u64) -> SlotId {
            match self.take(name, address, seconds) {
                Admission::Slot(id) => id,
                other => panic!("{name} got no slot: {other:?}"),
            }
        }

        fn call(&mut self, id: SlotId, seconds: u64) {
            self.slots.begin_call(id);
            let now = self.at(seconds);
            self.slots.end_call(id, false, now);
        }

        fn end(&mut self, id: SlotId, seconds: u64) {
            let now = self.at(seconds);
            self.slots.let_go(id, now);
        }
    }

    #[test]
    fn the_longest_idle_makes_room_and_one_that_has_called_counts_as_younger() {
        let mut crowd = Crowd::new(3, 3);
        let kept = crowd.must_take("kept", "", 0);
        crowd.call(kept, 1);
        let old = crowd.must_take("old", "", 2);
        crowd.must_take("young", "", 7);
        assert_eq!(crowd.take("new", "", 8), Admission::Close("old"));
        assert_eq!(crowd.take("new", "", 8), Admission::Wait, "one is about to go already");
        crowd.end(old, 8);
        crowd.must_take("new", "", 8);
        assert_eq!(crowd.take("next", "", 8), Admission::Close("kept"), "idle for 7 s");
    }

    #[test]
    fn who_may_still_call_is_left_alone_unless_nothing_else_makes_room() {
        let mut crowd = Crowd::new(2, 2);
        let busy = crowd.must_take("busy", "", 0);
        crowd.slots.begin_call(busy);
        let kept = crowd.must_take("kept", "", 0);
        crowd.call(kept, 10);
        assert_eq!(crowd.take("new", "", 11), Admission::Wait);
        assert_eq!(crowd.take("new", "", 13), Admission::Wait);
        assert_eq!(crowd.take("new", "", 14), Admission::Close("kept"), "after 3 s");
        crowd.end(kept, 14);
        crowd.must_take("new", "", 14);
        // While it stays full, the next one does not wait that long again.
        crowd.slots.note_arrival();
        assert_eq!(crowd.take("next", "", 14), Admission::Close("new"));
        crowd.end(busy, 14);
        crowd.slots.note_arrival();
        crowd.must_take("later", "", 20);
        crowd.slots.end_call(busy, false, crowd.at(20));
        assert_eq!(crowd.take("last", "", 20), Admission::Wait, "one is closing");
    }

    #[test]
    fn who_may_still_call_is_left_alone_while_others_go_by_themselves() {
        // Like slow bodies that are given up one after the other while new ones come.
        let mut crowd = Crowd::new(3, 3);
        let kept = crowd.must_take("kept", "", 0);
        let mut slow = [crowd.must_take("slow", "", 0), crowd.must_take("slow", "", 0)];
        for second in 1..20 {
            crowd.call(kept, second);
            slow.iter().for_each(|id| _ = crowd.slots.begin_call(*id));
            for slow in &mut slow {
                assert_eq!(crowd.take("new", "", second), Admission::Wait, "second {second}");
                crowd.end(*slow, second);
                *slow = crowd.must_take("new", "", second);
            }
        }
        // One that goes gives little patience: with all of it, one in a while would keep everybody out.
        crowd.call(kept, 19);
        slow.iter().for_each(|id| _ = crowd.slots.begin_call(*id));
        crowd.end(slow[0], 22);
        let new = crowd.must_take("new", "", 22);
        crowd.slots.begin_call(new);
        assert_eq!(crowd.take("last", "", 22), Admission::Wait);
        assert_eq!(crowd.take("last", "", 23), Admission::Close("kept"));
    }

    #[test]
    fn who_was_answered_before_its_body_came_makes_room_at_once() {
        let mut crowd = Crowd::new(2, 2);
        let kept = crowd.must_take("kept", "", 0);
        crowd.call(kept, 1);
        let slow = crowd.must_take("slow", "", 1);
        crowd.slots.begin_call(slow);
        assert_eq!(crowd.take("new", "", 2), Admission::Wait);
        crowd.slots.end_call(slow, true, crowd.at(2));
        assert_eq!(crowd.take("new", "", 2), Admission::Close("slow"));
    }

    #[test]
    fn a_call_under_way_is_never_closed() {
        let mut crowd = Crowd::new(2, 2);
        let busy = crowd.must_take("busy", "", 0);
        let other = crowd.must_take("other", "", 0);
        crowd.slots.begin_call(busy);
        crowd.slots.begin_call(other);
        assert_eq!(crowd.take("new", "", 9), Admission::Wait);
        crowd.slots.end_call(other, false, crowd.at(4));
        assert_eq!(crowd.take("new", "", 9), Admission::Close("other"));
        assert!(crowd.slots.is_closing(other));
        // Its call came at the same moment: another connection must close, and there is none.
        assert!(crowd.slots.begin_call(other));
        assert!(!crowd.slots.is_closing(other));
        assert_eq!(crowd.take("new", "", 9), Admission::Wait);
    }

    #[test]
    fn an_address_with_all_it_may_have_makes_room_by_itself() {
        let mut crowd = Crowd::new(10, 2);
        crowd.must_take("stranger", "192.0.2.1", 0);
        let one = crowd.must_take("one", "192.0.2.2", 1);
        let two = crowd.must_take("two", "192.0.2.2", 2);
        assert_eq!(crowd.take("three", "192.0.2.2", 3), Admission::Close("one"));
        crowd.end(one, 3);
        let three = crowd.must_take("three", "192.0.2.2", 3);
        crowd.slots.begin_call(two);
        crowd.slots.begin_call(three);
        assert_eq!(crowd.take("four", "192.0.2.2", 4), Admission::Refused);
        crowd.must_take("neighbour", "192.0.2.3", 4);
        for _ in 0..5 {
            crowd.must_take("proxy", "", 4);
        }
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let mut crowd = Crowd::new(10, 10);
        let all: Vec<SlotId> =
            (0..10).map(|second| crowd.must_take("one", "192.0.2.1", second)).collect();
        assert_eq!(crowd.slots.silent(), 10);
        crowd.call(all[0], 10);
        crowd.slots.begin_call(all[1]);
        assert_eq!(crowd.slots.silent(), 8);
        assert_eq!(crowd.take("new", "192.0.2.1", 11), Admission::Close("one"));
        assert_eq!(crowd.slots.close_idle().len(), 8, "one is calling, one is closing already");
        all.iter().for_each(|id| crowd.end(*id, 11));
        let slots = &crowd.slots;
        assert!(slots.slots.is_empty() && slots.idle.is_empty() && slots.addresses.is_empty());
        assert_eq!((slots.closing, slots.silent), (0, 0));
    }
}
