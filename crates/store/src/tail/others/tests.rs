//! The tails of two servers, with a test in the place of PostgreSQL and ClickHouse.

use analytics::filter::parse;
use analytics::hit::{Country, TextKind};

use super::*;
use crate::tail::watch::{CaughtUp, TailUpdate, Watcher};
use crate::types::Erasure;

const SHOP: ProjectId = ProjectId(7);
const BANK: ProjectId = ProjectId(8);

/// Servers 0 and 1. Watchers are at the first, and hits come to the second.
struct Two {
    here: Arc<Tail>,
    there: Arc<Tail>,
}

fn hit(seq: u64, index: u32, user: &str) -> HitRow {
    HitRow {
        hit_id: HitId::new(1, seq, index).0,
        time_us: 1_795_348_800_000_000,
        duration_us: None,
        status: 200,
        country: Country::NONE,
        request_size: None,
        response_size: None,
        texts: TextKind::ALL.map(|kind| match kind {
            TextKind::User => user.into(),
            _ => "".into(),
        }),
        words: std::array::from_fn(|_| "".into()),
    }
}

impl Two {
    fn new() -> Two {
        let two = Two { here: Arc::default(), there: Arc::default() };
        two.here.share(0);
        two.there.share(1);
        two.here.set_alive([0, 1].into());
        two
    }

    fn watch(&self, project: ProjectId, q: &str, wants_hits: bool) -> Watcher {
        let watcher = self.here.watch(0, project, parse(q).unwrap(), wants_hits);
        self.exchange();
        watcher
    }

    /// Passes messages on, as text, until nothing is left to say.
    fn exchange(&self) -> Vec<Says> {
        let mut all = Vec::new();
        loop {
            let messages: Vec<Message> =
                [&self.here, &self.there].iter().flat_map(|tail| tail.take_messages()).collect();
            if messages.is_empty() {
                return all;
            }
            for message in messages {
                let text = message.to_text();
                assert!(text.len() < 8_000);
                let message = Message::parse(&text).unwrap();
                self.here.hear(message.clone());
                self.there.hear(message.clone());
                all.push(message.says);
            }
        }
    }

    /// Hits come to the second server, and are in ClickHouse.
    fn store(&self, project: ProjectId, seq: u64, hits: u64) {
        let mut state = self.there.state();
        let times = (0..hits).map(|n| 1_795_348_800_000_000 + n as i64);
        state.others.tell(StoredHits::new(project, seq, times));
        (state.applied, state.shown) = (seq, seq);
        drop(state);
        self.exchange();
    }
}

/// At once, or nothing.
async fn next(watcher: &mut Watcher) -> Option<TailUpdate> {
    let news = tokio::time::timeout(Duration::from_millis(20), watcher.next(usize::MAX)).await;
    news.unwrap_or(Some(TailUpdate::default()))
}

async fn users(watcher: &mut Watcher) -> Vec<String> {
    let hits = next(watcher).await.expect("it has not ended").hits;
    hits.iter().map(|hit| hit.text(TextKind::User).to_string()).collect()
}

#[test]
fn nothing_is_said_of_projects_that_nobody_watches() {
    let two = Two::new();
    two.store(SHOP, 1, 5);
    assert_eq!(two.exchange(), []);
    let watcher = two.watch(SHOP, "", true);
    two.store(BANK, 2, 5);
    assert!(two.here.take_round().is_none());
    two.store(SHOP, 3, 5);
    let round = two.here.take_round().expect("it is told");
    assert_eq!((round.reads[0].project, round.reads[0].count()), (SHOP, 5));
    assert_eq!(round.reads[0].hits[&1].seqs, (3, 3));
    drop(watcher);
    two.store(SHOP, 4, 5);
    assert!(two.here.take_round().is_none());
}

#[tokio::test]
async fn a_watcher_is_shown_what_was_stored_after_it_began_and_passes_its_filter() {
    let two = Two::new();
    assert!(!two.here.is_told_by_all(SHOP), "it waits for the other server");
    let mut first = two.watch(SHOP, "", true);
    assert!(two.here.is_told_by_all(SHOP));
    two.store(SHOP, 3, 1);
    let mut all = two.watch(SHOP, "", true);
    let mut alice = two.watch(SHOP, "user:alice", true);
    let mut signal = two.watch(SHOP, "", false);
    let mut bob = two.watch(SHOP, "user:bob", false);
    two.store(SHOP, 4, 2);
    let mut round = two.here.take_round().unwrap();
    let read = &mut round.reads[0];
    assert_eq!((read.count(), read.hits[&1].seqs), (3, (3, 4)));
    read.show_numbers();
    assert!(next(&mut signal).await.unwrap().any, "no hit has to be read for it");
    let hits = [hit(3, 0, "early"), hit(4, 0, "alice"), hit(4, 1, "carol")].map(Arc::new);
    let erasures = read.erasures();
    read.show(&hits, 0, &erasures);
    assert!(read.watches.is_empty());
    assert_eq!(users(&mut all).await, ["alice", "carol"]);
    assert_eq!(users(&mut alice).await, ["alice"]);
    assert_eq!(next(&mut bob).await, Some(TailUpdate::default()));
    assert_eq!(users(&mut first).await, ["early", "alice", "carol"]);
    // A position is reached when everything up to it was shown.
    assert_eq!(first.position().unwrap().after(1), Some(HitId::new(1, 1, 0).0 - 1));
    two.here.end_round(round);
    assert_eq!(all.position().unwrap().after(1), Some(HitId::new(1, 5, 0).0 - 1));
}

