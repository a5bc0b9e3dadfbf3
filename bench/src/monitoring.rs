//! The pages opened during an outage (the list of 50 monitors, one monitor over 12 months, the status page), and the
//! cost of monitors and rules to ingest.
//!
//! Waiting for a year of checks is impossible: with the server stopped, the results are written to its file by the same
//! code.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use analytics::check::{Phase, Phases};
use analytics::uptime::{Millis, Outcome};
use serde_json::{Value, json};
use store::checks::{CheckRow, Checks, KeptState, MonitorState, Record};

use crate::client::Client;
use crate::ingest::{load, median, now_us};
use crate::server::Server;
use crate::{Options, Table};

const MONITORS: usize = 50;
const DAY_MS: i64 = 86_400_000;
const FIVE_MINUTES_MS: i64 = 300_000;
/// For the first monitor; for the others as many as a status page shows.
const DAYS: i64 = 365;
const DAYS_SHOWN: i64 = 90;
/// Records in a transaction.
const AT_ONCE: usize = 2_000;
const ROUNDS: usize = 9;
/// Two rounds of rules.
const RESTING: Duration = Duration::from_secs(120);

pub fn run(options: &Options, table: &mut Table) {
    pages(options, table);
    beside_ingest(options, table);
}

fn pages(options: &Options, table: &mut Table) {
    let data = options.folder.join("monitoring");
    let server = Server::start(&options.binary, &data, &["--demo", "off"]);
    let key = server.new_key();
    let mut client = Client::connect(&server.address).expect("it answers");
    let monitors: Vec<(i64, i64)> = (0..MONITORS)
        .map(|number| {
            // Nothing that would be checked while pages are measured.
            let monitor = json!({ "kind": "heartbeat", "name": format!("Job {number}"), "period_s": 86_400, "grace_s": 86_400 });
            let made = call(&mut client, "POST", "/api/v1/monitors", &key, &monitor);
            let created: jiff::Timestamp = text(&made, "created_at").parse().expect("a time");
            (made["id"].as_i64().expect("a number"), created.as_microsecond())
        })
        .collect();
    let services: Vec<Value> = monitors
        .iter()
        .map(|(id, _)| json!({ "monitor": id, "name": format!("Service {id}") }))
        .collect();
    let page = json!({ "enabled": true, "slug": "bench", "groups": [{ "name": "Jobs", "services": services }] });
    call(&mut client, "PATCH", "/api/v1/status-page", &key, &page);
    server.stop();
    write_results(&data, &monitors);

    let server = Server::start(&options.binary, &data, &["--demo", "off"]);
    let mut client = Client::connect(&server.address).expect("it answers");
    let first = monitors[0].0;
    for (name, path, aim) in [
        ("list of monitors with uptime", "/api/v1/monitors".to_owned(), ""),
        ("list of monitors as the page polls it", "/api/v1/monitors?uptime=false".to_owned(), ""),
        ("a monitor's 12 months", format!("/api/v1/monitors/{first}/history?period=12mo"), "<= 30"),
        ("status page", "/status/bench".to_owned(), "<= 30"),
    ] {
        let mut bytes = 0;
        let mut ask = || {
            let asked = Instant::now();
            let (status, body) = client.get(&path, &key).expect("an answer");
            assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
            bytes = body.len();
            asked.elapsed().as_secs_f64() * 1e3
        };
        // The first is computed; a status page is then cached for some seconds.
        table.add(format!("{MONITORS} monitors: {name}, first"), ask(), "ms", aim);
        let times = (0..ROUNDS).map(|_| ask()).collect();
        table.add(format!("{MONITORS} monitors: {name}"), median(times), "ms", aim);
        table.add(format!("{MONITORS} monitors: {name}, size"), bytes as f64 / 1e3, "kB", "");
    }
    server.stop();
}

/// A check every five minutes; one in 200 failed.
fn write_results(data: &Path, monitors: &[(i64, i64)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let checks = Checks::open(data).await.expect("the file of results");
        let today_ms = now_us() / 1_000 / DAY_MS * DAY_MS;
        for (number, (id, created_us)) in monitors.iter().enumerate() {
            let days = if number == 0 { DAYS } else { DAYS_SHOWN };
            let times = (today_ms - days * DAY_MS..today_ms).step_by(FIVE_MINUTES_MS as usize);
            let records: Vec<Record> = times.map(|at_ms| record(*id, *created_us, at_ms)).collect();
            for some in records.chunks(AT_ONCE) {
                checks.write(some).await.expect("results are written");
            }
        }
        checks.trim(now_us() / 1_000).await.expect("old results go");
        checks.close().await;
    });
}

