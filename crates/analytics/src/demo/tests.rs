//! The demo contains everything that it is meant to show.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::enrich::{Countries, Enricher, Settings};
use crate::hit::TextKind;
use crate::ingest::decode;

const SEED: u64 = 7;
/// 2026-11-16, a Monday, 00:00 UTC.
const MONDAY: i64 = 20_773 * MINUTES_PER_DAY;

fn requests(first: i64, minutes: i64) -> Vec<serde_json::Value> {
    let body: serde_json::Value =
        serde_json::from_slice(&batch(SEED, first, minutes).body).unwrap();
    body["requests"].as_array().unwrap().clone()
}

fn week(number: i64) -> Vec<serde_json::Value> {
    requests(MONDAY - number * 7 * MINUTES_PER_DAY, 7 * MINUTES_PER_DAY)
}

#[test]
fn a_minute_is_always_the_same_and_batches_of_minutes_add_up() {
    let whole = requests(MONDAY, 120);
    let parts: Vec<_> = (0..120).flat_map(|minute| requests(MONDAY + minute, 1)).collect();
    assert_eq!(whole, parts);
    assert_ne!(whole, requests(MONDAY + 120, 120));
    let times: Vec<&str> = whole.iter().map(|hit| hit["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    assert!(
        times[0] >= "2026-11-16T00:00:00.000Z"
            && times[times.len() - 1] < "2026-11-16T02:00:00.000Z"
    );
}

#[test]
fn every_hit_is_one_that_the_server_takes_as_it_is() {
    let made = batch(SEED, MONDAY, MINUTES_PER_DAY);
    let posted = decode(&made.body).unwrap();
    let settings = Settings { max_age_us: None, ..Settings::default() };
    let arrival_us = (MONDAY + MINUTES_PER_DAY) * MINUTE_US;
    let enriched = Enricher::new(Countries::embedded()).enrich(posted, &settings, None, arrival_us);
    assert_eq!(enriched.rejected, []);
    assert_eq!(enriched.repairs, crate::ingest::Repairs::default());
    assert_eq!(enriched.batch.hits.len(), made.countries.len());
    let devices: BTreeSet<&str> = enriched
        .batch
        .hits
        .iter()
        .map(|hit| &*enriched.batch.dictionary.agents[hit.text(TextKind::Agent) as usize].device)
        .collect();
    assert_eq!(devices, BTreeSet::from(["bot", "desktop", "library", "mobile", "tablet"]));
    // Documentation addresses have no country.
    assert!(enriched.batch.hits.iter().all(|hit| hit.country == Country::default()));
}

#[test]
fn there_are_about_3000_hits_a_day_with_nights_and_weekends() {
    let hits: Vec<_> = (0..2).flat_map(week).collect();
    let a_day = hits.len() / 14;
    assert!((2_700..3_500).contains(&a_day), "{a_day}");
    let mut by_hour = [0; 24];
    let mut by_day = BTreeMap::<&str, u32>::new();
    for hit in &hits {
        let time = hit["created_at"].as_str().unwrap();
        by_hour[time[11..13].parse::<usize>().unwrap()] += 1;
        *by_day.entry(&time[..10]).or_default() += 1;
    }
    assert!(by_hour[15] > 3 * by_hour[5], "{by_hour:?}");
    let (saturday, tuesday) = (by_day["2026-11-21"], by_day["2026-11-17"]);
    assert!(f64::from(saturday) < 0.8 * f64::from(tuesday), "{saturday} {tuesday}");
}

#[test]
fn there_is_something_of_everything() {
    let hits = week(0);
    let distinct = |name: &str| {
        hits.iter()
            .filter_map(|hit| hit[name].as_str().map(str::to_owned))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let endpoints = hits.iter().filter(|hit| !hit["route"].is_null());
    let endpoints: BTreeSet<_> =
        endpoints.map(|hit| format!("{} {}", hit["method"], hit["route"])).collect();
    assert_eq!((endpoints.len(), distinct("hostname")), (ENDPOINTS.len(), 2));
    assert!(distinct("user_agent") >= 15 && distinct("referrer") >= 5 && distinct("user_id") > 200);
    let countries: BTreeSet<_> = batch(SEED, MONDAY, 7 * MINUTES_PER_DAY)
        .countries
        .iter()
        .map(|country| country.as_str().to_owned())
        .collect();
    assert!((38..=COUNTRIES.len() + 2).contains(&countries.len()), "{}", countries.len());
    let statuses: BTreeSet<u64> = hits.iter().map(|hit| hit["status"].as_u64().unwrap()).collect();
    for status in [200, 201, 204, 304, 401, 404, 409, 422, 429, 500] {
        assert!(statuses.contains(&status), "{status}");
    }
    let versions = |version: &str| {
        hits.iter().filter(|hit| hit["path"].as_str().unwrap().starts_with(version)).count()
    };
    assert!(versions("/v1/") > 500 && versions("/v2/") > versions("/v1/"));
    let errors = hits.iter().filter(|hit| hit["status"].as_u64().unwrap() >= 400).count();
    let share = errors as f64 / hits.len() as f64;
    assert!((0.03..0.15).contains(&share), "{share}");
}

#[test]
fn a_release_slows_the_checkout_for_a_day() {
    let median = |from: i64, to: i64| {
        let mut times: Vec<f64> = (0..3)
            .flat_map(|week| requests(MONDAY - week * 7 * MINUTES_PER_DAY + from, to - from))
            .filter(|hit| hit["route"] == "/v2/checkout" && hit["status"].as_u64().unwrap() < 400)
            .map(|hit| hit["response_time"].as_f64().unwrap())
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let released = 2 * MINUTES_PER_DAY + 600;
    let (before, after) = (median(0, released), median(released, released + MINUTES_PER_DAY));
    let later = median(released + MINUTES_PER_DAY, 7 * MINUTES_PER_DAY);
    assert!(after > 3.0 * before && later < 1.3 * before, "{before} {after} {later}");
}

#[test]
fn each_week_has_a_release_and_its_fix() {
    let us = |minute: i64| minute * MINUTE_US;
    let week = deploys(us(MONDAY), us(MONDAY + 7 * MINUTES_PER_DAY));
    let released = us(MONDAY + 2 * MINUTES_PER_DAY + 600);
    let times: Vec<i64> = week.iter().map(|deploy| deploy.at_us).collect();
    assert_eq!(times, [released, released + us(MINUTES_PER_DAY)]);
    assert!(week[0].version.ends_with(".0") && week[1].version.ends_with(".1"), "{week:?}");
    assert_eq!(deploys(released + 1, released + us(MINUTES_PER_DAY)), []);
    let two = deploys(us(MONDAY), us(MONDAY + 14 * MINUTES_PER_DAY));
    assert_eq!((&two[..2], two.len()), (&week[..], 4));
}

#[test]
fn some_nights_have_an_outage_and_some_hours_a_scan() {
    let (mut nights, mut scans) = (0, 0);
    for day in 0..16 {
        let hits = requests(MONDAY - day * MINUTES_PER_DAY, MINUTES_PER_DAY);
        let failed = hits.iter().filter(|hit| hit["status"].as_u64().unwrap() >= 500).count();
        nights += usize::from(failed > 20);
        let scanned =
            hits.iter().filter(|hit| hit["path"] == "/.env" || hit["path"] == "/wp-login.php");
        scans += usize::from(scanned.count() > 0);
    }
    assert!((2..9).contains(&nights), "{nights}");
    assert!((5..17).contains(&scans), "{scans}");
}
