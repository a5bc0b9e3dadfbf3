//! The queue of reads: a limited number run at once, the others wait, and every caller has a fair share of the time.
//!
//! Time is shared between client addresses first, and then between the projects that one address queries. Each has a
//! virtual clock that runs while its reads do; the one whose clock is furthest behind is next (fair queueing). A caller
//! with a hundred slow queries waits for their own; a neighbour's next query does not. A read is charged its estimated
//! cost when it starts, and its real cost when it ends.
//!
//! A caller that disconnects leaves the queue. A read that would wait too long is refused at once. Nothing here knows
//! what is read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use tokio::sync::oneshot;

use crate::network::network_of;

/// The payer of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reader {
    pub project: ProjectId,
    address: IpAddr,
}

impl Reader {
    pub fn new(project: ProjectId, address: IpAddr) -> Reader {
        Reader { project, address: network_of(address) }
    }

    /// The network for IPv6.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// Limits on running and waiting reads.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    pub running: usize,
    /// For one address, while others wait or may come: fewer than `running`, if that is more than one.
    pub running_of_one: usize,
    pub waiting: usize,
    pub waiting_of_one: usize,
    pub wait: Duration,
}

/// A refusal: too much is waiting already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub retry_after_s: u32,
}

/// For `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    pub running: usize,
    pub waiting: usize,
    pub refused: u64,
}

pub struct ReadQueue {
    limits: QueueLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    refused: u64,
    /// The clock of the last served: newcomers begin here.
    now: f64,
    addresses: HashMap<IpAddr, Address>,
    next_ticket: u64,
    /// The recent duration of reads, seconds.
    usual: f64,
}

#[derive(Default)]
struct Address {
    clock: f64,
    running: usize,
    waiting: usize,
    projects: HashMap<ProjectId, Project>,
}

#[derive(Default)]
struct Project {
    clock: f64,
    running: usize,
    /// In order of arrival.
    waiting: Vec<Waiting>,
}

struct Waiting {
    ticket: u64,
    estimate: f64,
    ready: oneshot::Sender<Turn>,
}

/// Held while a read runs.
pub struct Turn {
    queue: Arc<ReadQueue>,
    reader: Reader,
    estimate: f64,
    began: Instant,
}

/// A place in the queue; dropping it leaves the queue.
struct Place<'a> {
    queue: &'a Arc<ReadQueue>,
    reader: Reader,
    ticket: u64,
}

impl ReadQueue {
    pub fn new(limits: QueueLimits) -> Arc<ReadQueue> {
        Arc::new(ReadQueue { limits, state: Mutex::default() })
    }

    /// Waits for this reader's turn. `estimate`: about how long the read will take.
    pub async fn take(
        self: &Arc<Self>,
        reader: Reader,
        estimate: Duration,
    ) -> Result<Turn, Refused> {
        let (ready, turn) = oneshot::channel();
        let ticket = {
            let mut state = self.lock();
            state.admit(&self.limits, reader)?;
            state.join(reader, estimate.as_secs_f64(), ready)
        };
        let place = Place { queue: self, reader, ticket };
        self.start_next();
        let turn = turn.await;
        drop(place);
        // The sender is dropped only with the queue, or with a turn.
        turn.map_err(|_| Refused { retry_after_s: 1 })
    }

    pub fn stats(&self) -> QueueStats {
        let state = self.lock();
        QueueStats { running: state.running, waiting: state.waiting, refused: state.refused }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the next reads, while slots are free.
    fn start_next(self: &Arc<Self>) {
        loop {
            // TRICKY: a turn is sent without the lock, because dropping one that nobody takes needs it.
            let next = self.lock().next(&self.limits);
            let Some((reader, waiting)) = next else { return };
            let turn = Turn {
                queue: self.clone(),
                reader,
                estimate: waiting.estimate,
                began: Instant::now(),
            };
            // If the reader is gone, the turn ends here, which starts the next.
            drop(waiting.ready.send(turn));
        }
    }
}

impl State {
    /// An error if this reader would wait too long.
    fn admit(&mut self, limits: &QueueLimits, reader: Reader) -> Result<(), Refused> {
        let own = self.addresses.get(&reader.address).map_or(0, |address| address.waiting);
        let others = self.addresses.iter().filter(|(address, _)| **address != reader.address);
        // Each of the others may have as many turns as this one before this one's last.
        let before: usize = others.map(|(_, address)| address.waiting.min(own + 1)).sum();
        let is_free = self.running < limits.running && self.waiting == 0;
        let turns = if is_free { 0 } else { own + before + 1 };
        let wait = self.usual * turns as f64 / limits.running as f64;
        let is_full = self.waiting >= limits.waiting || own >= limits.waiting_of_one;
        if is_full || wait > limits.wait.as_secs_f64() {
            self.refused += 1;
            return Err(Refused { retry_after_s: (wait.ceil() as u32).clamp(1, 60) });
        }
        Ok(())
    }

