//! Sums by small whole numbers that lie together: a vector that knows where it begins.

/// One `T` for each number from the least to the greatest that was asked for. Ids of one project lie together in a file, so
/// this is as quick as an array and not much larger than what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slots<T> {
    base: u32,
    slots: Vec<T>,
}

impl<T: Clone + Default> Slots<T> {
    pub fn get(&self, id: u32) -> Option<&T> {
        self.slots.get(id.checked_sub(self.base)? as usize)
    }

    #[inline]
    pub fn slot(&mut self, id: u32) -> &mut T {
        let place = id.wrapping_sub(self.base) as usize;
        if place < self.slots.len() {
            return &mut self.slots[place];
        }
        self.grow(id)
    }

    #[cold]
    fn grow(&mut self, id: u32) -> &mut T {
        if self.slots.is_empty() {
            self.base = id;
        }
        if id < self.base {
            // Half as much again as there is, so that ids that come in descending order do not move everything each time.
            let more = (self.base - id).max(self.slots.len() as u32 / 2).min(self.base);
            let mut slots = vec![T::default(); more as usize];
            slots.append(&mut self.slots);
            self.slots = slots;
            self.base -= more;
        }
        let place = (id - self.base) as usize;
        if place >= self.slots.len() {
            self.slots.resize(place + 1, T::default());
        }
        &mut self.slots[place]
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut()
    }

    /// Ids in ascending order with what belongs to them, also those that nobody asked for.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> + Clone {
        self.slots.iter().enumerate().map(|(n, slot)| (self.base + n as u32, slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_grow_to_both_sides_and_keep_what_they_hold() {
        let mut slots = Slots::<u64>::default();
        assert_eq!(slots.get(7), None);
        for (n, id) in [1_000u32, 990, 1_500, 3, 1_000, u32::from(u16::MAX)].into_iter().enumerate()
        {
            *slots.slot(id) += n as u64 + 1;
        }
        let held: Vec<(u32, u64)> =
            slots.iter().filter(|(_, sum)| **sum > 0).map(|(id, sum)| (id, *sum)).collect();
        assert_eq!(held, [(3, 4), (990, 2), (1_000, 1 + 5), (1_500, 3), (65_535, 6)]);
        assert_eq!(slots.get(991), Some(&0));
    }
}
