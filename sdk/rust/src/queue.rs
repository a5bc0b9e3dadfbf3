//! All clients of this process: how much they hold together, the one thread that posts, and the end of the process. Bounded: at most
//! `MAX_HELD` hits, whatever the server does; the oldest of the fullest client are dropped and counted.
//!
//! The thread is the standard library's and not a task, so that it works in every runtime and in none, and after a runtime has ended. The
//! first hit starts it.

use std::hash::BuildHasher;
use std::io::Write as _;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::client::{Client, ClientSettings, Waiting, FLUSH_AT};
use crate::hit::Hit;
use crate::log::{complain_once, tell};
use crate::post::{Answer, Connection};

const MAX_HELD: usize = 10_000;
const EXIT: Duration = Duration::from_secs(2);
/// A machine that has no more threads is not asked for one with each request.
const THREAD_AGAIN: Duration = Duration::from_secs(1);

pub(crate) static QUEUE: Queue = Queue::new();

pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the thread.
    wake: Condvar,
    /// Wakes those who wait for a flush.
    flushed: Condvar,
}

struct State {
    clients: Vec<Waiting>,
    held: usize,
    has_thread: bool,
    no_thread_until: Option<Instant>,
    /// Flushes are numbered: one is over once the thread has begun a round after it was asked for, and ended it.
    flush_asked: u64,
    flush_over: u64,
    all_sent: bool,
    exit_by: Option<Instant>,
}

impl Queue {
    const fn new() -> Self {
        let state = State {
            clients: Vec::new(),
            held: 0,
            has_thread: false,
            no_thread_until: None,
            flush_asked: 0,
            flush_over: 0,
            all_sent: true,
            exit_by: None,
        };
        Self { state: Mutex::new(state), wake: Condvar::new(), flushed: Condvar::new() }
    }

    pub(crate) fn client(&self, settings: ClientSettings) -> Arc<Client> {
        let mut state = self.lock();
        if let Some(same) = state.clients.iter().find(|one| one.client.settings == settings) {
            return same.client.clone();
        }
        let is_same = |other: &ClientSettings| other.key == settings.key && other.url == settings.url;
        let twin = state.clients.iter().find(|one| is_same(&one.client.settings));
        let project = twin.map_or(state.clients.len() as u32 + 1, |twin| twin.client.project);
        let client = Arc::new(Client::new(settings, state.clients.len(), project));
        state.clients.push(Waiting::new(client.clone()));
        client
    }

    pub(crate) fn add(&'static self, client: &Client, hit: Box<Hit>) {
        let mut state = self.lock();
        if client.is_stopped() {
            return;
        }
        let wakes = state.clients[client.number].add(hit, Instant::now);
        state.held += 1;
        let dropped = if state.held > MAX_HELD { state.make_room() } else { None };
        let starts = !state.has_thread && state.may_start();
        if starts {
            state.has_thread = true;
        }
        drop(state);
        drop(dropped);
        if starts {
            self.start();
        } else if wakes {
            self.wake.notify_one();
        }
    }

    /// Posts what waits, now: one try. False if something is left because it failed or takes longer.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.lock();
        if state.held == 0 || !state.has_thread {
            return state.held == 0;
        }
        state.flush_asked += 1;
        let mine = state.flush_asked;
        self.wake.notify_one();
        while state.flush_over < mine {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.flushed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.all_sent
    }

