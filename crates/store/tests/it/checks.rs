//! Results of checks: written together with their effects, and deleted with their monitor.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analytics::certificate::PresentedCertificate;
use analytics::check::{Failure, Phase, Phases};
use analytics::uptime::{CheckResult, Confirm, Millis, Outcome, Tracker, row_changes};
use rstest::rstest;
use store::checks::{CheckRow, Checks, ChecksError, FILE, KeptState, MonitorState, Record, SumRow};
use store::meta::{Can, Key, NewMonitor, NewProject};
use store::{Erasure, Silent, StoreOptions};

use super::make::small;

use crate::home::{Engine, Home};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A start of 5 minutes.
const NOW_MS: i64 = 1_795_348_800_000;

/// A result each minute, with its effects.
struct Checker {
    state: MonitorState,
    at_ms: i64,
}

impl Checker {
    fn new(id: i64) -> Checker {
        let state = MonitorState { id, created_us: id * 10, kept: KeptState::default() };
        Checker { state, at_ms: NOW_MS }
    }

    fn look(&mut self, outcome: Outcome) -> Record {
        let result = CheckResult { at_ms: self.at_ms, interval_ms: MINUTE_MS, outcome };
        let confirm = Confirm { down_after: 2, up_after: 1 };
        let step = self.state.kept.tracker.feed(result, confirm, &[]);
        let mut phases = Phases::default();
        phases.add(Phase::Dns, Duration::from_micros(500));
        phases.add(Phase::Body, Duration::from_micros(1_500));
        let is_down = outcome == Outcome::Down;
        let check = CheckRow {
            monitor: self.state.id,
            at_ms: self.at_ms,
            outcome,
            failure: is_down.then_some(Failure::TimedOut(Phase::Tls)),
            detail: is_down.then(|| "it's \"late\"".to_owned()),
            status: (!is_down).then_some(200),
            missed: 0,
            late_ms: 7,
            phases,
        };
        self.at_ms += MINUTE_MS;
        Record {
            check: Some(check),
            changes: row_changes(&step.restated),
            state: self.state.clone(),
            ..Record::default()
        }
    }
}

