//! Batches that two servers get, in a real PostgreSQL.

use std::collections::HashSet;
use std::time::Duration;

use super::home::{Engine, Home};
use super::{Meta, MetaPlace, NOW, PostgresUrl};
use crate::meta::{SharedBatch, Taken, TakenBatches};

const NONE: [u64; 0] = [];

fn batches(pairs: &[(u64, u64)]) -> Vec<SharedBatch> {
    pairs.iter().map(|&(hash, seq)| SharedBatch { hash, seq }).collect()
}

async fn take(server: &mut TakenBatches, pairs: &[(u64, u64)]) -> Vec<u64> {
    let Taken::Others(seqs) = server.take(&batches(pairs)).await.unwrap() else {
        panic!("PostgreSQL runs");
    };
    let mut seqs: Vec<u64> = seqs.into_iter().collect();
    seqs.sort_unstable();
    seqs
}

async fn open() -> (Home, Meta, PostgresUrl) {
    let home = Home::new(Engine::Postgres).await;
    let meta = Meta::open_shared(&home.place, home.data(), [7; 32], NOW, [1; 16]).await.unwrap();
    let MetaPlace::Postgres(url) = &home.place else { unreachable!() };
    let url = url.clone();
    (home, meta, url)
}

#[tokio::test]
async fn a_batch_belongs_to_the_server_that_asks_first() {
    let (home, _meta, url) = open().await;
    let (mut one, mut other) = (TakenBatches::new(&url, 0), TakenBatches::new(&url, 255));
    let large = u64::MAX - 1;
    assert_eq!(take(&mut one, &[(large, 1), (2, 2)]).await, NONE);
    // Its answer was lost.
    assert_eq!(take(&mut one, &[(large, 1), (2, 2)]).await, NONE);
    assert_eq!(take(&mut other, &[(3, 7), (2, 8), (large, 9)]).await, [8, 9]);
    assert_eq!(take(&mut other, &[(3, 7), (2, 8), (large, 9)]).await, [8, 9]);
    // The first one forgot that it answered it.
    assert_eq!(take(&mut one, &[(2, 5), (3, 6), (4, 7)]).await, [5, 6]);
    // Twice at once, at the same server.
    assert_eq!(take(&mut one, &[(5, 11), (5, 10)]).await, [11]);
    // PostgreSQL has ended its session meanwhile.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%taken_batches%' AND pid <> pg_backend_pid()";
    home.run(end).await;
    assert_eq!(take(&mut one, &[(5, 10), (6, 12)]).await, NONE);
}

/// Two servers that ask at the same time for the same batches, in another order.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_ask_at_once_one_gets_each_batch() {
    let (_home, _meta, url) = open().await;
    for round in 0..20_u64 {
        let hashes: Vec<u64> = (round * 1_000..round * 1_000 + 500).collect();
        let mut tasks = Vec::new();
        for node in 0..3_u8 {
            let url = url.clone();
            let mut wanted: Vec<(u64, u64)> =
                hashes.iter().map(|hash| (*hash, hash * 3 + u64::from(node))).collect();
            if node == 1 {
                wanted.reverse();
            }
            tasks.push(tokio::spawn(async move {
                let mut server = TakenBatches::new(&url, node);
                let others: HashSet<u64> = take(&mut server, &wanted).await.into_iter().collect();
                let own = wanted.iter().filter(|(_, seq)| !others.contains(seq));
                own.map(|(hash, _)| *hash).collect::<Vec<u64>>()
            }));
        }
        let mut stored = Vec::new();
        for task in tasks {
            stored.extend(task.await.unwrap());
        }
        stored.sort_unstable();
        assert_eq!(stored, hashes);
    }
}

#[tokio::test]
async fn old_batches_are_forgotten_and_the_oldest_of_too_many() {
    let (home, meta, url) = open().await;
    let mut server = TakenBatches::new(&url, 3);
    let numbered: Vec<(u64, u64)> = (1..=10).map(|number| (number, number)).collect();
    take(&mut server, &numbered).await;
    assert_eq!(meta.forget_taken_batches(10).await.unwrap(), (0, false));
    // One older than a week, and a minute for each of the others.
    home.run("UPDATE taken_batches SET minute = minute - 8 * 1440 WHERE batch = 1").await;
    home.run("UPDATE taken_batches SET minute = minute - 20 + batch::integer WHERE batch > 1")
        .await;
    assert_eq!(meta.forget_taken_batches(10).await.unwrap(), (1, false));
    // Of whole minutes, at least as many as are to be kept.
    assert_eq!(meta.forget_taken_batches(4).await.unwrap(), (4, true));
    let mut other = TakenBatches::new(&url, 4);
    let again: Vec<(u64, u64)> = (1..=10).map(|number| (number, 100 + number)).collect();
    assert_eq!(take(&mut other, &again).await, [106, 107, 108, 109, 110]);
}

#[tokio::test]
async fn hits_wait_for_postgresql_but_not_for_ever() {
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = PostgresUrl::parse(&format!("postgres://nobody@127.0.0.1:{free}/nothing")).unwrap();
    let mut server = TakenBatches::new(&url, 0);
    assert_eq!(server.patience, Duration::from_secs(60));
    let wanted = batches(&[(1, 1)]);
    for _ in 0..2 {
        assert!(server.take(&wanted).await.is_err());
    }
    server.patience = Duration::ZERO;
    for _ in 0..2 {
        assert_eq!(server.take(&wanted).await.unwrap(), Taken::Unknown);
    }
}
