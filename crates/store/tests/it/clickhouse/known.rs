//! Facts that a server knows about projects from before stay right while others insert and erase.

use analytics::filter::Filter;
use analytics::query::ProjectScope;
use store::{Erasure, Store};

use super::front::{open_in, place};
use super::{append, unlike_others};
use crate::make::{P, Q, small};
use crate::sums::{DAY_US, START, Seen, seen};

const DAYS: i64 = 4;

fn whole() -> ProjectScope {
    ProjectScope::granted(P, Filter::default())
}

async fn insert(store: &Store, hits: &[Seen]) {
    store.append(append(P, hits)).await.unwrap();
    store.settle().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_and_the_newest_hit_are_found_whoever_inserts_and_erases() {
    let (data, other_data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = place();
    let asked = open_in(data.path(), 0, &place, small()).await.unwrap();
    let other = open_in(other_data.path(), 1, &place, small()).await.unwrap();
    let extent = async || asked.extent(&whole()).await.unwrap();
    assert_eq!(extent().await, None);
    let at = |time_us: i64| Seen { time_us: START + time_us, ..seen(1, DAY_US) };
    insert(&asked, &[at(3 * DAY_US), at(5 * DAY_US), at(7 * DAY_US)]).await;
    assert_eq!(extent().await, Some((START + 3 * DAY_US, START + 7 * DAY_US)));
    insert(&other, &[at(4 * DAY_US), at(2 * DAY_US), at(8 * DAY_US)]).await;
    assert_eq!(extent().await, Some((START + 2 * DAY_US, START + 8 * DAY_US)));
    other.erase(Erasure::Before(P, START + 4 * DAY_US)).await.unwrap();
    assert_eq!(extent().await, Some((START + 4 * DAY_US, START + 8 * DAY_US)));
    insert(&other, &[at(9 * DAY_US)]).await;
    other.erase(Erasure::Before(P, START + 9 * DAY_US)).await.unwrap();
    assert_eq!(extent().await, Some((START + 9 * DAY_US, START + 9 * DAY_US)));
    other.erase(Erasure::Project(P)).await.unwrap();
    assert_eq!(extent().await, None);
    asked.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_are_counted_once_a_minute_to_predict_costs() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let store = open_in(data.path(), 0, &place, small()).await.unwrap();
    let hits: Vec<Seen> = (0..400).map(|n| unlike_others(n, DAYS * DAY_US)).collect();
    insert(&store, &hits).await;
    let scopes = [whole(), ProjectScope::granted(Q, Filter::default())];
    let about = async |from: i64, to: i64| store.about_rows(&scopes, from, to).await.unwrap();
    assert_eq!(about(i64::MIN, i64::MAX).await, 400);
    let (from, to) = (START + DAY_US / 2, START + 2 * DAY_US);
    let exact = store.rows_between(&scopes, from, to).await.unwrap();
    assert!(about(from, to).await.abs_diff(exact) < 20, "{exact}");
    insert(&store, &hits[..200]).await;
    assert_eq!(about(i64::MIN, i64::MAX).await, 400, "it is not asked again");
    assert_eq!(store.rows_between(&scopes, i64::MIN, i64::MAX).await.unwrap(), 600);
    store.close().await.unwrap();
}