#[tokio::test]
async fn hits_that_one_who_came_back_has_read_are_not_shown_again() {
    let two = Two::new();
    let mut watcher = two.watch(SHOP, "", true);
    two.store(SHOP, 3, 3);
    let caught_up = CaughtUp {
        hits: vec![hit(3, 1, "b")],
        passed: vec![hit(3, 1, "").hit_id],
        ..CaughtUp::default()
    };
    assert!(watcher.put_caught_up(caught_up, watcher.erasures()));
    let read = &mut two.here.take_round().unwrap().reads[0];
    let erasures = read.erasures();
    read.show(&[hit(3, 0, "a"), hit(3, 1, "b"), hit(3, 2, "c")].map(Arc::new), 0, &erasures);
    assert_eq!(users(&mut watcher).await, ["b", "c"]);
}

#[tokio::test]
async fn an_erasure_at_one_server_waits_until_the_other_has_forgotten() {
    let two = Two::new();
    let mut watcher = two.watch(SHOP, "", true);
    let mut other = two.watch(BANK, "", true);
    for project in [SHOP, BANK] {
        two.store(project, 3, 1);
    }
    let mut round = two.here.take_round().unwrap();
    for read in &mut round.reads {
        let erasures = read.erasures();
        read.show(&[Arc::new(hit(3, 0, "alice"))], 0, &erasures);
    }
    two.store(SHOP, 4, 1);
    let mut later = two.here.take_round().unwrap();
    let before = later.reads[0].erasures();
    let there = two.there.clone();
    let erasure = Erasure::User(SHOP, "alice".into());
    let erasing = std::thread::spawn(move || there.forget(1, 9, &erasure));
    std::thread::sleep(Duration::from_millis(100));
    assert!(!erasing.is_finished(), "it waits for the answer");
    two.exchange();
    erasing.join().unwrap();
    let news = next(&mut watcher).await.unwrap();
    assert_eq!((news.hits.len(), news.missed), (0, 1));
    assert_eq!(users(&mut other).await, ["alice"]);
    // Read before the erasure, they must be read again.
    let read = &mut later.reads[0];
    read.show(&[Arc::new(hit(4, 0, "alice"))], 0, &before);
    assert_eq!((read.watches.len(), next(&mut watcher).await.unwrap().hits.len()), (1, 0));
    let now = read.erasures();
    read.show(&[Arc::new(hit(4, 1, "bob"))], 0, &now);
    assert_eq!(users(&mut watcher).await, ["bob"]);
}

#[tokio::test]
async fn an_erasure_here_reaches_hits_of_other_servers() {
    let two = Two::new();
    let mut watcher = two.watch(SHOP, "", true);
    two.store(SHOP, 3, 2);
    let read = &mut two.here.take_round().unwrap().reads[0];
    let erasures = read.erasures();
    read.show(&[hit(3, 0, "alice"), hit(3, 1, "bob")].map(Arc::new), 0, &erasures);
    two.here.publish(Vec::new(), 5);
    // Hits of server 1 have greater ids than any of server 0.
    two.here.forget_here(0, 5, &Erasure::User(SHOP, "alice".into()));
    assert_eq!(users(&mut watcher).await, ["bob"]);
}

#[tokio::test]
async fn watchers_of_a_server_that_was_out_of_touch_start_again() {
    let two = Two::new();
    let mut watcher = two.watch(SHOP, "", true);
    two.here.find_others();
    assert_eq!(next(&mut watcher).await, Some(TailUpdate::default()), "it was never out of touch");
    two.here.lose_others();
    assert_eq!(next(&mut watcher).await, None);
    let mut meanwhile = two.here.watch(0, SHOP, Filter::default(), true);
    assert!(!two.here.is_told_by_all(SHOP));
    two.here.lose_others();
    assert_eq!(next(&mut meanwhile).await, Some(TailUpdate::default()), "it was known already");
    two.here.find_others();
    assert_eq!(next(&mut meanwhile).await, None);
}

#[tokio::test]
async fn watchers_start_again_if_the_other_server_did_not_know_of_them_for_a_while() {
    let two = Two::new();
    let mut watcher = two.watch(SHOP, "", true);
    two.there.state().others.wanted.clear();
    two.store(SHOP, 3, 1);
    two.here.state().others.asked_at = None;
    two.exchange();
    assert_eq!(next(&mut watcher).await, None);
}

#[tokio::test]
async fn of_more_hits_than_are_read_the_newest_are_shown_and_the_others_counted() {
    let two = Two::new();
    let mut all = two.watch(SHOP, "", true);
    let mut some = two.watch(SHOP, "user:alice", true);
    two.store(SHOP, 3, 5);
    {
        let mut state = two.there.state();
        state.others.tell(StoredHits::unseen(SHOP, 4));
    }
    two.exchange();
    let read = &mut two.here.take_round().unwrap().reads[0];
    assert_eq!(read.count(), 5);
    read.show_numbers();
    let erasures = read.erasures();
    read.show(&[hit(3, 3, "alice"), hit(3, 4, "bob")].map(Arc::new), 3, &erasures);
    let news = next(&mut all).await.unwrap();
    assert_eq!((news.hits.len(), news.missed, news.missed_more), (2, 3, true));
    let news = next(&mut some).await.unwrap();
    assert_eq!((news.hits.len(), news.missed, news.missed_more), (1, 0, true));
}
