//! Counts of one project in cells of equal length, side by side: any window is a sum of cells.

use std::collections::VecDeque;

use super::Counts;

pub const MINUTE_US: i64 = 60_000_000;
pub const WEEK_US: i64 = 7 * 24 * 60 * MINUTE_US;

/// The hits of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub requests: u32,
    pub server_errors: u32,
    pub client_errors: u32,
    /// Like `Counts::denied`.
    pub denied: u32,
}

impl Cell {
    pub fn add_hit(&mut self, status: u16) {
        self.requests += 1;
        match status {
            500.. => self.server_errors += 1,
            400..=499 => self.client_errors += 1,
            _ => {}
        }
        self.denied += u32::from(matches!(status, 401 | 403 | 429));
    }

    pub fn add(&mut self, other: Cell) {
        self.requests += other.requests;
        self.server_errors += other.server_errors;
        self.client_errors += other.client_errors;
        self.denied += other.denied;
    }
}

/// Cells from one time to before another.
#[derive(Clone, Debug)]
pub struct Timeline {
    cell_us: i64,
    /// The number of the first cell, counted from 1970.
    first: i64,
    cells: VecDeque<Cell>,
}

impl Timeline {
    /// Empty cells that cover the time from `from_us` to before `to_us`.
    pub fn over(cell_us: i64, from_us: i64, to_us: i64) -> Timeline {
        let first = from_us.div_euclid(cell_us);
        let mut timeline = Timeline { cell_us, first, cells: VecDeque::new() };
        timeline.extend_to(to_us);
        timeline
    }

    pub fn from_us(&self) -> i64 {
        self.first * self.cell_us
    }

    pub fn to_us(&self) -> i64 {
        (self.first + self.cells.len() as i64) * self.cell_us
    }

    /// `cell`: its number, counted from 1970. Cells outside are left out.
    pub fn add(&mut self, cell: i64, counts: Cell) {
        if let Some(sum) = self.at(cell) {
            sum.add(counts);
        }
    }

    /// Moves on: the cells from `from_us` are emptied, those up to `to_us` are added, and those that end by `forget_us`
    /// are dropped.
    pub fn renew(&mut self, forget_us: i64, from_us: i64, to_us: i64) {
        for cell in from_us.div_euclid(self.cell_us)..self.first + self.cells.len() as i64 {
            if let Some(counts) = self.at(cell) {
                *counts = Cell::default();
            }
        }
        self.extend_to(to_us);
        while self.from_us() + self.cell_us <= forget_us && self.cells.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// The hits of the cells that begin from `from_us` to before `to_us`.
    pub fn sum(&self, from_us: i64, to_us: i64) -> Counts {
        let place = |us: i64| {
            let cell = -(-us).div_euclid(self.cell_us);
            (cell - self.first).clamp(0, self.cells.len() as i64) as usize
        };
        let (from, to) = (place(from_us), place(to_us));
        let mut counts = Counts::default();
        for cell in self.cells.range(from.min(to)..to) {
            counts.requests += u64::from(cell.requests);
            counts.server_errors += u64::from(cell.server_errors);
            counts.client_errors += u64::from(cell.client_errors);
            counts.denied += u64::from(cell.denied);
        }
        counts
    }

    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.requests == 0)
    }

    fn at(&mut self, cell: i64) -> Option<&mut Cell> {
        self.cells.get_mut(usize::try_from(cell - self.first).ok()?)
    }

    fn extend_to(&mut self, to_us: i64) {
        let end = -(-to_us).div_euclid(self.cell_us);
        let cells = (end - self.first).max(self.cells.len() as i64);
        self.cells.resize(cells as usize, Cell::default());
    }
}
