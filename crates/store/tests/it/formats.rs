//! Folders of older formats (`tests/formats`): their rollups add up to the same as their hits. Rollups are made from
//! far fewer hits than on a server, so that small folders have them.
//!
//! `tests/test_formats.py` tests the answers of the old programs, erasures, and the other files of a folder.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use analytics::filter::Filter;
use analytics::grid::Grid;
use analytics::period::parse_zone;
use analytics::query::{ProjectScope, RankingQuery};
use analytics::ranking::{RankedRow, SearchWords, View};
use serde_json::Value as Json;
use store::{DuckDbLimits, Erasure, Store, StoreLimits};

use super::make::{P, Q, on_any_disk, open};
use super::rankings::LISTS;
use super::sums::{answers, leave_what_is_promised, same};

/// 2026-11-18T00:00:00Z, the start of all of their hits.
const START_US: i64 = 1_794_960_000_000_000;
const DAY_US: i64 = 86_400_000_000;

fn archives() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("format-"))
        .collect();
    found.sort();
    found
}

fn unpack(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unpacked =
        Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(folder.path()).status();
    assert!(unpacked.unwrap().success(), "tar cannot unpack {}", archive.display());
    folder
}

/// `rollup_from`: number of a project's hits in a file from which its rollups are read.
fn limits(rollup_from: u64) -> StoreLimits {
    let duckdb = DuckDbLimits {
        rollup_from,
        rolled_up_from: 1_000,
        merge_at: 100,
        ..DuckDbLimits::default()
    };
    on_any_disk(duckdb)
}

/// All panels: for the whole period, whole days, and days of a zone.
async fn ask(store: &Store) -> Vec<BTreeMap<&'static str, Json>> {
    store.settle().await.unwrap();
    let mut found = Vec::new();
    for (from, to, tz) in [(0, 7, "UTC"), (1, 4, "UTC"), (0, 7, "Asia/Kathmandu")] {
        let (from_us, to_us) = (START_US + from * DAY_US, START_US + to * DAY_US);
        let grid = Grid::over(from_us, to_us, &parse_zone(tz).unwrap()).unwrap();
        found.push(answers(store, &grid, "", "").await);
    }
    found
}

/// All lists, of the whole period and of some days in it, with most requests first.
async fn ask_lists(store: &Store) -> Vec<Vec<RankedRow>> {
    let mut found = Vec::new();
    for (of, (from, to)) in LISTS.into_iter().flat_map(|of| [(of, (0, 7)), (of, (1, 4))]) {
        let query = RankingQuery {
            scope: ProjectScope::granted(P, Filter::default()),
            from_us: START_US + from * DAY_US,
            to_us: START_US + to * DAY_US - DAY_US / 3,
            filter: Filter::default(),
            of,
            addresses: true,
            search: SearchWords::default(),
        };
        let (_, list) = store.ranking(query).await.unwrap();
        let order = list.order(&View::default());
        found.push(order.iter().map(|at| list.row(*at)).collect());
    }
    found
}

fn compare(mut found: Vec<BTreeMap<&'static str, Json>>, wanted: &[BTreeMap<&'static str, Json>]) {
    for (found, wanted) in found.iter_mut().zip(wanted) {
        for (panel, wanted) in wanted {
            let (found, mut wanted) = (found.get_mut(panel).unwrap(), wanted.clone());
            leave_what_is_promised(panel, found, &mut wanted);
            same(panel, found, &wanted);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rollups_of_every_format_say_what_their_hits_do() {
    let archives = archives();
    assert!(archives.len() >= 3, "{archives:?}");
    for archive in archives {
        let folder = unpack(&archive);
        let data = folder.path().join("data");
        let store = open(&data, limits(u64::MAX)).await;
        let wanted = ask(&store).await;
        assert!(wanted[0]["requests"]["value"].as_f64().unwrap() > 2_000.0);
        let lists = ask_lists(&store).await;
        let addresses = lists.iter().flatten().filter_map(|row| match row {
            RankedRow::Consumer(row) => row.address.parse::<Ipv4Addr>().ok(),
            _ => None,
        });
        assert!(addresses.count() > 0);
        store.close().await.unwrap();

        let store = open(&data, limits(1_000)).await;
        compare(ask(&store).await, &wanted);
        assert_eq!(ask_lists(&store).await, lists);
        // An erasure in another project copies this one's rollups into files of the current format.
        let erased = store.erase(Erasure::Project(Q)).await.unwrap();
        assert!(erased > 0, "{}", archive.display());
        compare(ask(&store).await, &wanted);
        assert_eq!(ask_lists(&store).await, lists);
        store.close().await.unwrap();
    }
}