/// As version 3 left the file: days without counts and times, and tables with other names.
async fn make_version_3(data: &Path) {
    let file = data.join(FILE);
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    for column in [
        "checks",
        "failures",
        "timed",
        "dns_us",
        "connect_us",
        "tls_us",
        "first_byte_us",
        "body_us",
        "slowest_us",
    ] {
        let drop = sqlx::AssertSqlSafe(format!("ALTER TABLE days DROP COLUMN {column}"));
        sqlx::query(drop).execute(&pool).await.unwrap();
    }
    for step in [
        "ALTER TABLE monitor_states RENAME TO monitors",
        "ALTER TABLE rule_states RENAME TO rules",
        "PRAGMA user_version = 3",
    ] {
        sqlx::query(step).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

fn keys(ids: &[i64]) -> HashSet<(i64, i64)> {
    ids.iter().map(|id| (*id, id * 10)).collect()
}

#[rstest]
#[tokio::test]
async fn results_sums_and_states_come_back(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let (mut one, mut other) = (Checker::new(1), Checker::new(2));
    one.state.kept.certificate = Some(PresentedCertificate {
        not_before_s: 1,
        not_after_s: 2,
        names: vec!["a.example".into()],
        issuer: "An issuer".into(),
        problem: None,
    });
    use Outcome::{Down, Up};
    let outcomes = [Up, Up, Down, Down, Up, Up, Up];
    let records: Vec<Record> = outcomes.iter().map(|outcome| one.look(*outcome)).collect();
    // In two groups, so that the second adds to the first.
    checks.write(&records[..3]).await.unwrap();
    checks.write(&records[3..]).await.unwrap();
    checks.write(&[other.look(Up)]).await.unwrap();
    checks.write(&[]).await.unwrap();

    let newest = checks.newest(1, i64::MAX, 2).await.unwrap();
    let expected: Vec<CheckRow> =
        records.iter().rev().take(2).filter_map(|record| record.check.clone()).collect();
    assert_eq!(newest, expected);
    let failed = checks.newest(1, NOW_MS + 4 * MINUTE_MS, 1).await.unwrap();
    assert_eq!(Some(&failed[0]), records[3].check.as_ref());

    let sums = checks.sums(1, NOW_MS, NOW_MS + HOUR_MS).await.unwrap();
    let millis: Vec<Millis> = sums.iter().map(|sum| sum.millis).collect();
    // Down from the first failure to the first success; the time of the newest result is not accounted for yet.
    assert_eq!(millis[0], Millis { up: 3 * MINUTE_MS, down: 2 * MINUTE_MS, ..Millis::default() });
    assert_eq!(millis[1], Millis { up: MINUTE_MS, ..Millis::default() });
    assert_eq!((sums[0].checks, sums[0].failures, sums[0].timed), (5, 2, 3));
    assert_eq!(sums[0].phases.get(Phase::Body), Some(Duration::from_micros(3 * 1_500)));
    assert_eq!(
        (sums[0].phases.get(Phase::Tls), sums[0].slowest),
        (None, Duration::from_micros(2_000))
    );
    assert_eq!(sums[1].checks, 2);
    let total = Millis { up: 4 * MINUTE_MS, down: 2 * MINUTE_MS, ..Millis::default() };
    let other_total = Millis::default();
    let totals = checks.totals(&[1, 2, 9], NOW_MS, i64::MAX).await.unwrap();
    assert_eq!(totals, HashMap::from([(1, total), (2, other_total)]));
    assert_eq!(checks.totals(&[1], 0, NOW_MS).await.unwrap(), HashMap::new());
    // A day is the sum of its slots.
    let day = NOW_MS / 86_400_000;
    let days = HashMap::from([(1, vec![(day, total)]), (2, vec![(day, other_total)])]);
    assert_eq!(checks.days(&[1, 2], day).await.unwrap(), days);
    assert_eq!(checks.days(&[1, 2], day + 1).await.unwrap(), HashMap::new());
    let mut whole = SumRow::default();
    sums.iter().cloned().for_each(|sum| whole += sum);
    let day_ms = day * 24 * HOUR_MS;
    for (length_ms, from_ms) in [(HOUR_MS, NOW_MS - NOW_MS % HOUR_MS), (24 * HOUR_MS, day_ms)] {
        let found =
            checks.sums_by_length(1, length_ms, from_ms, from_ms + length_ms).await.unwrap();
        assert_eq!(found, [SumRow { from_ms, ..whole.clone() }], "{length_ms}");
        assert_eq!(checks.sums_by_length(1, length_ms, 0, from_ms).await.unwrap(), []);
    }
    checks.close().await;

    if engine == Engine::Sqlite {
        make_version_3(home.data()).await;
        let checks = home.checks().await;
        let found =
            checks.sums_by_length(1, 24 * HOUR_MS, day_ms, day_ms + 24 * HOUR_MS).await.unwrap();
        assert_eq!(found, [SumRow { from_ms: day_ms, ..whole }]);
        checks.close().await;
    }

    let checks = home.checks().await;
    let states = checks.states().await.unwrap();
    assert_eq!(states, [one.state, other.state]);
    checks.close().await;
}

#[rstest]
#[tokio::test]
async fn a_monitor_that_is_gone_leaves_no_row_and_no_byte(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    for id in [1, 2] {
        let mut checker = Checker::new(id);
        let mut records: Vec<Record> = (0..50).map(|_| checker.look(Outcome::Down)).collect();
        for record in &mut records {
            record.check.as_mut().unwrap().detail = Some(format!("needle of {id}"));
        }
        checks.write(&records).await.unwrap();
    }
    let bytes = || {
        let files = std::fs::read_dir(home.data()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>()
    };
    let holds =
        |needle: &str| bytes().windows(needle.len()).any(|bytes| bytes == needle.as_bytes());
    // PostgreSQL overwrites deleted rows in its own time.
    let is_file = engine == Engine::Sqlite;
    assert!(!is_file || holds("needle of 1") && holds("needle of 2"));
    assert_eq!(checks.keep_only(&keys(&[2])).await.unwrap(), 1);
    assert!(!is_file || !holds("needle of 1") && holds("needle of 2"));
    assert!(checks.newest(1, i64::MAX, 9).await.unwrap().is_empty());
    assert!(checks.sums(1, 0, i64::MAX).await.unwrap().is_empty());
    assert_eq!(checks.newest(2, i64::MAX, 99).await.unwrap().len(), 50);
    // The same number with another creation time: the rows belong to another monitor.
    assert_eq!(checks.keep_only(&HashSet::from([(2, 21)])).await.unwrap(), 1);
    assert!(!holds("needle of 2"));
    assert!(checks.newest(2, i64::MAX, 99).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn results_are_kept_for_two_days_and_sums_for_thirteen_months(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let mut checker = Checker::new(1);
    for age_hours in [400 * 24, 390 * 24, 49, 47, 0] {
        checker.at_ms = NOW_MS - age_hours * HOUR_MS;
        checker.state.kept.tracker = Tracker::default();
        checks.write(&[checker.look(Outcome::Up), checker.look(Outcome::Up)]).await.unwrap();
    }
    checks.trim(NOW_MS).await.unwrap();
    assert_eq!(checks.newest(1, i64::MAX, 99).await.unwrap().len(), 4);
    assert_eq!(checks.sums(1, 0, i64::MAX).await.unwrap().len(), 4);
}

#[rstest]
#[tokio::test]
async fn a_state_changes_without_a_result(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let mut state = MonitorState { id: 1, created_us: 10, kept: KeptState::default() };
    state.kept.signals.succeeded_ms = Some(NOW_MS);
    let record = Record { state: state.clone(), ..Record::default() };
    checks.write(&[record]).await.unwrap();
    assert_eq!(checks.states().await.unwrap(), [state]);
    assert!(checks.newest(1, i64::MAX, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_backup_is_whole_and_private_and_a_later_version_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let checks = Checks::open(folder.path()).await.unwrap();
    checks.write(&[Checker::new(1).look(Outcome::Up)]).await.unwrap();
    checks.backup(&other.path().join(FILE)).await.unwrap();
    for folder in [&folder, &other] {
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let copy = Checks::open(other.path()).await.unwrap();
    assert_eq!(
        copy.newest(1, i64::MAX, 9).await.unwrap(),
        checks.newest(1, i64::MAX, 9).await.unwrap()
    );
    copy.close().await;
    // The version is at byte 60 of the file's header.
    let file = other.path().join(FILE);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
    std::fs::write(&file, bytes).unwrap();
    let refused = Checks::open(other.path()).await;
    assert!(matches!(refused, Err(ChecksError::Newer { found: 9, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_folder_has_the_results_of_monitors_that_it_still_has() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let options = StoreOptions::new(data.clone(), small());
    std::fs::create_dir_all(&data).unwrap();
    let (store, meta) = store::open_folder(options.clone(), [7; 32], 1).await.unwrap();
    let checks = Checks::open(&data).await.unwrap();
    let mut projects = Vec::new();
    for number in 1..=2 {
        let key = Key::from_random([number; 16]);
        let project =
            meta.create_project(NewProject::default(), &key, Can::Everything, 1).await.unwrap().id;
        let monitor = meta
            .add_monitor(project, NewMonitor::default(), 9, i64::from(number) * 10)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(monitor.id, i64::from(number));
        checks.write(&[Checker::new(monitor.id).look(Outcome::Up)]).await.unwrap();
        projects.push(project);
    }
    std::fs::create_dir(&copy).unwrap();
    store.backup(&copy, Arc::new(Silent)).await.unwrap();
    meta.backup(&copy.join("meta.sqlite")).await.unwrap();
    checks.backup(&copy.join(FILE)).await.unwrap();
    // One of the projects is deleted after the backup.
    meta.begin_delete(projects[0]).await.unwrap();
    store.erase(Erasure::Project(projects[0])).await.unwrap();
    meta.finish_delete(projects[0]).await.unwrap();
    checks.close().await;
    meta.close().await.unwrap();
    store.close().await.unwrap();

    store::restore(&copy, options, None, Arc::new(Silent)).await.unwrap();
    let checks = Checks::open(&data).await.unwrap();
    let kept: Vec<i64> = checks.states().await.unwrap().iter().map(|state| state.id).collect();
    assert_eq!(kept, [2]);
    assert_eq!(checks.newest(2, i64::MAX, 9).await.unwrap().len(), 1);
    assert!(checks.newest(1, i64::MAX, 9).await.unwrap().is_empty());
    checks.close().await;
}
