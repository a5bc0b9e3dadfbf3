//! Any interleaving of batches, retries, erasures and restarts gives the same as a plain model. Files hold 40 hits, so
//! seals and merges happen by themselves.

use std::collections::HashMap;

use super::make::{P, Plain, Q, all, append_named, latest, open, plain, small, to_plain};
use analytics::hit::ProjectId;
use proptest::prelude::*;
use store::Erasure;

#[derive(Clone, Debug)]
enum Step {
    Batch { project: ProjectId, from: i64, hits: i64, name: u128 },
    EraseUser(ProjectId, u8),
    EraseAddress(ProjectId, u8),
    EraseBefore(ProjectId, i64),
    Restart,
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let project = prop_oneof![Just(P), Just(Q)];
    prop_oneof![
        8 => (project.clone(), 0..300i64, 1..60i64, 0..12u128)
            .prop_map(|(project, from, hits, name)| Step::Batch { project, from, hits, name }),
        1 => (project.clone(), 0..5u8).prop_map(|(project, n)| Step::EraseUser(project, n)),
        1 => (project.clone(), 0..9u8).prop_map(|(project, n)| Step::EraseAddress(project, n)),
        1 => (project, 0..300i64).prop_map(|(project, n)| Step::EraseBefore(project, n)),
        1 => Just(Step::Restart),
        2 => Just(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_what_the_model_is(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}

/// `STORE_MODEL_CASES` sets a longer run.
fn cases() -> u32 {
    std::env::var("STORE_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

async fn run(steps: Vec<Step>) {
    let data = tempfile::tempdir().unwrap();
    let mut store = open(data.path(), small()).await;
    let mut model: HashMap<ProjectId, Vec<Plain>> =
        HashMap::from([(P, Vec::new()), (Q, Vec::new())]);
    let mut named: HashMap<(ProjectId, u128), u32> = HashMap::new();
    for step in steps.iter().chain([&Step::Look, &Step::Restart, &Step::Look]) {
        match step {
            Step::Batch { project, from, hits, name } => {
                let batch: Vec<Plain> = (*from..from + hits).map(plain).collect();
                // The same name in two projects is two batches.
                let hash = name * 2 + u128::from(project.0 - 1);
                let receipt = append_named(&store, *project, &batch, Some(hash)).await.unwrap();
                match named.get(&(*project, *name)) {
                    Some(&accepted) => assert!(receipt.replayed && receipt.accepted == accepted),
                    None => {
                        assert!(!receipt.replayed && receipt.accepted == *hits as u32);
                        named.insert((*project, *name), receipt.accepted);
                        model.get_mut(project).unwrap().extend(batch);
                    }
                }
            }
            Step::EraseUser(project, n) => {
                let user = format!("user-{n}");
                store.erase(Erasure::User(*project, user.clone())).await.unwrap();
                model.get_mut(project).unwrap().retain(|hit| hit.user != user);
            }
            Step::EraseAddress(project, n) => {
                let address = format!("203.0.113.{n}");
                store.erase(Erasure::Address(*project, address.clone())).await.unwrap();
                model.get_mut(project).unwrap().retain(|hit| hit.address != address);
            }
            Step::EraseBefore(project, n) => {
                let time = plain(*n).time_us;
                store.erase(Erasure::Before(*project, time)).await.unwrap();
                model.get_mut(project).unwrap().retain(|hit| hit.time_us >= time);
            }
            Step::Restart => {
                store.close().await.unwrap();
                store = open(data.path(), small()).await;
            }
            Step::Look => {
                for (project, expected) in &model {
                    assert_eq!(&all(&store, *project).await, expected);
                    let newest: Vec<Plain> = store
                        .hits(latest(*project, 30))
                        .await
                        .unwrap()
                        .iter()
                        .map(to_plain)
                        .collect();
                    let mut sorted: Vec<(usize, Plain)> =
                        expected.iter().cloned().enumerate().collect();
                    sorted.sort_by_key(|(n, hit)| std::cmp::Reverse((hit.time_us, *n)));
                    let sorted: Vec<Plain> =
                        sorted.into_iter().take(30).map(|(_, hit)| hit).collect();
                    assert_eq!(newest, sorted);
                }
            }
        }
    }
    assert_eq!(store.stats().problems, [""; 0]);
    store.close().await.unwrap();
}
