//! A process that judges rules and is killed at any moment: every transition has its notice, none is invented, and the
//! next process continues from there. `RULE_KILLS` is the number of kills, `RULE_SEED` decides their times.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

const CHILD: &str = "RULE_KILLS_CHILD";
const ENDPOINTS: u64 = 6;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// From 0 to before `below`.
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

async fn open(data: &str) -> TestApp {
    // Nothing is sent: nobody answers there.
    TestApp::with(&[("data", data), ("name_servers", "127.0.0.1:9")]).await
}

/// Endpoints fail and recover, minute by minute, until the process is killed.
async fn judge_for_ever(told: &str) {
    let mut parts = told.split(' ');
    let mut next = || parts.next().unwrap();
    let (data, key) = (next(), next());
    let (from_us, mut seed): (i64, u64) = (next().parse().unwrap(), next().parse().unwrap());
    let app = open(data).await;
    app.set_time(from_us);
    loop {
        let at = jiff::Timestamp::from_microsecond(app.time()).unwrap().to_string();
        let failing = (0..ENDPOINTS).filter(|_| random(&mut seed, 2) == 0);
        let one = |endpoint: u64| {
            hit(&format!("/{endpoint}"), json!({ "status": 500, "created_at": at }))
        };
        let hits: Vec<Value> = failing.map(one).collect();
        if !hits.is_empty() {
            app.post_hits(key, json!(hits)).await;
        }
        pass_minutes(&app, 1).await;
        std::fs::write(ready(data), "").unwrap();
    }
}

/// The file exists once a child has judged.
fn ready(data: &str) -> String {
    format!("{data}.ready")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_forgets_no_transition_and_invents_none() {
    if let Ok(told) = std::env::var(CHILD) {
        return judge_for_ever(&told).await;
    }
    let mut seed = number("RULE_SEED", std::process::id().into());
    let run = format!("RULE_SEED={seed}");
    let kills = number("RULE_KILLS", 4);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let mut app = open(&data).await;
    let project = app.project().await;
    let channel = channel(&app, &project).await;
    let settings = |group: &str| json!({ "metric": "server_errors", "at_least": 1, "window_minutes": 1, "group_by": group });
    let mut rules = Vec::new();
    for group in ["all", "endpoint", "endpoint"] {
        rules.push(make(&app, &project, settings(group)).await);
    }
    let mut open_at_kills = 0;
    for kill in 1..=kills as i64 {
        app.stop().await;
        let from_us = NOW + kill * 3 * HOUR_US;
        let told = format!("{data} {} {from_us} {}", project.key, random(&mut seed, 1 << 30));
        let name = "rules::kills::a_process_that_is_killed_forgets_no_transition_and_invents_none";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, told)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::fs::remove_file(ready(&data)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "the process does not judge");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(random(&mut seed, 900))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        // The child has judged.
        let _ = std::fs::remove_file(ready(&data));
        app.launch_again().await;
        // The state of each rule matches its incidents.
        for id in &rules {
            let open = incidents(&app, &project, &format!("rule={id}&state=open")).await.len();
            let alerts = show(&app, &project, id).await["alerts"].as_array().unwrap().len();
            assert_eq!(alerts, open, "{run}: rule {id} after kill {kill}");
            open_at_kills += open;
        }
    }
    assert!(open_at_kills > 0, "{run}: no kill fell into an alert");
    app.set_time(NOW + (kills as i64 + 1) * 3 * HOUR_US);
    pass_minutes(&app, 2).await;
    assert_eq!(incidents(&app, &project, "state=open").await, Vec::<Value>::new());

    let mut expected = BTreeSet::new();
    for id in &rules {
        let all = incidents(&app, &project, &format!("rule={id}&limit=500")).await;
        assert!((1..500).contains(&all.len()), "{}", all.len());
        // Their numbers have no gap.
        for alert in 1..=all.len() {
            let path = format!("/api/v1/incidents/r{id}-{alert}");
            let answer = app.get_as(&project.key, &path).await.json();
            let transitions = answer["transitions"].as_array().unwrap().iter();
            let changes: Vec<&Value> = transitions.map(|one| &one["change"]).collect();
            assert_eq!(changes, ["opened", "closed"], "{run}: {path}");
            expected.extend((1..=2).map(|number| format!("rule-{id}-{alert}-{number}")));
        }
    }
    let (mut told, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = app.shared().checks.deliveries(channel.as_i64().unwrap(), before, 200).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        before = last.id;
        told.extend(page.iter().map(|one| one.notice.id.clone()));
    }
    assert_eq!(told.len(), expected.len(), "{run}: none is told twice");
    assert_eq!(told.into_iter().collect::<BTreeSet<String>>(), expected, "{run}");
}
