//! Sums from rollups equal those from hits, before and after erasures, and rollups are really read.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use analytics::filter::Filter;
use analytics::grid::Grid;
use analytics::period::parse_zone;
use analytics::query::{ProjectScope, SumsQuery};
use analytics::tally::{Dimension, Needs, Top};
use store::{ClickHouseLimits, ClickHousePlace, Erasure, Store, StoreLimits};

use super::front::{open_in, place};
use super::{Both, append, unlike_others};
use crate::make::{P, Q, latest, small};
use crate::sums::{DAY_US, START, Seen, all_panels, seen};

const HOUR_US: i64 = DAY_US / 24;
/// Buckets are days up to 200 of them, and weeks above.
const LONG: i64 = 75 * DAY_US;
const LONGER: i64 = 260 * DAY_US;

/// The settings that the proxy adds to each statement.
const SETTINGS: [&str; 3] = ["", "force_optimize_projection=1&", "optimize_use_projections=0&"];
const UNCHANGED: usize = 0;
/// The server refuses a statement for which it finds no projection.
const FROM_ROLLUPS: usize = 1;
const FROM_HITS: usize = 2;

/// Forwards everything, with a setting more.
struct Proxy {
    port: u16,
    setting: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let setting = Arc::new(AtomicUsize::new(UNCHANGED));
        let chosen = setting.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let (mut answers, mut back) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
                let chosen = chosen.clone();
                std::thread::spawn(move || forward(client, server, &chosen));
            }
        });
        Proxy { port, setting }
    }

    fn set(&self, setting: usize) {
        self.setting.store(setting, Ordering::SeqCst);
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, chosen: &AtomicUsize) {
    let mut piece = [0; 65_536];
    while let Ok(size @ 1..) = client.read(&mut piece) {
        // A call begins a piece, since the client waits for the answer to the one before.
        let rest = match piece[..size].strip_prefix(b"POST /?") {
            Some(rest) => {
                let setting = SETTINGS[chosen.load(Ordering::SeqCst)];
                let head = format!("POST /?{setting}");
                if server.write_all(head.as_bytes()).is_err() {
                    return;
                }
                rest
            }
            None => &piece[..size],
        };
        if server.write_all(rest).is_err() {
            return;
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Both);
}

fn port_of(place: &ClickHousePlace) -> u16 {
    place.url.rsplit(':').next().unwrap().parse().unwrap()
}

/// Sends a statement as it is.
pub fn tell(place: &ClickHousePlace, statement: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port_of(place))).unwrap();
    let database = place.database.replace('`', "%60");
    write!(
        stream,
        "POST /?database={database} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{statement}",
        statement.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    body.trim().to_owned()
}

pub(super) fn grid(from_us: i64, to_us: i64, zone: &str) -> Grid {
    Grid::over(from_us, to_us, &parse_zone(zone).unwrap()).unwrap()
}

/// The sums that rollups have.
fn rolled_up(grid: &Grid) -> SumsQuery {
    SumsQuery {
        scope: ProjectScope::granted(P, Filter::default()),
        grid: grid.clone(),
        filter: Filter::default(),
        needs: Needs::STATUSES
            | Needs::HOURS
            | Needs::TRAFFIC
            | Needs::LATENCY
            | Needs::LATENCY_SERIES
            | Needs::ENDPOINTS,
        values: [
            Dimension::Country,
            Dimension::Version,
            Dimension::Client,
            Dimension::Os,
            Dimension::Device,
            Dimension::Text(analytics::hit::TextKind::Referrer),
            Dimension::Text(analytics::hit::TextKind::Host),
            Dimension::Text(analytics::hit::TextKind::Framework),
            Dimension::Text(analytics::hit::TextKind::Sdk),
        ]
        .to_vec(),
        prefix: String::new(),
        top: Top { rows: 50, ..Top::default() },
    }
}

