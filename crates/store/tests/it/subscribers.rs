//! Stored subscribers of status pages: requested, confirmed, counted, and deleted without a trace.

use std::path::Path;
use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::status_page::StatusPage;
use analytics::status_page::subscriber::Address;
use rstest::rstest;
use store::meta::{
    Can, Confirmation, Key, Meta, MetaError, NewProject, StatusPageRow, Subscriber,
    SubscriberCount, SubscriberLimits,
};
use store::{Silent, StoreOptions};

use crate::home::{Engine, Home};

const NOW: i64 = 1_795_348_800_000_000;
const HOUR: i64 = 3_600_000_000;
const PLENTY: SubscriberLimits = SubscriberLimits { subscribers: 100, asked_a_day: 100 };

async fn open(folder: &tempfile::TempDir) -> Meta {
    Meta::open(folder.path(), [7; 32], NOW).await.unwrap()
}

/// A project with a status page.
async fn project(meta: &Meta, number: u8) -> ProjectId {
    let key = Key::from_random([number; 16]);
    let made = meta.create_project(NewProject::default(), &key, Can::Everything, NOW).await;
    let project = made.unwrap().id;
    let page = StatusPage { slug: format!("page-{number}"), ..StatusPage::default() };
    meta.put_status_page(StatusPageRow { project, page, logo: None }).await.unwrap().unwrap();
    project
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

async fn ask(meta: &Meta, project: ProjectId, text: &str, now_us: i64) {
    meta.ask_subscription(project, &address(text), PLENTY, now_us).await.unwrap();
}

/// Addresses whose confirmation is to be sent.
async fn due(meta: &Meta, now_us: i64) -> Vec<String> {
    let due = meta.confirmations_due(now_us, 100).await.unwrap();
    due.into_iter().map(|one| one.subscriber.address.as_str().to_owned()).collect()
}

/// The first due confirmation, marked as sent.
async fn send_one(meta: &Meta, now_us: i64) -> Confirmation {
    let confirmation = meta.confirmations_due(now_us, 1).await.unwrap().remove(0);
    meta.note_confirmation(confirmation.subscriber.id, None).await.unwrap();
    confirmation
}

async fn subscribe(meta: &Meta, project: ProjectId, text: &str, now_us: i64) -> Subscriber {
    ask(meta, project, text, now_us).await;
    let subscriber = send_one(meta, now_us).await.subscriber;
    meta.confirm_subscriber(subscriber.id, now_us).await.unwrap();
    meta.subscriber(subscriber.id).await.unwrap().unwrap()
}

/// Names of the files that hold these bytes.
fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle.as_bytes()))
    };
    let found = entries.filter(|path| path.is_file() && holds(path));
    found.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn an_address_is_subscribed_once_it_is_confirmed(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let (one, other) = (project(&meta, 1).await, project(&meta, 2).await);
    ask(&meta, one, "Ann@Example.com", NOW).await;
    assert_eq!(meta.subscribers_since(one, NOW + HOUR).await.unwrap(), [0; 0]);
    let count = SubscriberCount { confirmed: 0, unconfirmed: 1 };
    assert_eq!(meta.subscriber_count(one).await.unwrap(), count);
    let found = send_one(&meta, NOW).await;
    assert_eq!((found.written_us, found.tries), (NOW, 0));
    assert_eq!(found.subscriber.address.as_str(), "Ann@example.com");
    let token = meta.subscription_token(&found.subscriber);
    meta.close().await.unwrap();

    // Its link works after a restart, and no other does.
    let meta = home.open().await;
    let by_link = meta.subscriber_by_link(&token, NOW + HOUR).await.unwrap().unwrap();
    assert_eq!(by_link, found.subscriber);
    let someone = Subscriber { project: other, ..found.subscriber.clone() };
    let token_of_other = meta.subscription_token(&someone);
    assert_ne!(token, token_of_other);
    assert_eq!(meta.subscriber_by_link(&token_of_other, NOW).await.unwrap(), None);
    for now_us in [NOW + HOUR, NOW + 2 * HOUR] {
        meta.confirm_subscriber(by_link.id, now_us).await.unwrap();
    }
    let kept = meta.subscribers(one, 0, 9).await.unwrap().remove(0);
    assert_eq!(kept.confirmed_us, Some(NOW + HOUR), "the first time counts");
    // Earlier publications are not for them.
    assert_eq!(meta.subscribers_since(one, NOW + HOUR - 1).await.unwrap(), [0; 0]);
    assert_eq!(meta.subscribers_since(one, NOW + HOUR).await.unwrap(), [kept.id]);
    assert_eq!(meta.subscribers(other, 0, 9).await.unwrap(), []);
    assert_eq!(meta.subscribers(one, kept.id, 9).await.unwrap(), []);
    assert!(!meta.remove_subscriber(other, kept.id).await.unwrap(), "another project's");
    assert!(meta.remove_subscriber(one, kept.id).await.unwrap());
    assert!(!meta.remove_subscriber(one, kept.id).await.unwrap());
    assert_eq!(meta.subscriber_by_link(&token, NOW).await.unwrap(), None);
    // Numbers are never reused.
    assert!(subscribe(&meta, one, "bob@example.com", NOW).await.id > kept.id);
}