    fn join(&mut self, reader: Reader, estimate: f64, ready: oneshot::Sender<Turn>) -> u64 {
        self.next_ticket += 1;
        self.waiting += 1;
        let now = self.now;
        let address = self.addresses.entry(reader.address).or_default();
        // A clock does not save up idle time.
        if address.running + address.waiting == 0 {
            address.clock = address.clock.max(now);
        }
        address.waiting += 1;
        let least = address.projects.values().map(|one| one.clock).fold(f64::INFINITY, f64::min);
        let project = address.projects.entry(reader.project).or_insert_with(|| Project {
            clock: if least.is_finite() { least } else { 0.0 },
            ..Project::default()
        });
        project.waiting.push(Waiting { ticket: self.next_ticket, estimate, ready });
        self.next_ticket
    }

    /// Takes the next one from the queue and counts it as running.
    fn next(&mut self, limits: &QueueLimits) -> Option<(Reader, Waiting)> {
        if self.running >= limits.running {
            return None;
        }
        let may_run =
            |address: &Address| address.waiting > 0 && address.running < limits.running_of_one;
        let (ip, address) = self
            .addresses
            .iter_mut()
            .filter(|(_, address)| may_run(address))
            .min_by(|(_, one), (_, other)| one.clock.total_cmp(&other.clock))?;
        let (id, project) = address
            .projects
            .iter_mut()
            .filter(|(_, project)| !project.waiting.is_empty())
            .min_by(|(_, one), (_, other)| one.clock.total_cmp(&other.clock))?;
        let waiting = project.waiting.remove(0);
        let reader = Reader { project: *id, address: *ip };
        project.running += 1;
        project.clock += waiting.estimate;
        address.running += 1;
        address.waiting -= 1;
        self.now = self.now.max(address.clock);
        address.clock += waiting.estimate;
        self.running += 1;
        self.waiting -= 1;
        Some((reader, waiting))
    }