fn hits(count: u64, spread_us: i64) -> Vec<Seen> {
    let hit =
        |n: u64| if n.is_multiple_of(3) { unlike_others(n, spread_us) } else { seen(n, spread_us) };
    (0..count).map(hit).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unfiltered_sums_are_read_from_rollups_and_equal_those_of_hits() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let proxy = Proxy::start(port_of(&place));
    let through = ClickHousePlace { url: format!("http://127.0.0.1:{}", proxy.port), ..place };
    let clickhouse = ClickHouseLimits { rollups_worth: 0, ..ClickHouseLimits::default() };
    let limits = StoreLimits { clickhouse, ..small() };
    let store = open_in(data.path(), 0, &through, limits).await.unwrap();
    store.append(append(P, &hits(600, LONG))).await.unwrap();
    store.append(append(Q, &hits(50, LONG))).await.unwrap();
    store.settle().await.unwrap();
    let sums = async |query: &SumsQuery, setting: usize| {
        proxy.set(setting);
        let total = store.sums(query.clone()).await;
        proxy.set(UNCHANGED);
        total.map(|total| (crate::sums::answers_from(&total), total))
    };
    for grid in [
        grid(START, START + LONGER, "UTC"),
        grid(START + 7 * HOUR_US + 5, START + LONGER - 11, "UTC"),
        grid(START + 5, START + LONGER, "Europe/Berlin"),
        grid(START + 5, START + LONG, "Asia/Kolkata"),
    ] {
        let query = rolled_up(&grid);
        let (wanted, total) = sums(&query, FROM_HITS).await.unwrap();
        assert!(total.statuses.values().sum::<u64>() > 100);
        assert_eq!(sums(&query, FROM_ROLLUPS).await.unwrap().0, wanted);
    }
    // A refusal shows that the setting arrives: there is no rollup of each hit.
    proxy.set(FROM_ROLLUPS);
    assert!(store.hits(latest(P, 1)).await.is_err());
    proxy.set(FROM_HITS);
    assert_eq!(store.hits(latest(P, 1)).await.unwrap().len(), 1);
    proxy.set(UNCHANGED);
    // Weeks of days; in other zones days are not whole, and each week has one that is read from hits.
    for zone in ["UTC", "Europe/Berlin"] {
        let grid = grid(START, START + LONGER, zone);
        let query =
            SumsQuery { needs: Needs::CONSUMER_SERIES, values: Vec::new(), ..rolled_up(&grid) };
        let (_, found) = sums(&query, FROM_ROLLUPS).await.unwrap();
        let (_, wanted) = sums(&query, FROM_HITS).await.unwrap();
        assert_eq!(found.consumer_series, wanted.consumer_series);
        assert!(found.consumer_series[..10].iter().all(|count| !count.about && count.count > 0));
    }
    store.close().await.unwrap();
}

/// Rollups of days would cost more than the hits.
#[tokio::test(flavor = "multi_thread")]
async fn values_and_endpoints_of_few_hits_are_read_from_hits() {
    let (folders, place) = ([(); 2].map(|()| tempfile::tempdir().unwrap()), place());
    let proxy = Proxy::start(port_of(&place));
    let through = ClickHousePlace { url: format!("http://127.0.0.1:{}", proxy.port), ..place };
    let open = async |node: u8, rollups_worth: u64| {
        let clickhouse = ClickHouseLimits { rollups_worth, ..ClickHouseLimits::default() };
        let limits = StoreLimits { clickhouse, ..small() };
        open_in(folders[usize::from(node)].path(), node, &through, limits).await.unwrap()
    };
    let (many, few) = (open(0, 0).await, open(1, 601).await);
    many.append(append(P, &hits(600, LONG))).await.unwrap();
    many.settle().await.unwrap();
    let grid = grid(START + 7 * HOUR_US + 5, START + LONG, "UTC");
    let query = SumsQuery { needs: Needs::ENDPOINTS, ..rolled_up(&grid) };
    let answers = async |store: &Store| {
        let total = store.sums(query.clone()).await;
        total.map(|total| crate::sums::answers_from(&total))
    };
    let wanted = answers(&many).await.unwrap();
    assert_eq!(answers(&few).await.unwrap(), wanted);
    proxy.set(FROM_ROLLUPS);
    assert_eq!(answers(&many).await.unwrap(), wanted);
    assert!(answers(&few).await.is_err());
    proxy.set(UNCHANGED);
    for store in [many, few] {
        store.close().await.unwrap();
    }
}

/// Erasing rewrites parts: their rollups, too.
#[tokio::test(flavor = "multi_thread")]
async fn rollups_forget_erased_hits_and_fields() {
    let both = Both::open(analytics::tally::TallyLimits::default()).await;
    for project in [P, Q] {
        both.append(project, &hits(600, LONG)).await;
    }
    let compare = async || {
        for grid in [
            grid(START, START + LONG, "UTC"),
            grid(START + 13 * HOUR_US + 7, START + LONG, "Europe/Berlin"),
            // Longer than the numbers that name the newest country.
            grid(START - 900 * DAY_US, START + LONG, "UTC"),
        ] {
            both.compare_sums(&all_panels(&grid, "", "")).await;
        }
    };
    compare().await;
    for erasure in [
        Erasure::User(P, "user-1".into()),
        Erasure::Before(P, START + LONG / 3),
        Erasure::AddressesAndCountries(P),
        Erasure::Project(P),
    ] {
        both.erase(&erasure).await;
        compare().await;
    }
    both.close().await;
}