#[rstest]
#[tokio::test]
async fn nobody_is_mailed_again_and_again(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let one = project(&meta, 1).await;
    // However often and in whatever case it is typed: once a day.
    for hour in 0..24 {
        ask(
            &meta,
            one,
            ["ann@example.com", "ANN@example.com"][hour as usize % 2],
            NOW + hour * HOUR,
        )
        .await;
        match hour {
            0 => drop(send_one(&meta, NOW).await),
            _ => assert_eq!(due(&meta, NOW + hour * HOUR).await, [""; 0], "{hour}"),
        }
    }
    ask(&meta, one, "ann@example.com", NOW + 24 * HOUR).await;
    assert_eq!(due(&meta, NOW + 24 * HOUR).await, ["ann@example.com"]);
    // A confirmed one gets none.
    let subscriber = send_one(&meta, NOW + 24 * HOUR).await.subscriber;
    meta.confirm_subscriber(subscriber.id, NOW + 24 * HOUR).await.unwrap();
    ask(&meta, one, "ann@example.com", NOW + 72 * HOUR).await;
    assert_eq!(due(&meta, NOW + 72 * HOUR).await, [""; 0]);
}

#[rstest]
#[tokio::test]
async fn many_pages_and_tags_fill_no_mailbox(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    for number in 1..=4 {
        let project = project(&meta, number).await;
        for tag in ["", "+a", "+b"] {
            ask(&meta, project, &format!("ann{tag}@example.com"), NOW).await;
        }
        ask(&meta, project, "bob@example.com", NOW).await;
    }
    let mut due = due(&meta, NOW).await;
    due.sort();
    assert_eq!(
        due,
        [
            "ann+a@example.com",
            "ann+b@example.com",
            "ann@example.com",
            "bob@example.com",
            "bob@example.com",
            "bob@example.com"
        ]
    );
}

#[rstest]
#[tokio::test]
async fn a_page_takes_so_many_a_day_and_so_many_in_all(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let (one, other) = (project(&meta, 1).await, project(&meta, 2).await);
    let most = SubscriberLimits { subscribers: 5, asked_a_day: 3 };
    let ask = async |project, number: u32, now_us| {
        let address = address(&format!("user{number}@example.com"));
        meta.ask_subscription(project, &address, most, now_us).await
    };
    for number in 0..3 {
        ask(one, number, NOW).await.unwrap();
    }
    // Even for a known address: the answer must not reveal it.
    for number in [0, 3] {
        let refused = ask(one, number, NOW + 1).await;
        assert!(matches!(refused, Err(MetaError::TooManySubscriptions)), "{number}");
    }
    ask(other, 0, NOW).await.unwrap();
    let tomorrow = NOW + 24 * HOUR;
    for number in 3..5 {
        ask(one, number, tomorrow).await.unwrap();
    }
    for number in [0, 5] {
        let refused = ask(one, number, tomorrow + 1).await;
        assert!(matches!(refused, Err(MetaError::TooManySubscribers)), "{number}");
    }
    // Unconfirmed ones make room after three days.
    meta.forget_unconfirmed(NOW + 72 * HOUR).await.unwrap();
    assert_eq!(meta.subscriber_count(one).await.unwrap().unconfirmed, 2);
    ask(one, 5, NOW + 72 * HOUR).await.unwrap();
}

#[tokio::test]
async fn an_unconfirmed_address_and_its_link_last_three_days() {
    let folder = tempfile::tempdir().unwrap();
    let meta = open(&folder).await;
    let one = project(&meta, 1).await;
    let kept = subscribe(&meta, one, "kept@example.com", NOW).await;
    ask(&meta, one, "ann@example.com", NOW).await;
    let token = meta.subscription_token(&send_one(&meta, NOW).await.subscriber);
    let last = NOW + 72 * HOUR - 1;
    assert!(meta.subscriber_by_link(&token, last).await.unwrap().is_some());
    assert!(meta.subscriber_by_link(&token, last + 1).await.unwrap().is_none(), "before the job");
    meta.forget_unconfirmed(last).await.unwrap();
    assert_eq!(meta.subscriber_count(one).await.unwrap().unconfirmed, 1);
    assert_ne!(files_with(folder.path(), "ann@example.com"), [""; 0], "the search finds it");
    meta.forget_unconfirmed(last + 1).await.unwrap();
    assert_eq!(files_with(folder.path(), "ann@example.com"), [""; 0]);
    assert_eq!(meta.subscribers(one, 0, 9).await.unwrap(), [kept]);
}

