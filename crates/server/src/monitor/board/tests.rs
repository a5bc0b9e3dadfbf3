//! The board with a test's clock.

use analytics::check::Failure;
use analytics::monitor::{MonitorSettings, Verdict};
use serde_json::json;

use super::*;

const NOW_MS: i64 = 1_795_348_800_000;
const INTERVAL_MS: i64 = 20_000;

fn row(id: i64, project: u32, settings: serde_json::Value) -> Arc<MonitorRow> {
    let settings =
        MonitorSettings::default().changed(settings.as_object().unwrap().clone()).unwrap();
    Arc::new(MonitorRow {
        id,
        project: ProjectId(project),
        settings,
        original_url: None,
        file_entry: None,
        created_us: id,
    })
}

fn tcp(id: i64, project: u32) -> Arc<MonitorRow> {
    let settings = json!({ "kind": "tcp", "target": "outside.test:1", "interval_s": 20, "timeout_ms": 10_000, "down_after": 1, "up_after": 1 });
    row(id, project, settings)
}

/// A board with this many monitors of two projects, of which `most` may be checked at once.
fn board(monitors: i64, most: usize) -> Board {
    let mut board = Board::default();
    board.allow_at_once(most);
    for id in 1..=monitors {
        board.put(tcp(id, id as u32 % 2), NOW_MS);
    }
    board
}

fn up() -> ProbeResult {
    ProbeResult { verdict: Verdict::up(), ..ProbeResult::default() }
}

fn missed(records: &[Record]) -> Vec<(i64, u32)> {
    let checks = records.iter().filter_map(|record| record.check.as_ref());
    checks.map(|check| (check.monitor, check.missed)).collect()
}

#[test]
fn each_monitor_is_started_once_an_interval_in_its_slot() {
    let mut board = board(50, 100);
    let mut started: HashMap<i64, Vec<i64>> = HashMap::new();
    for at_ms in (NOW_MS..NOW_MS + 3 * INTERVAL_MS).step_by(10) {
        assert!(board.next_ms().unwrap() > at_ms - 10);
        let (starts, missed) = board.due(at_ms);
        assert!(missed.is_empty());
        for start in starts {
            assert!((0..10).contains(&start.late_ms) && start.at_ms + start.late_ms == at_ms);
            started.entry(start.id).or_default().push(start.at_ms);
            assert!(board.finish(&start, up(), None).is_some());
        }
    }
    assert_eq!(started.len(), 50);
    for slots in started.values() {
        assert_eq!(slots.len(), 3);
        assert!(slots.windows(2).all(|pair| pair[1] - pair[0] == INTERVAL_MS));
    }
    assert_eq!((board.running, board.running_of.len()), (0, 0));
}

#[test]
fn a_project_whose_hosts_hang_delays_no_other() {
    // One project may have four of eight places.
    let mut board = board(100, 8);
    let (mut hanging, mut checked, mut missed_of) = (Vec::new(), 0, [0, 0]);
    for at_ms in (NOW_MS..NOW_MS + 2 * INTERVAL_MS).step_by(10) {
        let (starts, missed) = board.due(at_ms);
        for record in missed {
            missed_of[record.state.id as usize % 2] += 1;
        }
        for start in starts {
            match start.project.0 {
                0 => hanging.push(start),
                _ => {
                    checked += 1;
                    board.finish(&start, up(), None);
                }
            }
        }
        assert!(hanging.len() <= 4 && board.running <= 8);
    }
    assert_eq!((hanging.len(), checked), (4, 100));
    // Their slots wait for half an interval, and are unknown then.
    assert!(missed_of[0] > 40 && missed_of[1] == 0, "{missed_of:?}");
    for start in hanging {
        assert!(board.finish(&start, up(), None).is_some());
    }
    assert_eq!(board.running, 0);
}

#[test]
fn a_check_does_not_overlap_itself() {
    let mut board = board(1, 8);
    let slot_ms = board.next_ms().unwrap();
    let (starts, _) = board.due(slot_ms);
    let (again, missed_slots) = board.due(slot_ms + INTERVAL_MS);
    assert_eq!((starts.len(), again.len(), missed(&missed_slots)), (1, 0, vec![(1, 1)]));
    // Its result still counts, for its own slot.
    let record = board.finish(&starts[0], up(), None).unwrap();
    assert_eq!(record.check.unwrap().at_ms, slot_ms);
    assert_eq!(board.due(slot_ms + 2 * INTERVAL_MS).0.len(), 1);
}

