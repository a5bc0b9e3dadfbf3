//! Alert rules: the CPU of one minute's round with 1,000 projects of 5 ready-made rules each, with hits of the last
//! hours and of the same time in earlier weeks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::Client;
use crate::server::Server;
use crate::{Options, Table};

const PROJECTS: usize = 1_000;
const RULES: [&str; 5] = [
    r#"{"ready_made":"server_error_spike"}"#,
    r#"{"ready_made":"traffic_stopped"}"#,
    r#"{"ready_made":"slower_than_usual"}"#,
    r#"{"ready_made":"new_failing_endpoint"}"#,
    r#"{"ready_made":"burn_rate","goal_percent":99.9}"#,
];
/// Per project: one request a minute.
const HITS_NOW: u64 = 300;
const HITS_A_WEEK: u64 = 300;
const WEEK_S: u64 = 7 * 24 * 3_600;
const ROUNDS: usize = 3;
/// Of a minute; rounds begin 15 s after its start. Nothing happens between the first two, a round between the last two.
const IDLE_SECOND: u64 = 28;
const BEGIN_SECOND: u64 = 57;
const END_SECOND: u64 = 27;

pub fn run(options: &Options, table: &mut Table) {
    let folder = options.folder.join("rules");
    let settings = ["--project-creations-per-hour", "100000", "--demo", "off"];
    let server = Server::start(&options.binary, &folder.join("data"), &settings);
    let keys: Vec<String> = (0..PROJECTS).map(|_| server.new_key()).collect();
    let mut client = Client::connect(&server.address).expect("it answers");
    let now_s = since_1970().as_secs();
    for (number, key) in keys.iter().enumerate() {
        let weeks = (1..=3).map(|week| (now_s - week * WEEK_S + 9_000, HITS_A_WEEK));
        for (end_s, hits) in weeks.chain([(now_s, HITS_NOW)]) {
            let body = batch(key, number as u64, end_s, hits);
            send(&mut client, "/api/requests", key, &body, 200);
        }
    }
    // The hits may be in sealed files by now or not; both are counted.
    sleep_until_second(20);
    let (before, _) = server.memory();
    for key in &keys {
        RULES.iter().for_each(|rule| send(&mut client, "/api/v1/rules", key, rule, 201));
    }
    let name = |what: &str| format!("{PROJECTS} projects with {} rules: {what}", RULES.len());
    let anew = round(&server);
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(&server)).collect();
    rounds.sort_by(f64::total_cmp);
    let (after, _) = server.memory();
    table.add(name("CPU of a round"), rounds[ROUNDS / 2], "ms", "<= 200");
    table.add(name("CPU of the hour's first round"), anew, "ms", "");
    table.add(name("memory more than without"), after - before, "MB", "");
    server.stop();
}

/// The CPU of the next round, milliseconds, less that of an equal time without one.
fn round(server: &Server) -> f64 {
    let spent_at = |second: u64| {
        sleep_until_second(second);
        server.cpu_of_process()
    };
    let (idle, begin, end) = (spent_at(IDLE_SECOND), spent_at(BEGIN_SECOND), spent_at(END_SECOND));
    let idle_seconds = (BEGIN_SECOND - IDLE_SECOND) as f64;
    let seconds = (60 - BEGIN_SECOND + END_SECOND) as f64;
    1_000.0 * ((end - begin) - (begin - idle) * seconds / idle_seconds)
}

/// Of the current minute, or of the next if it has passed.
fn sleep_until_second(second: u64) {
    let now = since_1970();
    let of_minute =
        Duration::from_secs(now.as_secs() % 60) + Duration::from_nanos(now.subsec_nanos().into());
    let wanted = Duration::from_secs(second);
    let wait =
        wanted.checked_sub(of_minute).unwrap_or(wanted + Duration::from_secs(60) - of_minute);
    std::thread::sleep(wait);
}

#[expect(clippy::disallowed_methods, reason = "hits are of now")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock")
}

/// One hit a minute, the newest at `end_s`; one of a hundred fails.
fn batch(key: &str, project: u64, end_s: u64, hits: u64) -> String {
    let hits = (0..hits).map(|number| {
        let at_s = end_s - number * 60;
        let status = if (number + project).is_multiple_of(100) { 500 } else { 200 };
        let at = jiff::Timestamp::from_second(at_s as i64).expect("a time");
        serde_json::json!({
            "path": format!("/orders/{number}"), "route": format!("/orders/{}", number % 20), "method": "GET",
            "status": status, "response_time": 20 + number % 50, "created_at": at.to_string(), "user_id": format!("u{}", number % 30),
        })
    });
    let hits: Vec<serde_json::Value> = hits.collect();
    serde_json::json!({ "api_key": key, "framework": "FastAPI", "requests": hits }).to_string()
}

fn send(client: &mut Client, path: &str, key: &str, body: &str, expected: u16) {
    let (status, answer) = client.send("POST", path, key, body.as_bytes()).expect("it answers");
    assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
}