#[rstest]
#[tokio::test]
async fn a_confirmation_that_cannot_be_sent_is_tried_again(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let one = project(&meta, 1).await;
    ask(&meta, one, "ann@example.com", NOW).await;
    let first = meta.confirmations_due(NOW, 9).await.unwrap().remove(0);
    meta.note_confirmation(first.subscriber.id, Some(NOW + 5)).await.unwrap();
    assert_eq!(due(&meta, NOW + 4).await, [""; 0]);
    let second = meta.confirmations_due(NOW + 5, 9).await.unwrap().remove(0);
    assert_eq!((second.tries, second.written_us), (1, NOW));
    // Confirmed meanwhile, by a mail whose sending was not noted yet.
    meta.confirm_subscriber(first.subscriber.id, NOW + 6).await.unwrap();
    meta.note_confirmation(first.subscriber.id, Some(NOW + 7)).await.unwrap();
    assert_eq!(due(&meta, NOW + HOUR).await, [""; 0]);
}

#[tokio::test]
async fn who_leaves_leaves_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let meta = open(&folder).await;
    let (one, other) = (project(&meta, 1).await, project(&meta, 2).await);
    let leaving = ["left", "paged", "deleted"].map(|name| format!("needle-{name}@example.com"));
    let [left, paged, deleted] = &leaving;
    let left_row = subscribe(&meta, one, left, NOW).await;
    subscribe(&meta, one, paged, NOW).await;
    subscribe(&meta, other, deleted, NOW).await;
    for needle in &leaving {
        assert_ne!(files_with(folder.path(), needle), [""; 0], "the search finds {needle}");
    }
    assert!(meta.remove_subscriber(one, left_row.id).await.unwrap());
    assert_eq!(files_with(folder.path(), left), [""; 0]);
    assert_ne!(files_with(folder.path(), paged), [""; 0], "the others stay");
    // A change of the page leaves its subscribers; deleting it does not.
    let row = meta.status_page(one).unwrap();
    meta.put_status_page(StatusPageRow::clone(&row)).await.unwrap().unwrap();
    assert_eq!(meta.subscriber_count(one).await.unwrap().confirmed, 1);
    assert!(meta.remove_status_page(one).await.unwrap());
    assert_eq!(files_with(folder.path(), paged), [""; 0]);
    meta.begin_delete(other).await.unwrap();
    assert_eq!(meta.subscriber_count(other).await.unwrap().confirmed, 0, "at once");
    meta.finish_delete(other).await.unwrap();
    assert_eq!(files_with(folder.path(), deleted), [""; 0]);
}

/// The data folder with a backup of it beside, and the result of `restore` if `ann` has unsubscribed since.
async fn restored(same_server: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let options = || StoreOptions::new(data.clone(), super::make::small());
    let (store, meta) = store::open_folder(options(), [7; 32], NOW).await.unwrap();
    let one = project(&meta, 1).await;
    let ann = subscribe(&meta, one, "needle-ann@example.com", NOW).await;
    subscribe(&meta, one, "bob@example.com", NOW).await;
    std::fs::create_dir(&copy).unwrap();
    store.backup(&copy, Arc::new(Silent)).await.unwrap();
    meta.backup(&copy.join("meta.sqlite")).await.unwrap();
    assert!(meta.remove_subscriber(one, ann.id).await.unwrap());
    meta.close().await.unwrap();
    store.close().await.unwrap();
    if !same_server {
        std::fs::remove_dir_all(&data).unwrap();
        let (store, meta) = store::open_folder(options(), [8; 32], NOW).await.unwrap();
        meta.close().await.unwrap();
        store.close().await.unwrap();
    }
    store::restore(&copy, options(), None, Arc::new(Silent)).await.unwrap();
    let found = files_with(&data, "needle-ann@example.com");
    let (store, meta) = store::open_folder(options(), [9; 32], NOW).await.unwrap();
    let rows = meta.subscribers(one, 0, 9).await.unwrap();
    let addresses: Vec<String> = rows.iter().map(|row| row.address.as_str().to_owned()).collect();
    assert_eq!(found.is_empty(), addresses.len() == 1, "{found:?}");
    meta.close().await.unwrap();
    store.close().await.unwrap();
    addresses
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_left_is_not_brought_back_by_an_older_backup() {
    assert_eq!(restored(true).await, ["bob@example.com"]);
    // A new server knows nobody, which does not mean that everyone has unsubscribed.
    assert_eq!(restored(false).await, ["needle-ann@example.com", "bob@example.com"]);
}
