//! A client: one key at one server, its waiting hits, and the effect of answers on them. Apps in one process that use the same key, server,
//! framework, privacy level and release share one. Pure: it is told the time, and has neither thread nor connection.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::ServerUrl;
use crate::hit::{to_rfc3339, write_text, Hit};
use crate::post::{to_backoff, Answer};

const MAX_BATCH: usize = 500;
/// A 413 limits later batches as well, but one huge hit must not reduce all of them to single hits.
const MIN_BATCH: usize = 50;
pub(crate) const FLUSH_AT: usize = 500;
const FIRST_FLUSH: Duration = Duration::from_millis(500);
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// The server's memory of batches lasts longer; a retry after that could be counted twice.
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ClientSettings {
    pub url: ServerUrl,
    pub key: String,
    pub framework: &'static str,
    pub privacy_level: u8,
    pub release: String,
}

/// The part of a client that middleware sees without a lock.
pub(crate) struct Client {
    pub settings: ClientSettings,
    /// Its place in the queue.
    pub number: usize,
    /// Equal for two clients that post to the same project, whatever framework they name; from 1.
    pub project: u32,
    stopped: AtomicBool,
}

impl Client {
    pub(crate) fn new(settings: ClientSettings, number: usize, project: u32) -> Self {
        Self { settings, number, project, stopped: AtomicBool::new(false) }
    }

    /// True once its key was refused.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Hits that are posted together, under one id over all tries.
pub(crate) struct Batch {
    pub batch_id: String,
    pub hits: VecDeque<Box<Hit>>,
    pub dropped: u64,
    first_try: Instant,
}

impl Batch {
    fn new(hits: VecDeque<Box<Hit>>, dropped: u64, first_try: Instant) -> Self {
        Self { batch_id: new_batch_id(), hits, dropped, first_try }
    }

    /// The JSON of one try: `sent_at` is new each time, `batch_id` is not.
    pub(crate) fn to_json(&self, settings: &ClientSettings, now_us: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(400 + self.hits.len() * 300);
        out.extend_from_slice(b"{\"framework\":");
        write_text(&mut out, settings.framework);
        let shared = format!(
            ",\"privacy_level\":{},\"batch_id\":\"{}\",\"sdk\":\"rust/{}\",\"sent_at\":\"{}\",\"dropped\":{}",
            settings.privacy_level,
            self.batch_id,
            crate::VERSION,
            to_rfc3339(now_us),
            self.dropped
        );
        out.extend_from_slice(shared.as_bytes());
        if !settings.release.is_empty() {
            out.extend_from_slice(b",\"release\":");
            write_text(&mut out, &settings.release);
        }
        out.extend_from_slice(b",\"requests\":[");
        for (at, hit) in self.hits.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            hit.write_json(&mut out);
        }
        out.extend_from_slice(b"]}");
        out
    }
}

/// A client's hits that no server has acknowledged, and when to post them.
pub(crate) struct Waiting {
    pub client: Arc<Client>,
    hits: VecDeque<Box<Hit>>,
    batches: VecDeque<Batch>,
    /// Hits of the batch that is being posted.
    under_way: usize,
    dropped: u64,
    /// When the waiting hits are due, unless something failed or 500 are there.
    due: Option<Instant>,
    next_flush: Option<Instant>,
    retry_at: Option<Instant>,
    asked_to_wait: bool,
    failures: u32,
    max_batch: usize,
    pub ever_kept: bool,
    told: HashSet<String>,
    /// Messages for the log, which is not called under the queue's lock.
    pub messages: Vec<String>,
    /// A message that must be seen.
    pub complaint: Option<String>,
}

