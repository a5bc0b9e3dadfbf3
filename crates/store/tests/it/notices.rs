//! Incidents and their notices: written with their result, and kept through delivery.

use std::collections::HashSet;

use analytics::alert::{Lateness, RuleState, Timing, Verdict};
use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, Muted, Transition};
use analytics::notice::{Hit, Notice, Stage};
use rstest::rstest;
use store::checks::{
    Checks, Ended, FILE, IncidentQuery, IncidentRow, IncidentSource, IncidentUpdate,
    LatenessRecord, MonitorState, NewNotice, Record, RuleRecord, Try,
};

use crate::home::{Engine, Home};

const NOW_MS: i64 = 1_795_348_800_000;
const PROJECT: ProjectId = ProjectId(7);
const MONITOR: IncidentSource = IncidentSource::Monitor(3);
const OPEN: IncidentQuery =
    IncidentQuery { project: PROJECT, source: None, open: true, before_ms: i64::MAX, limit: 9 };

fn transition(number: u32, change: Change, muted: Option<Muted>) -> Transition {
    let at_ms = NOW_MS + i64::from(number);
    let (incident, cause, since_ms) = (1, Cause::Down, NOW_MS);
    Transition { incident, transition: number, cause, change, at_ms, since_ms, muted }
}

/// The record of a transition of monitor 3, with a notice for each of these channels.
fn record(transition: Transition, channels: &[i64]) -> Record {
    let closed = matches!(transition.change, Change::Closed { .. });
    let incident = IncidentRow {
        source: MONITOR,
        number: 1,
        project: PROJECT,
        cause: transition.cause,
        since_ms: transition.since_ms,
        found_ms: transition.at_ms,
        until_ms: closed.then_some(transition.at_ms),
        unconfirmed: !closed,
        failure: (!closed).then_some(analytics::check::Failure::Status),
        detail: (!closed).then(|| "status 503".to_owned()),
        status: None,
        phases: None,
        last_good_ms: None,
        hit: Some(Hit { requests: transition.transition.into(), ..Hit::default() }),
    };
    let notice = Notice {
        thread: "monitor-3-1".to_owned(),
        stage: if closed { Stage::Resolved } else { Stage::Opening },
        ..Notice::test(&format!("monitor-3-1-{}", transition.transition), "shop", "API", NOW_MS)
    };
    let notices = channels.iter().map(|channel| NewNotice {
        channel: (*channel, channel * 10),
        project: PROJECT,
        source: Some(MONITOR),
        notice: notice.clone(),
        created_ms: transition.at_ms,
    });
    Record {
        state: MonitorState { id: 3, created_us: 30, ..MonitorState::default() },
        transitions: vec![transition],
        incidents: vec![incident],
        notices: notices.collect(),
        ..Record::default()
    }
}

const CLOSED: Change = Change::Closed { until_ms: NOW_MS + 2, outages: 0, still_down: false };