    /// Forgets readers that are idle and owe nothing.
    fn tidy(&mut self, reader: Reader) {
        if self.running + self.waiting == 0 {
            // With an empty queue, past usage matters to nobody.
            self.addresses.clear();
            self.now = 0.0;
            return;
        }
        let Some(address) = self.addresses.get_mut(&reader.address) else { return };
        let is_idle = |project: &Project| project.running == 0 && project.waiting.is_empty();
        if address.running + address.waiting == 0 {
            address.projects.clear();
        } else {
            // The clocks of an address's projects are only compared with each other.
            let least = address
                .projects
                .values()
                .filter(|project| !is_idle(project))
                .map(|project| project.clock)
                .fold(f64::INFINITY, f64::min);
            address.projects.retain(|_, project| !is_idle(project) || project.clock > least);
        }
        let now = self.now;
        self.addresses.retain(|_, one| one.running + one.waiting > 0 || one.clock > now);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let Some(address) = state.addresses.get_mut(&self.reader.address) else { return };
        let Some(project) = address.projects.get_mut(&self.reader.project) else { return };
        let Some(at) = project.waiting.iter().position(|one| one.ticket == self.ticket) else {
            return;
        };
        project.waiting.remove(at);
        address.waiting -= 1;
        state.waiting -= 1;
        state.tidy(self.reader);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = self.began.elapsed().as_secs_f64();
        {
            let mut state = self.queue.lock();
            state.usual += (took - state.usual) / 8.0;
            state.running -= 1;
            if let Some(address) = state.addresses.get_mut(&self.reader.address) {
                address.running -= 1;
                address.clock += took - self.estimate;
                if let Some(project) = address.projects.get_mut(&self.reader.project) {
                    project.running -= 1;
                    project.clock += took - self.estimate;
                }
            }
            state.tidy(self.reader);
        }
        self.queue.start_next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits {
        running: 2,
        running_of_one: 1,
        waiting: 40,
        waiting_of_one: 30,
        wait: Duration::from_secs(20),
    };

    fn reader(project: u32, address: &str) -> Reader {
        Reader::new(ProjectId(project), address.parse().unwrap())
    }

    /// Lets every task run as far as it can.
    async fn settle() {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_neighbour_does_not_wait_for_a_crowd_of_one() {
        let queue = ReadQueue::new(LIMITS);
        let (crowd, neighbour) = (reader(1, "10.0.0.1"), reader(2, "10.0.0.2"));
        let first = queue.take(crowd, Duration::ZERO).await.unwrap();
        let waiting: Vec<_> = (0..30)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.take(crowd, Duration::ZERO).await })
            })
            .collect();
        settle().await;
        assert_eq!(queue.stats(), QueueStats { running: 1, waiting: 30, refused: 0 });
        // The crowd has its one slot; more of it is refused.
        assert_eq!(
            queue.take(crowd, Duration::ZERO).await.err(),
            Some(Refused { retry_after_s: 1 })
        );
        let own = queue.take(neighbour, Duration::ZERO).await.unwrap();
        assert_eq!(queue.stats(), QueueStats { running: 2, waiting: 30, refused: 1 });
        drop(own);
        drop(first);
        for one in waiting {
            drop(one.await.unwrap().unwrap());
        }
        assert_eq!(queue.stats(), QueueStats { running: 0, waiting: 0, refused: 1 });
        assert!(queue.lock().addresses.is_empty(), "nothing is left of those who asked");
    }

    #[tokio::test]
    async fn time_is_shared_between_addresses_and_then_between_projects() {
        let limits = QueueLimits { running: 1, running_of_one: 1, ..LIMITS };
        let queue = ReadQueue::new(limits);
        let (order, mut started) = tokio::sync::mpsc::unbounded_channel();
        let busy = queue.take(reader(9, "10.0.0.9"), Duration::ZERO).await.unwrap();
        // Alice queries two projects, and before Bob.
        let asked = [(1, "10.0.0.1", 4), (2, "10.0.0.1", 2), (1, "10.0.0.2", 3)];
        for (project, address, times) in asked {
            for _ in 0..times {
                let (queue, order) = (queue.clone(), order.clone());
                tokio::spawn(async move {
                    let turn = queue.take(reader(project, address), Duration::from_secs(1)).await;
                    let _ = order.send((project, address));
                    // Charged as estimated.
                    let mut turn = turn.unwrap();
                    turn.estimate = 0.0;
                });
                settle().await;
            }
        }
        drop(busy);
        let mut found = Vec::new();
        for _ in 0..9 {
            found.push(started.recv().await.unwrap());
        }
        let of =
            |address: &str| -> Vec<usize> { (0..9).filter(|n| found[*n].1 == address).collect() };
        let bob = of("10.0.0.2");
        assert!(bob.iter().all(|place| *place <= 5), "Bob has every other turn: {found:?}");
        let second: Vec<usize> = (0..9).filter(|n| found[*n] == (2, "10.0.0.1")).collect();
        assert!(second[1] <= 7, "Alice's projects take turns: {found:?}");
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_queue() {
        let queue = ReadQueue::new(LIMITS);
        let one = reader(1, "10.0.0.1");
        let running = queue.take(one, Duration::ZERO).await.unwrap();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.take(one, Duration::ZERO).await.map(drop) })
            })
            .collect();
        settle().await;
        assert_eq!(queue.stats().waiting, 10);
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        settle().await;
        assert_eq!(queue.stats(), QueueStats { running: 1, waiting: 0, refused: 0 });
        drop(running);
        drop(queue.take(one, Duration::ZERO).await.unwrap());
        assert_eq!(queue.stats().running, 0);
    }

    #[tokio::test]
    async fn a_wait_that_would_be_too_long_is_refused_at_once() {
        let queue = ReadQueue::new(LIMITS);
        queue.lock().usual = 15.0;
        let one = reader(1, "10.0.0.1");
        let running = queue.take(one, Duration::ZERO).await.unwrap();
        let more = queue.clone();
        let second = tokio::spawn(async move { more.take(one, Duration::ZERO).await });
        settle().await;
        // Two turns of 15 s on two slots take 15 s; three exceed the longest wait.
        let more = queue.clone();
        let third = tokio::spawn(async move { more.take(one, Duration::ZERO).await });
        settle().await;
        let refused = queue.take(one, Duration::ZERO).await.err();
        assert_eq!(refused, Some(Refused { retry_after_s: 23 }));
        drop(running);
        drop(second.await.unwrap().unwrap());
        drop(third.await.unwrap().unwrap());
    }

    #[test]
    fn an_ipv6_network_is_one_reader() {
        assert_eq!(reader(1, "2001:db8:1:2::3"), reader(1, "2001:db8:1:2:4:5:6:7"));
        assert_ne!(reader(1, "2001:db8:1:2::3"), reader(1, "2001:db8:1:3::3"));
        assert_eq!(reader(1, "::ffff:10.0.0.1"), reader(1, "10.0.0.1"));
    }
}