fn record(monitor: i64, created_us: i64, at_ms: i64) -> Record {
    let is_up = (at_ms / FIVE_MINUTES_MS + monitor) % 200 != 0;
    let mut phases = Phases::default();
    phases.add(Phase::Connect, Duration::from_micros(2_000 + (at_ms / 1_000 % 900) as u64));
    phases.add(Phase::FirstByte, Duration::from_micros(20_000 + (at_ms / 7_000 % 9_000) as u64));
    let (up, down) = if is_up { (FIVE_MINUTES_MS, 0) } else { (0, FIVE_MINUTES_MS) };
    let check = CheckRow {
        monitor,
        at_ms,
        outcome: if is_up { Outcome::Up } else { Outcome::Down },
        failure: None,
        detail: None,
        status: None,
        missed: 0,
        late_ms: 0,
        phases,
    };
    Record {
        check: Some(check),
        changes: BTreeMap::from([(
            at_ms,
            Millis { up: up as _, down: down as _, ..Millis::default() },
        )]),
        state: MonitorState { id: monitor, created_us, kept: KeptState::default() },
        ..Record::default()
    }
}

/// The same posts to a server without monitoring, and to one with monitors and rules; in turns, since the machine's
/// speed changes meanwhile. A turn is longer than a round of rules, and none begins before the other server has built
/// and merged its files: that work would be measured in the wrong turn.
fn beside_ingest(options: &Options, table: &mut Table) {
    const PROJECTS: usize = 20;
    let target = std::net::TcpListener::bind("127.0.0.2:0").expect("a free port");
    let at = target.local_addr().expect("an address");
    std::thread::spawn(move || target.incoming().for_each(drop));
    let settings = [
        "--demo",
        "off",
        "--allow-networks",
        "127.0.0.2/32",
        "--project-creations-per-hour",
        "1000",
    ];
    let start = |name: &str| {
        let server = Server::start(&options.binary, &options.folder.join(name), &settings);
        let keys: Vec<String> = (0..PROJECTS).map(|_| server.new_key()).collect();
        (server, keys)
    };
    let servers = [start("ingest-alone"), start("ingest-watching")];
    let mut client = Client::connect(&servers[1].0.address).expect("it answers");
    for key in &servers[1].1 {
        for number in 0..10 {
            let monitor = json!({ "kind": "tcp", "target": at.to_string(), "name": format!("Port {number}"), "interval_s": 20 });
            call(&mut client, "POST", "/api/v1/monitors", key, &monitor);
        }
        for rule in
            ["server_error_spike", "traffic_stopped", "slower_than_usual", "new_failing_endpoint"]
        {
            call(&mut client, "POST", "/api/v1/rules", key, &json!({ "ready_made": rule }));
        }
    }
    let (mut rates, mut cpu) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for turn in [0, 1, 1, 0, 0, 1] {
        let (server, keys) = &servers[turn];
        let time = Duration::from_secs(options.seconds.max(65));
        let before = server.cpu_of_process();
        let (hits, _, seconds) = load(&server.address, keys, 2, 1_000, u64::MAX, time);
        crate::ingest::wait_until_applied(server);
        wait_until_quiet(server);
        rates[turn].push(hits as f64 / seconds);
        cpu[turn].push((server.cpu_of_process() - before) * 1e6 / hits as f64);
    }
    let [alone, watching] = rates.map(median);
    table.add("kept with nothing to watch", alone, "hits/s", "");
    table.add("kept with 200 monitors and 80 rules", watching, "hits/s", "");
    table.add("that is less by", 100.0 * (1.0 - watching / alone), "%", "<= 3");
    let [alone, watching] = cpu.map(median);
    table.add("with nothing to watch, CPU", alone, "us/hit", "");
    table.add("with 200 monitors and 80 rules, CPU", watching, "us/hit", "");
    table.add("that is more by", 100.0 * (watching / alone - 1.0), "%", "<= 3");
    // Both servers are idle now, with as many hits: this shows a difference that the noise of the load hides.
    let resting = || servers.each_ref().map(|(server, _)| server.cpu_of_process());
    let before = resting();
    std::thread::sleep(RESTING);
    let [alone, watching] =
        [0, 1].map(|n| 100.0 * (resting()[n] - before[n]) / RESTING.as_secs_f64());
    table.add("at rest with nothing to watch", alone, "% of a core", "");
    table.add("at rest with 200 monitors and 80 rules", watching, "% of a core", "");
    servers.into_iter().for_each(|(server, _)| server.stop());
}

/// Until it uses less than a tenth of a core; at most ten minutes.
fn wait_until_quiet(server: &Server) {
    const STEP: Duration = Duration::from_secs(2);
    for _ in 0..300 {
        let before = server.cpu_of_process();
        std::thread::sleep(STEP);
        if server.cpu_of_process() - before < STEP.as_secs_f64() / 10.0 {
            return;
        }
    }
}

fn call(client: &mut Client, method: &str, path: &str, key: &str, body: &Value) -> Value {
    let (status, answer) =
        client.send(method, path, key, body.to_string().as_bytes()).expect("an answer");
    assert!((200..300).contains(&status), "{path}: {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).expect("JSON")
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_else(|| panic!("{answer} has no {field}"))
}
