//! Servers that share projects in one PostgreSQL database: each learns what another one changes, one leads, and each folder has
//! a number of its own.

use std::time::{Duration, Instant};

use analytics::monitor::heartbeat::Signal;
use store::MetaPlace;
use store::meta::{
    Can, Changed, Meta, MetaError, NewMonitor, NewShareLink, ProjectChange, Proof, Routes, Standing,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::home::{Engine, Home};
use crate::meta::{key, project, token};

const NOW: i64 = 1_795_348_800_000_000;

/// A server that follows the others until it is dropped.
struct Server {
    meta: Meta,
    tasks: Vec<JoinHandle<()>>,
    changes: mpsc::UnboundedReceiver<Changed>,
}

impl Server {
    async fn start(home: &Home, folder: u8) -> Server {
        let meta = open(home, folder).await;
        let (told, changes) = mpsc::unbounded_channel();
        let (hearing, following, beating) = (meta.clone(), meta.clone(), meta.clone());
        let tasks = vec![
            tokio::spawn(async move { hearing.listen().await }),
            tokio::spawn(async move {
                loop {
                    let _ = told.send(following.next_change().await);
                }
            }),
            tokio::spawn(async move {
                loop {
                    let _ = beating.beat().await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }),
        ];
        let mut server = Server { meta, tasks, changes };
        // The first is everything, once it listens.
        server.changes.recv().await.unwrap();
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn open(home: &Home, folder: u8) -> Meta {
    Meta::open_shared(&home.place, home.data(), [7; 32], NOW, [folder; 16]).await.unwrap()
}

async fn within(seconds: u64, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < end, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_one_server_changes_the_other_knows_within_a_second() {
    let home = Home::new(Engine::Postgres).await;
    let (one, mut other) = (Server::start(&home, 1).await, Server::start(&home, 2).await);
    let (a, b) = (&one.meta, &other.meta);
    let shop = project(a, 1).await;
    within(1, "a project and its key", || b.grant(&key(1)).is_some()).await;
    assert!(!b.is_stale());
    let second = a.add_key(shop, &key(2), Can::Ingest, NOW).await.unwrap().unwrap();
    within(1, "a key", || b.grant(&key(2)).is_some()).await;
    assert!(a.revoke_key(second.id, NOW).await.unwrap());
    within(1, "a revoked key", || b.grant(&key(2)).is_none()).await;

    let change = ProjectChange { privacy_level: Some(2), ..ProjectChange::default() };
    a.change_project(shop, change).await.unwrap();
    let raised = || b.grant(&key(1)).is_some_and(|grant| grant.privacy_level() == 2);
    within(1, "a privacy level", raised).await;

    let by_key = key(1);
    a.sign_in(None, token(1), Proof::Key(&by_key), NOW).await.unwrap().unwrap();
    within(1, "a session", || b.session(&token(1), NOW).is_some()).await;
    a.sign_out(&token(1), None).await.unwrap();
    within(1, "its end", || b.session(&token(1), NOW).is_none()).await;

    let before = b.dashboard_id(shop).unwrap();
    a.regenerate_dashboard_id(shop).await.unwrap();
    within(1, "a new dashboard id", || b.dashboard(&before).is_none()).await;
    assert_eq!(b.dashboard(&a.dashboard_id(shop).unwrap()), Some(shop));

    let link = a.add_share_link(shop, &token(3), NewShareLink::default(), NOW).await.unwrap();
    let link = link.unwrap();
    within(1, "a share link", || b.share_link(&token(3), NOW).is_some()).await;
    a.revoke_share_link(shop, link.id).await.unwrap();
    within(1, "a revoked share link", || b.share_link(&token(3), NOW).is_none()).await;

    let made = a.add_monitor(shop, monitor(), 9, NOW).await.unwrap().unwrap();
    within(1, "a monitor", || b.any_monitor(made.id).is_some()).await;
    let told = loop {
        let changed = other.changes.recv().await.unwrap();
        if !changed.monitors.is_empty() {
            break changed;
        }
    };
    assert_eq!(told.monitors[0].id, made.id);
    a.write_learned_routes(shop, "{}").await.unwrap();
    let told = loop {
        let changed = other.changes.recv().await.unwrap();
        if let Routes::Of(projects) = changed.routes {
            break projects;
        }
    };
    assert_eq!(told, [shop].into());

    // A heartbeat waits for the server that judges it, and goes with its monitor.
    assert!(b.put_signal(made.id, Signal::Success, 5).await.unwrap());
    let kept = a.signals().await.unwrap();
    assert_eq!(
        kept.iter().map(|one| (one.1, one.2, one.3)).collect::<Vec<_>>(),
        [(made.id, Signal::Success, 5)]
    );
    a.forget_signals(&[kept[0].0]).await.unwrap();
    assert!(a.signals().await.unwrap().is_empty());
    assert!(!b.put_signal(made.id + 1, Signal::Success, 5).await.unwrap());

    assert!(a.begin_delete(shop).await.unwrap());
    within(1, "a deleted project", || b.grant(&key(1)).is_none()).await;
    within(1, "its monitors", || b.any_monitor(made.id).is_none()).await;
    a.finish_delete(shop).await.unwrap();
    within(1, "its row", || b.project(shop).is_none()).await;
}

fn monitor() -> NewMonitor {
    let settings = serde_json::json!({"kind": "heartbeat", "name": "nightly", "period_s": 3_600});
    let settings = serde_json::from_value(settings).unwrap();
    NewMonitor { settings, original_url: None, file_entry: None }
}

#[tokio::test]
async fn a_change_during_a_lost_connection_is_learned_afterwards() {
    let home = Home::new(Engine::Postgres).await;
    let (one, mut other) = (Server::start(&home, 1).await, Server::start(&home, 2).await);
    let shop = project(&one.meta, 1).await;
    within(1, "the key", || other.meta.grant(&key(1)).is_some()).await;
    while other.changes.try_recv().is_ok() {}
    // The change is committed while nobody listens.
    home.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%';
         UPDATE keys SET revoked_us = 1",
    )
    .await;
    within(3, "the key is refused", || other.meta.grant(&key(1)).is_none()).await;
    assert!(matches!(other.changes.recv().await.unwrap().routes, Routes::All));
    // And it listens again.
    one.meta.add_key(shop, &key(3), Can::Everything, NOW).await.unwrap();
    within(1, "a new key", || other.meta.grant(&key(3)).is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_does_not_undo_own_changes() {
    let home = Home::new(Engine::Postgres).await;
    let (one, other) = (Server::start(&home, 1).await, Server::start(&home, 2).await);
    let shop = project(&one.meta, 1).await;
    within(1, "the project", || other.meta.project(shop).is_some()).await;
    // Each change makes both read again, while both change.
    let work = async |meta: &Meta, first: u8| {
        for number in first..first + 24 {
            let added = meta.add_key(shop, &key(number), Can::Ingest, NOW).await.unwrap().unwrap();
            assert!(meta.grant(&key(number)).is_some(), "key {number} is lost");
            if number % 2 == 0 {
                meta.revoke_key(added.id, NOW).await.unwrap();
                assert!(meta.grant(&key(number)).is_none(), "key {number} works again");
            }
            meta.catch_up().await.unwrap();
            assert_eq!(meta.grant(&key(number)).is_some(), number % 2 == 1);
        }
    };
    tokio::join!(work(&one.meta, 100), work(&other.meta, 150));
    for number in (100..124).chain(150..174) {
        for meta in [&one.meta, &other.meta] {
            let is_so = || meta.grant(&key(number)).is_some() == (number % 2 == 1);
            within(2, &format!("key {number}"), is_so).await;
        }
    }
}

#[tokio::test]
async fn an_earlier_time_of_use_does_not_replace_a_later_one() {
    let home = Home::new(Engine::Postgres).await;
    let (one, other) = (open(&home, 1).await, open(&home, 2).await);
    let shop = project(&one, 1).await;
    other.catch_up().await.unwrap();
    let later = NOW + 50_000_000;
    one.grant(&key(1)).unwrap().touch_used(later);
    other.grant(&key(1)).unwrap().touch_used(NOW + 10_000_000);
    one.flush().await.unwrap();
    other.flush().await.unwrap();
    assert_eq!(one.keys(Some(shop)).await.unwrap()[0].last_used_us, Some(later));
    // Times that are only in memory survive a reading, and both learn the latest.
    other.grant(&key(1)).unwrap().touch_used(later + 10_000_000);
    other.catch_up().await.unwrap();
    other.flush().await.unwrap();
    assert_eq!(one.keys(Some(shop)).await.unwrap()[0].last_used_us, Some(later + 10_000_000));
}

/// Times of use change all the time, and are no news.
#[tokio::test]
async fn every_column_that_memory_holds_is_told_of() {
    let home = Home::new(Engine::Postgres).await;
    open(&home, 1).await;
    let MetaPlace::Postgres(url) = &home.place else { unreachable!() };
    let mut db = <sqlx::PgConnection as sqlx::Connection>::connect(url.as_str()).await.unwrap();
    let silent = "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
        JOIN information_schema.triggers t ON t.event_object_table = c.table_name AND t.event_manipulation = 'UPDATE'
        WHERE c.table_schema = current_schema() AND t.trigger_name = 'tell' AND EXISTS
            (SELECT 1 FROM information_schema.triggered_update_columns u WHERE u.event_object_table = c.table_name)
        AND NOT EXISTS (SELECT 1 FROM information_schema.triggered_update_columns u
            WHERE u.event_object_table = c.table_name AND u.event_object_column = c.column_name) ORDER BY 1";
    let silent: Vec<String> = sqlx::query_scalar(silent).fetch_all(&mut db).await.unwrap();
    let expected = [
        "keys.id",
        "keys.last_used_us",
        // Written each minute, by the leader alone.
        "learned_routes.project",
        "learned_routes.restored",
        "projects.created_us",
        "projects.demo_until_us",
        "projects.id",
        "projects.last_look_us",
        "sessions.last_used_us",
        "share_links.id",
        "share_links.last_used_us",
    ];
    assert_eq!(silent, expected);
    let told = "SELECT DISTINCT event_object_table::text FROM information_schema.triggers WHERE trigger_name = 'tell' ORDER BY 1";
    let told: Vec<String> = sqlx::query_scalar(told).fetch_all(&mut db).await.unwrap();
    let in_memory = [
        "channels",
        "heartbeat_signals",
        "imported_user_ids",
        "keys",
        "learned_routes",
        "maintenance",
        "monitors",
        "projects",
        "rules",
        "session_projects",
        "sessions",
        "share_links",
        "status_pages",
    ];
    assert_eq!(told, in_memory);
}

#[tokio::test]
async fn one_server_leads_and_another_follows_it() {
    let home = Home::new(Engine::Postgres).await;
    let (one, other) = (open(&home, 1).await, open(&home, 2).await);
    assert!(!one.leads(), "before the first beat nobody leads");
    assert_eq!(one.beat().await.unwrap(), Standing::Leads { turn: 1 });
    assert_eq!(other.beat().await.unwrap(), Standing::Follows);
    assert!(one.leads() && !other.leads());
    assert_eq!(one.beat().await.unwrap(), Standing::Leads { turn: 1 });
    // Both are cut off: the one that led goes first, and its turn goes on.
    let cut_off = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()";
    home.run(cut_off).await;
    assert!(other.beat().await.is_err() && one.beat().await.is_err());
    assert!(!one.leads(), "it may not be alone any more");
    assert_eq!(other.beat().await.unwrap(), Standing::Follows);
    assert_eq!(one.beat().await.unwrap(), Standing::Leads { turn: 1 });
    // One that ends is followed.
    one.close().await.unwrap();
    let mut standing = Standing::Follows;
    let end = Instant::now() + Duration::from_secs(10);
    while standing == Standing::Follows && Instant::now() < end {
        standing = other.beat().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(standing, Standing::Leads { turn: 2 });
    let again = open(&home, 1).await;
    assert_eq!(again.beat().await.unwrap(), Standing::Follows);
}

#[tokio::test]
async fn a_folder_keeps_its_number_and_is_listed() {
    let home = Home::new(Engine::Postgres).await;
    let (one, other) = (open(&home, 1).await, open(&home, 2).await);
    one.beat().await.unwrap();
    one.close().await.unwrap();
    let (third, one) = (open(&home, 3).await, open(&home, 1).await);
    other.beat().await.unwrap();
    let listed = other.servers().await.unwrap();
    let nodes: Vec<(u8, bool, bool)> = listed
        .iter()
        .map(|server| (server.node, server.is_self, server.seen_before_us.is_some()))
        .collect();
    assert_eq!(nodes, [(0, false, true), (1, true, true), (2, false, false)]);
    // A barrier waits for those that were ever seen, until they pass it or have left.
    let barrier = other.begin_barrier().await.unwrap().unwrap();
    assert_eq!(other.others_behind(barrier).await.unwrap(), [0]);
    assert_eq!(one.barrier_ahead().await.unwrap(), Some(barrier));
    one.pass_barrier(barrier).await.unwrap();
    assert_eq!(one.barrier_ahead().await.unwrap(), None);
    assert_eq!(other.others_behind(barrier).await.unwrap(), [0u8; 0]);
    one.leave().await.unwrap();
    assert!(other.servers().await.unwrap()[0].has_left);
    assert_eq!(other.begin_barrier().await.unwrap(), None, "there is no other server");
    drop(third);
}

#[tokio::test]
async fn a_server_with_hits_in_files_shares_with_nobody() {
    let home = Home::new(Engine::Postgres).await;
    let mut options = store::StoreOptions::new(home.data().join("files"), crate::make::small());
    options.meta = home.place.clone();
    let (store, alone) = store::open_folder(options, [7; 32], NOW).await.unwrap();
    assert!(alone.leads() && !alone.is_shared());
    let refused = Meta::open_shared(&home.place, home.data(), [7; 32], NOW, [2; 16]).await;
    assert!(matches!(refused.err(), Some(MetaError::AnotherServer)));
    alone.close().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_secret_that_another_server_has_just_created_is_known_when_it_is_used() {
    let home = Home::new(Engine::Postgres).await;
    // Neither follows the other.
    let (one, other) = (open(&home, 1).await, open(&home, 2).await);
    project(&one, 1).await;
    assert!(other.grant(&key(1)).is_none());
    other.learn_key(&key(2)).await;
    assert!(other.grant(&key(1)).is_none(), "a key that is nowhere makes it read nothing");
    other.learn_key(&key(1)).await;
    assert!(other.grant(&key(1)).is_some());
    one.sign_in(None, token(1), Proof::Key(&key(1)), NOW).await.unwrap().unwrap();
    assert!(other.session(&token(1), NOW).is_none());
    other.learn_session(&token(1)).await;
    assert!(other.session(&token(1), NOW).is_some());
}