    /// `flush` for the end of a process: two seconds in all, however often it is called. A server that has answered before may just be
    /// starting again, so it gets more tries; one that never did is probably not there, and a test suite should not wait for it.
    pub(crate) fn flush_at_exit(&self) -> bool {
        let now = Instant::now();
        let until = {
            let mut state = self.lock();
            if state.exit_by.map_or(true, |until| now > until + Duration::from_secs(10)) {
                state.exit_by = Some(now + EXIT);
            }
            state.exit_by.unwrap_or(now)
        };
        loop {
            if self.flush(until.saturating_duration_since(Instant::now())) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            let known = self.lock().clients.iter().any(|one| one.ever_kept);
            if left.is_zero() || !known {
                return false;
            }
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock panics; if it did, posting on is better than panicking in the host.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&'static self) {
        crate::exit::call_at_exit(|| {
            QUEUE.flush_at_exit();
        });
        let thread = std::thread::Builder::new().name("api-analytics".to_owned());
        if let Err(error) = thread.spawn(|| self.run()) {
            let mut state = self.lock();
            state.has_thread = false;
            state.no_thread_until = Some(Instant::now() + THREAD_AGAIN);
            drop(state);
            tell(&format!("no thread could be started, so nothing is posted yet: {error}"));
        }
    }

    fn run(&self) {
        // The next hit starts another thread if this one ends, which would be a mistake of ours.
        struct Ended<'a>(&'a Queue);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.lock().has_thread = false;
            }
        }
        let _ended = Ended(self);
        let mut connections: Vec<Connection> = Vec::new();
        loop {
            let (number, is_flush) = self.wait();
            if is_flush {
                self.flush_all(&mut connections);
            } else {
                self.deliver(number, &mut connections);
            }
        }
    }

    /// Until a client is due, or somebody asks for a flush.
    fn wait(&self) -> (usize, bool) {
        let mut state = self.lock();
        loop {
            if state.flush_asked > state.flush_over {
                return (0, true);
            }
            let now = Instant::now();
            let dues = state.clients.iter().enumerate().filter_map(|(at, one)| Some((one.due(now)?, at)));
            state = match dues.min() {
                Some((due, at)) if due <= now => return (at, false),
                Some((due, _)) => self.wake.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn flush_all(&self, connections: &mut Vec<Connection>) {
        let (asked, count) = {
            let state = self.lock();
            (state.flush_asked, state.clients.len())
        };
        let mut all_sent = true;
        for number in 0..count {
            let (is_empty, may) = {
                let state = self.lock();
                let one = &state.clients[number];
                (one.held() == 0, one.may_flush(Instant::now()))
            };
            all_sent &= is_empty || (may && self.deliver(number, connections));
        }
        let mut state = self.lock();
        (state.flush_over, state.all_sent) = (asked, all_sent);
        drop(state);
        self.flushed.notify_all();
    }

    /// Posts what a client has now. Hits that come meanwhile wait for the next time unless they are many, else a busy app with a slow server
    /// would post batches of a few hits without a rest. True if all was settled.
    fn deliver(&self, number: usize, connections: &mut Vec<Connection>) -> bool {
        let mut left = self.lock().clients[number].waiting();
        let all_sent = loop {
            let (client, batch) = {
                let mut state = self.lock();
                let one = &mut state.clients[number];
                let take = if one.waiting() >= FLUSH_AT { FLUSH_AT } else { left };
                let before = one.waiting();
                let batch = one.next_batch(take, Instant::now());
                left = left.saturating_sub(before - one.waiting());
                (one.client.clone(), batch)
            };
            let Some(batch) = batch else { break true };
            while connections.len() <= number {
                let state = self.lock();
                let settings = &state.clients[connections.len()].client.settings;
                connections.push(Connection::new(settings.url.clone(), &settings.key));
            }
            let answer = post(&mut connections[number], &client, &batch);
            let mut state = self.lock();
            let one = &mut state.clients[number];
            let before = one.held();
            let is_settled = one.settle(batch, answer, Instant::now(), random());
            let (messages, complaint) = (std::mem::take(&mut one.messages), one.complaint.take());
            let after = one.held();
            state.held -= before - after;
            drop(state);
            messages.iter().for_each(|message| tell(message));
            if let Some(complaint) = complaint {
                complain_once(&complaint);
                connections[number].close();
            }
            if !is_settled {
                break false;
            }
        };
        self.lock().clients[number].rest(Instant::now(), random());
        all_sent
    }
}

impl State {
    fn may_start(&self) -> bool {
        self.no_thread_until.map_or(true, |until| Instant::now() >= until)
    }

    fn make_room(&mut self) -> Option<Box<Hit>> {
        let dropped = self.clients.iter_mut().max_by_key(|one| one.held())?.drop_oldest();
        self.held -= usize::from(dropped.is_some());
        dropped
    }
}

/// One try. A panic, which would be a mistake of ours, is a failed one: the thread must survive it.
fn post(connection: &mut Connection, client: &Client, batch: &crate::client::Batch) -> Result<Answer, String> {
    let posted = catch_unwind(AssertUnwindSafe(|| {
        let json = batch.to_json(&client.settings, micros_since_1970(SystemTime::now()));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&json).and_then(|()| gzip.finish()).map_err(|error| error.to_string()).and_then(|body| connection.post(&body))
    }));
    posted.unwrap_or_else(|_| {
        connection.close();
        Err("a panic in the client".to_owned())
    })
}

pub(crate) fn micros_since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// From 0 up to 1.
fn random() -> f64 {
    let bits = std::collections::hash_map::RandomState::new().hash_one(0);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