impl Waiting {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            hits: VecDeque::new(),
            batches: VecDeque::new(),
            under_way: 0,
            dropped: 0,
            due: None,
            next_flush: None,
            retry_at: None,
            asked_to_wait: false,
            failures: 0,
            max_batch: MAX_BATCH,
            ever_kept: false,
            told: HashSet::new(),
            messages: Vec::new(),
            complaint: None,
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.hits.len() + self.under_way + self.batches.iter().map(|batch| batch.hits.len()).sum::<usize>()
    }

    /// Takes a hit; true if the time of the next post may have changed by it.
    pub(crate) fn add(&mut self, hit: Box<Hit>, now: impl FnOnce() -> Instant) -> bool {
        self.hits.push_back(hit);
        if self.due.is_none() {
            let soon = now() + FIRST_FLUSH;
            self.due = Some(self.next_flush.map_or(soon, |next| next.max(soon)));
            return self.retry_at.is_none();
        }
        self.hits.len() == FLUSH_AT && self.retry_at.is_none()
    }

    /// When this client has something to post.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if self.hits.is_empty() && self.batches.is_empty() {
            return None;
        }
        match self.retry_at {
            Some(retry_at) => Some(retry_at),
            None if self.hits.len() >= FLUSH_AT || !self.batches.is_empty() => Some(now),
            None => self.due,
        }
    }

    /// Whether a flush may post now: also during a backoff, but not before the time that a server asked for.
    pub(crate) fn may_flush(&self, now: Instant) -> bool {
        !(self.asked_to_wait && self.retry_at.is_some_and(|retry_at| retry_at > now))
    }

    pub(crate) fn waiting(&self) -> usize {
        self.hits.len()
    }

    /// Makes room for one hit. A batch on the wire stays whole.
    pub(crate) fn drop_oldest(&mut self) -> Option<Box<Hit>> {
        // A batch keeps its name when it shrinks: had the server kept it after all, the name makes the rest a duplicate.
        let batch = self.batches.iter_mut().find(|batch| !batch.hits.is_empty());
        let dropped = batch.map_or(&mut self.hits, |batch| &mut batch.hits).pop_front();
        self.dropped += u64::from(dropped.is_some());
        dropped
    }

    /// The oldest batch that failed before, else a new one of at most `take` waiting hits. It is under way until `settle`.
    pub(crate) fn next_batch(&mut self, take: usize, now: Instant) -> Option<Batch> {
        while let Some(batch) = self.batches.pop_front() {
            if !batch.hits.is_empty() {
                self.under_way = batch.hits.len();
                return Some(batch);
            }
            self.dropped += batch.dropped;
        }
        let count = self.hits.len().min(self.max_batch).min(take);
        if count == 0 {
            return None;
        }
        let hits: VecDeque<_> = self.hits.drain(..count).collect();
        self.under_way = count;
        Some(Batch::new(hits, std::mem::take(&mut self.dropped), now))
    }

    /// The end of a round of posts.
    pub(crate) fn rest(&mut self, now: Instant, jitter: f64) {
        let next = now + FLUSH_EVERY.mul_f64(0.9 + 0.2 * jitter);
        self.next_flush = Some(next);
        self.due = (!self.hits.is_empty()).then_some(next);
    }

    /// The effect of one try. True when the batch is settled, one way or another.
    pub(crate) fn settle(&mut self, batch: Batch, answer: Result<Answer, String>, now: Instant, jitter: f64) -> bool {
        self.under_way = 0;
        let place = self.client.settings.url.authority.clone();
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return self.retry_later(batch, None, &format!("cannot reach {place} ({why})"), now, jitter),
        };
        let text = |name: &str, length: usize| -> String {
            answer.body.get(name).and_then(|value| value.as_str()).unwrap_or_default().chars().take(length).collect()
        };
        let said = format!("{} {}", answer.status, text("code", 64)).trim().to_owned();
        match answer.status {
            200..=299 if answer.body.get("accepted").is_some_and(|accepted| accepted.is_i64() || accepted.is_u64()) => {
                self.was_kept(&answer);
                true
            }
            200..=299 => self.retry_later(batch, None, &format!("{place} answered, but not as API Analytics does"), now, jitter),
            401 => {
                self.client.stopped.store(true, Ordering::Relaxed);
                self.complaint = Some(format!(
                    "{place} does not know this key ({said}): nothing more is posted until this process is started again with a valid key"
                ));
                self.hits.clear();
                self.batches.clear();
                true
            }
            413 => {
                self.halve(batch, &format!("{place} refused a single hit with {said}"));
                true
            }
            408 | 429 | 500.. => self.retry_later(batch, answer.retry_after, &format!("{place} answered {said}"), now, jitter),
            _ => {
                let to = answer.location.map_or(String::new(), |to| format!(", it points to {to}"));
                self.give_up(batch, &format!("{place} refused a batch with {said}{to}: {}", text("message", 200)));
                true
            }
        }
    }

    fn was_kept(&mut self, answer: &Answer) {
        if self.failures > 0 {
            self.messages.push("posting again".to_owned());
        }
        (self.failures, self.retry_at, self.asked_to_wait, self.ever_kept) = (0, None, false, true);
        self.told.remove("retry");
        for one in answer.body.get("rejected").and_then(|all| all.as_array()).into_iter().flatten() {
            let reason = one.get("reason").and_then(|reason| reason.as_str()).unwrap_or("unknown");
            let reason: String = reason.chars().take(64).collect();
            self.tell_once(format!("rejected {reason}"), || format!("a hit was rejected as {reason}, said once"));
        }
    }

    fn retry_later(&mut self, batch: Batch, after: Option<Duration>, why: &str, now: Instant, jitter: f64) -> bool {
        self.failures += 1;
        self.asked_to_wait = after.is_some();
        self.retry_at = Some(now + after.unwrap_or_else(|| to_backoff(self.failures, jitter)));
        if now.duration_since(batch.first_try) > GIVE_UP {
            self.give_up(batch, &format!("{why}, for 24 hours"));
        } else {
            self.tell_once("retry".to_owned(), || format!("{why}: keeping what waits and trying again, said once an outage"));
            self.batches.push_front(batch);
        }
        false
    }

    fn halve(&mut self, mut batch: Batch, why: &str) {
        if batch.hits.len() <= 1 {
            self.give_up(batch, why);
            return;
        }
        let half = batch.hits.len() / 2;
        self.max_batch = self.max_batch.min(half).max(MIN_BATCH);
        let second = batch.hits.split_off(half);
        // New ids: the server must not mistake a half for the whole.
        self.batches.push_front(Batch::new(second, 0, batch.first_try));
        self.batches.push_front(Batch::new(batch.hits, batch.dropped, batch.first_try));
    }

    fn give_up(&mut self, batch: Batch, why: &str) {
        // The next batch reports the hits of a lost one, and those that it reported itself.
        let lost = batch.hits.len();
        self.dropped += batch.dropped + lost as u64;
        self.tell_once(format!("gave up {why}"), || format!("{why}: {lost} hits dropped, said once"));
    }

    fn tell_once(&mut self, topic: String, message: impl FnOnce() -> String) {
        if self.told.len() < 100 && self.told.insert(topic) {
            self.messages.push(message());
        }
    }
}

