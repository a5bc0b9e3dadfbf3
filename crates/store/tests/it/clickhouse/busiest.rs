//! Lists of the busiest consumers and of endpoints: read in place of hits, and never when they would be wrong.

use std::time::{Duration, Instant};

use analytics::query::SumsQuery;
use analytics::tally::{Consumer, Dimension, Needs, Sort, TallyLimits, Top, Total};
use store::{ClickHouseLimits, ClickHousePlace, Erasure, StoreError, StoreLimits};

use super::front::{open_in, place};
use super::rollups::{grid, tell};
use super::{Both, unlike_others};
use crate::make::{P, Q, open, small};
use crate::sums::{DAY_US, START, Seen, all_panels, seen};

const DAYS: i64 = 6;
/// Of the two weeks and the month that have these days.
const LONGER: u64 = 3;
const LATER: i64 = START + 100 * DAY_US;
/// As its name and its number.
const CALLER: &str = "user-1";

/// Both engines, the first with lists of the `of_day` busiest consumers of a day.
async fn both(of_day: u64, tally: TallyLimits) -> (Both, ClickHousePlace) {
    let (data, place) = ([tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()], place());
    let clickhouse = ClickHouseLimits {
        busiest_from: 10,
        busiest_of_day: of_day,
        busiest_worth: 0,
        rollups_worth: 0,
    };
    let limits = StoreLimits { clickhouse, tally, ..small() };
    let both = Both {
        duckdb: open(data[0].path(), limits.clone()).await,
        clickhouse: open_in(data[1].path(), 0, &place, limits).await.unwrap(),
        _data: data,
    };
    (both, place)
}

impl Both {
    /// Makes all lists that are due, of which one round may not make all. Returns how many.
    pub(super) async fn derive(&self) -> u64 {
        let mut all = 0;
        loop {
            match self.try_derive().await.unwrap() {
                0 => return all,
                made => all += made,
            }
        }
    }

    /// A round only notes which days rest, the next one makes their lists. On a busy machine a round ends early, and the one
    /// after it makes what it left.
    pub(super) async fn try_derive(&self) -> Result<u64, StoreError> {
        Ok(self.clickhouse.derive(LATER).await? + self.clickhouse.derive(LATER).await?)
    }

    async fn consumers(&self, query: &SumsQuery) -> Total {
        self.clickhouse.sums(query.clone()).await.unwrap()
    }
}

fn hits(count: u64) -> Vec<Seen> {
    let spread_us = DAYS * DAY_US;
    let hit =
        |n: u64| if n.is_multiple_of(2) { unlike_others(n, spread_us) } else { seen(n, spread_us) };
    (0..count).map(hit).collect()
}

/// All days, with the first and the last cut.
fn of_consumers(needs: Needs, rows: usize, sort: Sort) -> SumsQuery {
    let grid = grid(START + DAY_US / 3, START + DAYS * DAY_US - 11, "UTC");
    let top = Top { consumers: true, rows, sort };
    SumsQuery { needs, values: Vec::new(), top, ..all_panels(&grid, "", "") }
}