/// Many consumers a week are estimated: by ClickHouse from sketches of days.
#[tokio::test(flavor = "multi_thread")]
async fn consumers_by_week_are_near_if_there_are_many() {
    let both = Both::open(analytics::tally::TallyLimits::default()).await;
    let hits: Vec<Seen> = (0..1_800u64)
        .map(|n| Seen {
            user: if n.is_multiple_of(20) { String::new() } else { format!("caller {}", n % 900) },
            address: String::new(),
            time_us: START + (n % 5) as i64 * 10 * HOUR_US + if n < 300 { 250 * DAY_US } else { 0 },
            ..seen(n, LONGER)
        })
        .collect();
    both.append(P, &hits).await;
    let query = all_panels(&grid(START, START + LONGER, "UTC"), "", "");
    let found = both.clickhouse.sums(query.clone()).await.unwrap();
    let wanted = both.duckdb.sums(query).await.unwrap();
    assert_eq!(
        found.consumer_series.iter().map(|count| count.count).max(),
        found.consumer_series.first().map(|count| count.count)
    );
    for (found, wanted) in found.consumer_series.iter().zip(&wanted.consumer_series) {
        assert_eq!(found.about, wanted.count > 256, "{found:?} {wanted:?}");
        assert!(found.count.abs_diff(wanted.count) * 20 <= wanted.count, "{found:?} {wanted:?}");
    }
    both.close().await;
}

/// Hits of a program without these rollups get them, also if two servers start at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_an_earlier_version_gets_rollups() {
    let (folders, place) = ([(); 2].map(|()| tempfile::tempdir().unwrap()), place());
    let open =
        async |node: u8| open_in(folders[usize::from(node)].path(), node, &place, small()).await;
    let store: Store = open(0).await.unwrap();
    store.append(append(P, &hits(300, LONG))).await.unwrap();
    store.settle().await.unwrap();
    store.close().await.unwrap();
    let rollups = || {
        tell(&place, "SELECT DISTINCT name FROM system.projection_parts WHERE active AND database = currentDatabase() AND rows > 0 ORDER BY name")
            .lines()
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    let all = rollups();
    assert!(all.len() == 11 && all.contains(&"endpoints".to_owned()), "{all:?}");
    let digests = || vec!["digests".to_owned()];
    for (version, lacks) in [(1, all.clone()), (2, digests()), (3, digests()), (4, digests())] {
        let earlier = if version == 4 { "busiest_consumers" } else { "busiest" };
        tell(
            &place,
            &format!("CREATE TABLE {earlier} (day Int64) ENGINE = MergeTree ORDER BY day"),
        );
        if version < 4 {
            tell(&place, "ALTER TABLE hits RESET SETTING min_age_to_force_merge_seconds");
        }
        for name in &lacks {
            let drop =
                format!("ALTER TABLE hits DROP PROJECTION {name} SETTINGS mutations_sync = 2");
            tell(&place, &drop);
        }
        if version == 4 {
            let add =
                "ALTER TABLE hits ADD PROJECTION days (SELECT project, count() GROUP BY project)";
            tell(&place, add);
            tell(
                &place,
                "ALTER TABLE hits MATERIALIZE PROJECTION days SETTINGS mutations_sync = 2",
            );
        }
        let has = all.len() - lacks.len() + usize::from(version == 4);
        tell(&place, "TRUNCATE TABLE versions");
        tell(&place, &format!("INSERT INTO versions SELECT {version}"));
        assert_eq!(rollups().len(), has);

        let (one, other) = tokio::join!(open(0), open(1));
        let (one, other) = (one.unwrap(), other.unwrap());
        let query = rolled_up(&grid(START, START + LONG, "UTC"));
        let total = one.sums(query.clone()).await.unwrap();
        assert_eq!(total.statuses.values().sum::<u64>(), 300, "answers are right meanwhile");
        // The names may be there while a part still lacks one: a projection cannot be dropped before all have it.
        let unfinished = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done";
        let began = Instant::now();
        while rollups() != all || tell(&place, unfinished) != "0" {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", rollups());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(tell(&place, "SELECT max(version) FROM versions"), "5");
        assert_eq!(tell(&place, &format!("EXISTS TABLE {earlier}")), "0");
        let merged = "SELECT countIf(engine_full LIKE '%min_age_to_force_merge_seconds = 86400%') FROM system.tables WHERE database = currentDatabase() AND name = 'hits'";
        assert_eq!(tell(&place, merged), "1");
        let later = one.sums(query).await.unwrap();
        assert_eq!(
            (later.statuses, later.endpoints.rows.len()),
            (total.statuses, total.endpoints.rows.len())
        );
        for store in [one, other] {
            store.close().await.unwrap();
        }
    }
}