/// 128 bits that no other process has. The keys of the standard library's hashers come from the system's random numbers.
fn new_batch_id() -> String {
    let random = RandomState::new();
    format!("{:016x}{:016x}", random.hash_one(1), random.hash_one(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hit::Field;

    fn waiting(count: usize) -> Waiting {
        let url = crate::config::to_server_url("http://127.0.0.1:9").unwrap();
        let settings = ClientSettings { url, key: "k".into(), framework: "Test", privacy_level: 0, release: String::new() };
        let mut waiting = Waiting::new(Arc::new(Client::new(settings, 0, 1)));
        for number in 0..count {
            let mut hit = Hit::new(0);
            hit.set(Field::Path, &format!("/{number}"));
            waiting.add(Box::new(hit), Instant::now);
        }
        waiting
    }

    fn answer(status: u16, body: &str) -> Result<Answer, String> {
        let body = serde_json::from_str(body).unwrap_or_default();
        Ok(Answer { status, body, retry_after: None, location: None })
    }

    #[test]
    fn a_batch_has_one_id_over_all_tries_and_no_two_have_the_same() {
        let mut one = waiting(3);
        let now = Instant::now();
        let batch = one.next_batch(9, now).unwrap();
        let id = batch.batch_id.clone();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(!one.settle(batch, Err("x".into()), now, 0.0));
        assert_eq!(one.next_batch(9, now).unwrap().batch_id, id);
        let ids: HashSet<_> = (0..10_000).map(|_| new_batch_id()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn a_batch_is_given_up_after_24_hours_and_its_hits_are_reported_with_the_next() {
        let mut one = waiting(3);
        let began = Instant::now();
        let batch = one.next_batch(9, began).unwrap();
        assert!(!one.settle(batch, answer(503, ""), began, 0.0));
        let batch = one.next_batch(9, began).unwrap();
        let late = began + GIVE_UP + Duration::from_secs(1);
        assert!(!one.settle(batch, answer(503, ""), late, 0.0));
        one.add(Box::new(Hit::new(0)), Instant::now);
        let next = one.next_batch(9, late).unwrap();
        assert_eq!((next.hits.len(), next.dropped), (1, 3));
        assert!(one.settle(next, answer(200, r#"{"accepted": 1}"#), late, 0.0));
        assert_eq!((one.held(), one.dropped), (0, 0));
    }

    #[test]
    fn a_413_halves_this_batch_and_later_ones_but_never_below_50() {
        let mut one = waiting(500);
        let now = Instant::now();
        let mut sizes = Vec::new();
        while let Some(batch) = one.next_batch(500, now) {
            sizes.push(batch.hits.len());
            let large = batch.hits.iter().any(|hit| hit.get(Field::Path) == "/0");
            one.settle(batch, answer(if large { 413 } else { 200 }, r#"{"accepted": 1}"#), now, 0.0);
        }
        assert_eq!(sizes[..4], [500, 250, 125, 62]);
        assert_eq!((one.max_batch, one.dropped, one.held()), (50, 1, 0));
    }

    #[test]
    fn answers_do_what_the_protocol_says() {
        let now = Instant::now();
        for (status, body, settled, held, dropped) in [
            (200, r#"{"accepted": 0, "rejected": [{"reason": "x"}, 1]}"#, true, 0, 0),
            (200, "<html>", false, 3, 0),
            (200, r#"{"accepted": "3"}"#, false, 3, 0),
            (401, "", true, 0, 0),
            (408, "", false, 3, 0),
            (429, "", false, 3, 0),
            (500, "", false, 3, 0),
            (599, "", false, 3, 0),
            (301, "", true, 0, 3),
            (400, "", true, 0, 3),
            (415, "", true, 0, 3),
        ] {
            let mut one = waiting(3);
            let batch = one.next_batch(500, now).unwrap();
            assert_eq!(one.settle(batch, answer(status, body), now, 0.0), settled, "{status}");
            assert_eq!((one.held(), one.dropped, one.client.is_stopped()), (held, dropped, status == 401), "{status}");
        }
    }

    #[test]
    fn a_server_that_asks_to_wait_is_not_asked_before_not_even_by_a_flush() {
        let mut one = waiting(3);
        let now = Instant::now();
        let batch = one.next_batch(500, now).unwrap();
        let wait = Duration::from_secs(60);
        one.settle(batch, Ok(Answer { retry_after: Some(wait), ..answer(503, "").unwrap() }), now, 0.0);
        assert_eq!(one.due(now), Some(now + wait));
        assert!(!one.may_flush(now) && one.may_flush(now + wait));
        let batch = one.next_batch(500, now).unwrap();
        one.settle(batch, Err("x".into()), now, 0.0);
        assert!(one.may_flush(now));
    }

    #[test]
    fn the_oldest_hits_go_first_and_a_batch_on_the_wire_stays_whole() {
        let mut one = waiting(4);
        let now = Instant::now();
        let failed = one.next_batch(2, now).unwrap();
        assert_eq!(one.drop_oldest().unwrap().get(Field::Path), "/2");
        one.settle(failed, Err("x".into()), now, 0.0);
        assert_eq!(one.drop_oldest().unwrap().get(Field::Path), "/0");
        assert_eq!((one.held(), one.dropped), (2, 2));
    }
}