fn requests(total: &Total) -> u64 {
    total.consumers.rows.iter().map(|row| row.requests).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_days_are_read_from_lists_which_late_hits_make_worthless() {
    let (both, place) = both(4_096, TallyLimits::default()).await;
    both.append(P, &hits(600)).await;
    both.append(Q, &hits(30)).await;
    let query = of_consumers(Needs::CONSUMERS | Needs::CONSUMER_LATENCY, 5_000, Sort::Requests);
    let of_hits = both.consumers(&query).await;
    assert_eq!(
        both.clickhouse.derive(LATER).await.unwrap(),
        0,
        "the days are seen for the first time"
    );
    // Lists of consumers, of endpoints and of values: of each day of the first project, and of the weeks and the month of both.
    assert_eq!(both.clickhouse.derive(START + DAY_US).await.unwrap(), 3, "others are not over");
    assert_eq!(both.derive().await, 3 * (DAYS as u64 - 1) + 3 * 2 * LONGER);
    assert_eq!(both.derive().await, 0);
    both.compare_sums(&query).await;
    for q in ["", "status:404", "-country:GB"] {
        for sort in [Sort::P95, Sort::LastSeen, Sort::ErrorRate] {
            let all = all_panels(&query.grid, q, "");
            both.compare_sums(&SumsQuery { top: Top { sort, ..query.top }, ..all }).await;
        }
    }

    // The page says the same as the lists: four whole days, and each list is ten hits a consumer too high.
    let (first, last) = (START / DAY_US, START / DAY_US + DAYS - 1);
    let listed = format!(
        "SELECT count() FROM busiest_rows WHERE project = {} AND kind = 1 AND key != 0 AND of_month > 1 AND day > {first} AND day < {last}",
        P.0
    );
    let listed: u64 = tell(&place, &listed).parse().unwrap();
    assert!(listed > 40);
    tell(
        &place,
        "ALTER TABLE busiest_rows UPDATE requests = requests + 10 WHERE key != 0 SETTINGS mutations_sync = 2",
    );
    let too_high = both.consumers(&query).await;
    assert_eq!(requests(&too_high), requests(&of_hits) + 10 * listed);
    assert_eq!(too_high.consumers.count, of_hits.consumers.count);

    // A hit of each day comes late.
    let late: Vec<Seen> = (0..DAYS)
        .map(|day| Seen {
            time_us: START + day * DAY_US + 43_000_000_000,
            ..seen(day as u64, DAY_US)
        })
        .collect();
    both.append(P, &late).await;
    both.compare_sums(&query).await;
    assert_eq!(both.derive().await, 3 * (DAYS as u64 + LONGER));
    both.compare_sums(&query).await;
    both.close().await;
}

/// Two whole months, and days of those before and after.
#[tokio::test(flavor = "multi_thread")]
async fn whole_months_are_read_from_one_list_and_the_other_days_from_theirs() {
    const LONG: i64 = 75;
    const NOVEMBER: i64 = START / DAY_US + 12;
    let (both, place) = both(4_096, TallyLimits::default()).await;
    let hit = |n: u64| {
        let spread_us = LONG * DAY_US;
        if n.is_multiple_of(2) { unlike_others(n, spread_us) } else { seen(n, spread_us) }
    };
    both.append(P, &(0..3_000).map(hit).collect::<Vec<Seen>>()).await;
    let grid = grid(START + DAY_US / 3, START + LONG * DAY_US - 11, "UTC");
    let page = all_panels(&grid, "", "");
    let query = SumsQuery { top: Top { rows: 5_000, ..page.top }, ..page.clone() };
    let of_hits = both.consumers(&query).await;
    both.derive().await;
    both.compare_sums(&page).await;

    // Each row of a month has ten hits too many, and each duration of an endpoint comes once more.
    tell(
        &place,
        "ALTER TABLE busiest_rows UPDATE requests = requests + 10,
             latency_requests = if(kind = 2, arrayMap(hits -> hits + 1, latency_requests), latency_requests)
         WHERE of_month = 0 AND key != 0 SETTINGS mutations_sync = 2",
    );
    let too_many = |of_days: &str| {
        let sum = format!(
            "SELECT countIf(kind = 1) * 10, countIf(kind = 2) * 10, sumIf(length(latencies), kind = 2),
                 countIf(kind = 3 AND first = 'country') * 10
             FROM busiest_rows WHERE of_month = 0 AND key != 0 AND {of_days}"
        );
        let told = tell(&place, &sum);
        told.split('\t').map(|number| number.parse().unwrap()).collect::<Vec<u64>>()
    };
    let sums = |total: &Total| -> [u64; 4] {
        let endpoints = &total.endpoints.rows;
        let countries = &total.values[&Dimension::Country].rows;
        [
            requests(total),
            endpoints.iter().map(|row| row.requests).sum(),
            endpoints.iter().map(|row| row.latency.total()).sum(),
            countries.iter().map(|(_, count)| count.requests).sum(),
        ]
    };
    let beyond = async || {
        let total = both.consumers(&query).await;
        assert_eq!(total.consumers.count, of_hits.consumers.count);
        let both = sums(&total).into_iter().zip(sums(&of_hits));
        both.map(|(found, of_hits)| found - of_hits).collect::<Vec<u64>>()
    };
    let wanted = too_many(&format!("day IN ({NOVEMBER}, {})", NOVEMBER + 30));
    assert!(wanted.iter().all(|sum| *sum > 30), "{wanted:?}");
    assert_eq!(beyond().await, wanted);

    // A hit of November comes late: the lists of its other days still count.
    let late = Seen {
        time_us: (NOVEMBER + 7) * DAY_US + 5,
        duration_us: Some(7),
        country: "NZ",
        user: CALLER.into(),
        ..seen(1, DAY_US)
    };
    both.append(P, &[late]).await;
    let of_december = too_many(&format!("day = {}", NOVEMBER + 30));
    assert_eq!(beyond().await, of_december.iter().map(|sum| sum + 1).collect::<Vec<u64>>());
    tell(
        &place,
        &format!(
            "ALTER TABLE busiest_rows DELETE WHERE of_month = 0 AND day > {NOVEMBER} SETTINGS mutations_sync = 2"
        ),
    );
    both.compare_sums(&page).await;
    both.derive().await;
    both.compare_sums(&page).await;
    both.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_not_over_is_read_from_lists_of_its_weeks() {
    const NOVEMBER: i64 = START / DAY_US + 12;
    const TODAY: i64 = (NOVEMBER + 23) * DAY_US;
    let (both, place) = both(4_096, TallyLimits::default()).await;
    let hits: Vec<Seen> = (0..2_000).map(|n| seen(n, 40 * DAY_US)).collect();
    both.append(P, &hits).await;
    let page = all_panels(&grid(NOVEMBER * DAY_US, TODAY, "UTC"), "", "");
    let query = SumsQuery { top: Top { rows: 5_000, ..page.top }, ..page.clone() };
    let of_hits = requests(&both.consumers(&query).await);
    both.clickhouse.derive(TODAY).await.unwrap();
    while both.clickhouse.derive(TODAY).await.unwrap() > 0 {}
    both.compare_sums(&page).await;

    let weeks = format!("of_month = 1 AND key != 0 AND kind = 1 AND day >= {NOVEMBER}");
    let count = |days: &str| -> u64 {
        tell(&place, &format!("SELECT count() FROM busiest_rows WHERE {weeks} AND {days}"))
            .parse()
            .unwrap()
    };
    let [second, third] = [NOVEMBER + 7, NOVEMBER + 14];
    let all = count("1");
    assert!(count(&format!("day IN ({NOVEMBER}, {second}, {third})")) == all && all > 30);
    tell(
        &place,
        &format!(
            "ALTER TABLE busiest_rows UPDATE requests = requests + 10 WHERE {weeks} SETTINGS mutations_sync = 2"
        ),
    );
    assert_eq!(requests(&both.consumers(&query).await), of_hits + 10 * all);

    // A hit of the second week comes late: its other days have lists of their own.
    let late = Seen { time_us: (second + 1) * DAY_US + 5, user: CALLER.into(), ..seen(1, DAY_US) };
    both.append(P, &[late]).await;
    let others = count(&format!("day != {second}"));
    assert_eq!(requests(&both.consumers(&query).await), of_hits + 1 + 10 * others);
    both.close().await;
}

/// Two servers may make a list at once, of which the table has both until it merges them.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_there_twice_counts_once() {
    let (both, place) = both(4_096, TallyLimits::default()).await;
    both.append(P, &hits(600)).await;
    tell(&place, "SYSTEM STOP MERGES busiest_rows");
    both.derive().await;
    let again = "INSERT INTO busiest_rows SELECT * REPLACE (list + 1 AS list, derived_us + 1 AS derived_us) FROM busiest_rows";
    tell(&place, again);
    let query = of_consumers(Needs::CONSUMERS | Needs::CONSUMER_LATENCY, 5_000, Sort::Requests);
    both.compare_sums(&all_panels(&query.grid, "", "")).await;
    both.compare_sums(&query).await;
    tell(&place, "SYSTEM START MERGES busiest_rows");
    tell(&place, "OPTIMIZE TABLE busiest_rows FINAL");
    both.compare_sums(&query).await;
    both.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_lists_that_leave_consumers_out_the_error_is_known() {
    const CONSUMERS: u64 = 400;
    let tally = TallyLimits { distinct_exact: 100, ..TallyLimits::default() };
    let (both, _place) = both(20, tally).await;
    // The n-th caller comes about 400 / n times, on any day.
    let hits: Vec<Seen> = (0..CONSUMERS)
        .flat_map(|n| (0..CONSUMERS / (n + 1)).map(move |time| (n, time)))
        .map(|(n, time)| Seen {
            user: format!("caller {n}"),
            ..seen(n * 1_000 + time, DAYS * DAY_US)
        })
        .collect();
    both.append(P, &hits).await;
    assert_eq!(both.derive().await, 3 * (DAYS as u64 + LONGER));
    for rows in [5, 300] {
        let query = of_consumers(Needs::CONSUMERS, rows, Sort::Requests);
        let found = both.consumers(&query).await;
        let all = SumsQuery { top: Top { rows: 5_000, ..query.top }, ..query.clone() };
        let wanted = both.duckdb.sums(all).await.unwrap();
        let listing = &found.consumers;
        assert!(listing.missing_up_to > 0 && listing.low_by_up_to <= listing.missing_up_to);
        assert!(listing.count.about);
        assert!(listing.count.count.abs_diff(wanted.consumers.count.count) < 20, "{listing:?}");
        let of = |user: &str| -> Option<&Consumer> {
            listing.rows.iter().find(|row| row.user.as_str() == user)
        };
        let least = listing.rows.iter().map(|row| row.requests).min().unwrap();
        for row in &wanted.consumers.rows {
            match of(&row.user) {
                Some(found) => assert!(
                    found.requests <= row.requests
                        && found.requests + listing.low_by_up_to >= row.requests,
                    "{found:?} {row:?}"
                ),
                None => assert!(row.requests <= least + listing.missing_up_to, "{row:?}"),
            }
        }
        // Those who come on every day are on every list.
        assert_eq!(
            of("caller 0").map(|row| row.requests),
            wanted
                .consumers
                .rows
                .iter()
                .find(|row| row.user.as_str() == "caller 0")
                .map(|row| row.requests)
        );
    }
    both.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_forget_whom_an_erasure_concerns() {
    let (both, place) = both(4_096, TallyLimits::default()).await;
    for project in [P, Q] {
        both.append(project, &hits(600)).await;
    }
    both.derive().await;
    let rows = |condition: &str| -> u64 {
        tell(&place, &format!("SELECT count() FROM busiest_rows WHERE {condition}"))
            .parse()
            .unwrap()
    };
    let of_p = format!("project = {}", P.0);
    let address = "ip = toIPv6('203.0.113.4')";
    let (user, odd) = (format!("user = '{CALLER}'"), "other = 'odd 8'");
    let query = of_consumers(Needs::CONSUMERS | Needs::CONSUMER_LATENCY, 5_000, Sort::Requests);
    for (erasure, condition) in [
        (Erasure::User(P, CALLER.into()), user.as_str()),
        (Erasure::Address(P, "203.0.113.4".into()), address),
        (Erasure::Address(P, "odd 8".into()), odd),
        (
            Erasure::Before(P, START + DAY_US * 2),
            "of_month != 0 AND day * 86400000000 < 1792627200000000",
        ),
        (Erasure::AddressesAndCountries(P), "ip != toIPv6('::')"),
        (Erasure::Project(P), "1"),
    ] {
        let condition = format!("{of_p} AND {condition}");
        assert!(rows(&condition) > 0, "there is something to erase: {condition}");
        let others = rows(&format!("project = {}", Q.0));
        both.erase(&erasure).await;
        assert_eq!(rows(&condition), 0, "{erasure:?}");
        assert_eq!(rows(&format!("project = {}", Q.0)), others);
        let old = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'busiest_rows' AND NOT active";
        assert_eq!(tell(&place, old), "0");
        both.compare_sums(&query).await;
        both.derive().await;
        both.compare_sums(&query).await;
        assert_eq!(rows(&condition), 0, "{erasure:?}");
    }
    both.close().await;
}

/// A list that is just being made has the hits from before the erasure.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_lists_that_are_being_made() {
    let (both, place) = both(4_096, TallyLimits::default()).await;
    both.append(P, &hits(600)).await;
    assert_eq!(both.derive().await, 3 * (DAYS as u64 + LONGER));
    let slow = format!(
        "INSERT INTO busiest_rows SELECT * REPLACE (day + 1000 AS day) FROM busiest_rows WHERE user = '{CALLER}' AND sleepEachRow(0.3) = 0 LIMIT 3"
    );
    let making = std::thread::spawn({
        let place = place.clone();
        move || tell(&place, &slow)
    });
    let running =
        "SELECT count() FROM system.processes WHERE startsWith(query, 'INSERT INTO busiest_rows')";
    let began = Instant::now();
    while tell(&place, running) == "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "it runs");
    }
    both.erase(&Erasure::User(P, CALLER.into())).await;
    let left = format!("SELECT count() FROM busiest_rows WHERE user = '{CALLER}'");
    assert_eq!(tell(&place, &left), "0");
    assert!(making.is_finished(), "it was waited for");
    making.join().unwrap();
    assert_eq!(tell(&place, &left), "0");
    both.close().await;
}