#[rstest]
#[tokio::test]
async fn an_incident_keeps_what_its_owner_wrote_and_why_it_began(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let opened = record(transition(1, Change::Opened, Some(Muted::Unconfirmed)), &[]);
    checks.write(std::slice::from_ref(&opened)).await.unwrap();
    let mut kept = checks.incidents(OPEN).await.unwrap().remove(0);
    assert_eq!(kept.found, opened.incidents[0]);
    kept.acknowledged_ms = Some(5);
    kept.note = Some("the database".to_owned());
    let update =
        IncidentUpdate { at_ms: 6, stage: Default::default(), text: "We look into it.".to_owned() };
    checks.change_incident(&kept, Some(update.clone()), None).await.unwrap();
    checks.write(&[record(transition(2, CLOSED, None), &[])]).await.unwrap();

    assert_eq!(checks.incidents(OPEN).await.unwrap(), []);
    let closed = checks.incident(PROJECT, MONITOR, 1).await.unwrap().unwrap();
    assert_eq!(closed.found.until_ms, Some(NOW_MS + 2));
    assert_eq!(closed.found.detail.as_deref(), Some("status 503"));
    assert_eq!((closed.found.found_ms, closed.found.unconfirmed), (NOW_MS + 1, true));
    assert_eq!(closed.found.hit.map(|hit| hit.requests), Some(2));
    assert_eq!((closed.acknowledged_ms, closed.note), (kept.acknowledged_ms, kept.note));
    assert_eq!(checks.incident_updates(MONITOR, 1).await.unwrap(), [update]);
    let transitions = checks.transitions(MONITOR, 1).await.unwrap();
    let told: Vec<_> = transitions.iter().map(|one| (one.change, one.muted)).collect();
    assert_eq!(told, [(Change::Opened, Some(Muted::Unconfirmed)), (CLOSED, None)]);
    // Other projects don't see it, and it is not kept for ever.
    assert_eq!(checks.incident(ProjectId(8), MONITOR, 1).await.unwrap(), None);
    let later_ms = NOW_MS + 397 * 86_400_000;
    checks.trim(later_ms).await.unwrap();
    assert_eq!(checks.incident(PROJECT, MONITOR, 1).await.unwrap(), None);
    assert_eq!(checks.incident_updates(MONITOR, 1).await.unwrap(), []);
    assert_eq!(checks.transitions(MONITOR, 1).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn a_notice_is_written_once_a_channel_and_kept_with_its_tries(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let opened = record(transition(1, Change::Opened, None), &[1, 2]);
    checks.write(&[opened.clone(), opened]).await.unwrap();
    checks.write(&[record(transition(2, CLOSED, None), &[1])]).await.unwrap();
    assert_eq!(checks.channels_waited_for().await.unwrap(), [1, 2]);
    let waiting = checks.waiting(1).await.unwrap();
    let stages: Vec<_> = waiting.iter().map(|row| (row.stage, row.opening_delivered)).collect();
    assert_eq!(stages, [(Stage::Opening, false), (Stage::Resolved, false)]);
    let ids: Vec<u64> = waiting.iter().map(|row| row.id).collect();

    let refused =
        Try { at_ms: NOW_MS, took_ms: 3, status: Some(500), reason: Some("status 500".into()) };
    checks.try_again(&ids[..1], &refused, NOW_MS + 9).await.unwrap();
    let waiting = checks.waiting(1).await.unwrap();
    assert_eq!((waiting[0].tries, waiting[0].next_ms), (1, NOW_MS + 9));
    let taken = Try { at_ms: NOW_MS + 9, took_ms: 2, status: Some(200), reason: None };
    checks
        .end(&ids[..1], Ended::Delivered, Some(&taken), Some("message-5"), NOW_MS + 11)
        .await
        .unwrap();
    assert_eq!(checks.reply_to(1, "monitor-3-1").await.unwrap().as_deref(), Some("message-5"));
    assert_eq!(checks.reply_to(2, "monitor-3-1").await.unwrap(), None);
    assert!(checks.waiting(1).await.unwrap()[0].opening_delivered);
    // A delivery ends only once.
    checks.end(&ids, Ended::GivenUp, None, None, NOW_MS + 12).await.unwrap();
    checks.close().await;

    let checks = home.checks().await;
    assert_eq!(checks.channels_waited_for().await.unwrap(), [2]);
    let all = checks.deliveries(1, i64::MAX, 9).await.unwrap();
    let states: Vec<_> =
        all.iter().map(|one| (one.state.as_str(), one.ended_ms, one.tries.len())).collect();
    assert_eq!(states, [("given_up", Some(NOW_MS + 12), 0), ("delivered", Some(NOW_MS + 11), 2)]);
    assert_eq!(all[1].tries, [refused, taken]);
    assert_eq!(checks.deliveries(1, all[0].id, 9).await.unwrap(), all[1..]);
    let thread = checks.thread_notices(IncidentSource::Monitor(3), "monitor-3-1").await.unwrap();
    let states: Vec<_> =
        thread.iter().map(|one| (one.channel, one.stage, one.state.as_str(), one.tries)).collect();
    assert_eq!(
        states,
        [
            (1, Stage::Opening, "delivered", 2),
            (2, Stage::Opening, "waiting", 0),
            (1, Stage::Resolved, "given_up", 0),
        ]
    );
    assert_eq!(checks.thread_notices(IncidentSource::Monitor(3), "monitor-3-2").await.unwrap(), []);
    assert_eq!(checks.thread_notices(IncidentSource::Monitor(4), "monitor-3-1").await.unwrap(), []);
    // The notices of a deleted channel are deleted, even if another one has its number.
    checks.keep_channels(&HashSet::from([(1, 10), (2, 21)])).await.unwrap();
    assert_eq!(checks.channels_waited_for().await.unwrap(), Vec::<i64>::new());
    assert_eq!(checks.deliveries(1, i64::MAX, 9).await.unwrap().len(), 2);
    // And everything of a monitor with it.
    checks.keep_only(&HashSet::new()).await.unwrap();
    assert_eq!(checks.deliveries(1, i64::MAX, 9).await.unwrap(), []);
    assert_eq!(checks.incident(PROJECT, MONITOR, 1).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn notices_wait_for_their_channel_as_long_as_they_must_and_leave_after_90_days(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    checks.write(&[record(transition(1, Change::Opened, None), &[1, 2])]).await.unwrap();
    checks.fail_all(1, NOW_MS).await.unwrap();
    checks.trim(NOW_MS + 91 * 86_400_000).await.unwrap();
    assert_eq!(checks.deliveries(1, i64::MAX, 9).await.unwrap(), []);
    assert_eq!(checks.waiting(2).await.unwrap().len(), 1, "one that waits is not old");
}

#[tokio::test]
async fn a_file_of_the_first_version_gets_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let checks = Checks::open(folder.path()).await.unwrap();
    let up = analytics::uptime::Millis { up: 300_000, ..Default::default() };
    let changes = (0..3).map(|slot| (NOW_MS - slot * 300_000, up)).collect();
    let state = MonitorState { id: 3, created_us: 30, ..MonitorState::default() };
    checks.write(&[Record { changes, state, ..Record::default() }]).await.unwrap();
    let day = NOW_MS.div_euclid(86_400_000);
    let days = checks.days(&[3], 0).await.unwrap();
    assert_eq!(days[&3].iter().map(|(day, _)| *day).collect::<Vec<_>>(), [day]);
    checks.close().await;
    // As the first version left it: its number is at byte 60 of the file's header.
    let file = folder.path().join(FILE);
    let before = std::fs::read(&file).unwrap();
    assert_eq!(before[60..64], 5_u32.to_be_bytes());
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    for table in ["days", "incidents", "transitions", "incident_updates", "outbox", "tries"] {
        let drop = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
        sqlx::query(drop).execute(&pool).await.unwrap();
    }
    for step in [
        "ALTER TABLE monitor_states RENAME TO monitors",
        "DROP TABLE rule_states",
        "PRAGMA user_version = 1",
    ] {
        sqlx::query(step).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let checks = Checks::open(folder.path()).await.unwrap();
    assert_eq!(checks.days(&[3], 0).await.unwrap(), days);
    assert_eq!(checks.incidents(OPEN).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn an_alert_of_a_rule_is_kept_with_its_state_and_apart_from_monitors(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    checks.write(&[record(transition(1, Change::Opened, None), &[1])]).await.unwrap();
    // Rule 3 beside monitor 3, each with an incident 1.
    let mut of_rule = record(transition(1, Change::Opened, None), &[1]);
    let source = IncidentSource::Rule(3);
    of_rule.incidents[0].source = source;
    of_rule.notices[0].source = Some(source);
    of_rule.notices[0].notice.id = "rule-3-1-1".to_owned();
    let mut state = RuleState::default();
    let timing = Timing { hold_ms: 0, keep_ms: 0, unknown_ms: 60_000 };
    state.judge(&[(String::new(), Verdict::Bad)], Verdict::Unknown, NOW_MS, timing);
    let kept = RuleRecord {
        id: 3,
        created_us: 31,
        state: state.clone(),
        transitions: of_rule.transitions,
        incidents: of_rule.incidents,
        notices: of_rule.notices,
    };
    let mut lateness = Lateness::default();
    lateness.look(true, NOW_MS);
    let late = LatenessRecord { lateness, notices: Vec::new() };
    checks.write_rules(&[kept], Some(&late)).await.unwrap();
    checks.close().await;

    let checks = home.checks().await;
    assert_eq!(checks.rule_states().await.unwrap(), [((3, 31), state)]);
    assert_eq!(checks.lateness().await.unwrap(), lateness);
    let of_rules = IncidentQuery { source: Some(source), ..OPEN };
    let found = checks.incidents(of_rules).await.unwrap();
    assert_eq!((found.len(), found[0].found.source), (1, source));
    assert_eq!(checks.incidents(OPEN).await.unwrap().len(), 2);
    assert_eq!(checks.deliveries(1, i64::MAX, 9).await.unwrap().len(), 2);
    // A deleted rule leaves the monitor with its number alone.
    assert_eq!(checks.keep_rules(&HashSet::from([(3, 31)])).await.unwrap(), 0);
    assert_eq!(checks.keep_rules(&HashSet::from([(3, 32)])).await.unwrap(), 1);
    assert_eq!(checks.rule_states().await.unwrap(), []);
    assert_eq!(checks.incident(PROJECT, source, 1).await.unwrap(), None);
    assert!(checks.incident(PROJECT, MONITOR, 1).await.unwrap().is_some());
    assert_eq!(checks.deliveries(1, i64::MAX, 9).await.unwrap().len(), 1);
}