#[test]
fn a_change_and_a_pause_give_up_the_check_under_way() {
    let mut board = board(1, 8);
    let slot_ms = board.next_ms().unwrap();
    let (starts, _) = board.due(slot_ms);
    board.put(tcp(1, 1), slot_ms);
    assert!(board.finish(&starts[0], up(), None).is_none());
    assert_eq!(board.running, 0);
    assert_eq!(board.standing(1, slot_ms).unwrap().next_ms, Some(slot_ms + INTERVAL_MS));
    let mut paused = MonitorRow::clone(&tcp(1, 1));
    paused.settings.paused = Some(true);
    board.put(Arc::new(paused), slot_ms);
    assert_eq!(board.standing(1, slot_ms).unwrap().next_ms, None);
    assert!(board.due(slot_ms + 10 * INTERVAL_MS).0.is_empty());
    board.put(tcp(1, 1), slot_ms + 10 * INTERVAL_MS);
    assert_eq!(board.due(slot_ms + 11 * INTERVAL_MS).0.len(), 1);
    // However often it is changed.
    for _ in 0..1_000 {
        board.put(tcp(1, 1), slot_ms);
    }
    assert!(board.queue.len() < 100, "{} plans", board.queue.len());
}

#[test]
fn after_a_break_nothing_is_made_up_for() {
    let mut board = board(10, 100);
    let slot_ms = board.next_ms().unwrap();
    let (running, _) = board.due(slot_ms);
    let now_ms = NOW_MS + 100 * INTERVAL_MS;
    let records = board.plan_anew(now_ms);
    let mut counts = missed(&records);
    counts.sort_unstable();
    assert_eq!(counts.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(counts.iter().all(|(_, missed)| *missed == 100), "{counts:?}");
    assert!(board.finish(&running[0], up(), None).is_none());
    let (starts, missed) = board.due(now_ms);
    assert!(starts.is_empty() && missed.is_empty());
    let seconds = (now_ms..=now_ms + INTERVAL_MS).step_by(1_000);
    assert_eq!(seconds.map(|at_ms| board.due(at_ms).0.len()).sum::<usize>(), 10);
    // A clock that was set back: the next slot is soon, and not when it was planned.
    board.plan_anew(NOW_MS);
    assert!(board.next_ms().unwrap() <= NOW_MS + INTERVAL_MS);
}

#[test]
fn where_it_stood_is_remembered_for_the_same_monitor_alone() {
    let mut before = board(1, 8);
    let slot_ms = before.next_ms().unwrap();
    let (starts, _) = before.due(slot_ms);
    let failed =
        ProbeResult { verdict: Verdict::of(Failure::ConnectionRefused), ..ProbeResult::default() };
    let record = before.finish(&starts[0], failed, None).unwrap();
    assert!(before.standing(1, slot_ms).unwrap().is_down);
    for (created_us, is_down) in [(1, true), (2, false)] {
        let mut board = Board::default();
        board.remember(record.state.clone());
        let row = MonitorRow { created_us, ..MonitorRow::clone(&tcp(1, 1)) };
        board.put(Arc::new(row), slot_ms);
        assert_eq!(board.standing(1, slot_ms).unwrap().is_down, is_down);
    }
}

#[test]
fn heartbeats_need_no_place() {
    let mut board = board(1, 1);
    let settings = json!({ "kind": "heartbeat", "period_s": 60, "interval_s": 20 });
    for id in 2..=30 {
        board.put(row(id, 1, settings.clone()), NOW_MS);
    }
    let mut started = 0;
    for at_ms in (NOW_MS..NOW_MS + INTERVAL_MS).step_by(10) {
        started += board.due(at_ms).0.len();
    }
    assert_eq!((started, board.running), (30, 1));
    assert!(board.signal(1, Signal::Success, NOW_MS).is_none(), "it is no heartbeat");
    assert_eq!(
        board.signal(2, Signal::Success, NOW_MS).unwrap().state.kept.signals.succeeded_ms,
        Some(NOW_MS)
    );
}
