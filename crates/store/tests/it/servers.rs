//! Two servers write results of checks into one PostgreSQL database: nothing is announced twice, and nothing counts
//! twice.

use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, Transition};
use analytics::notice::Notice;
use analytics::status_page::publication::{Publication, Severity};
use analytics::uptime::Millis;
use rstest::rstest;
use sqlx::Connection as _;
use store::checks::{
    CheckRow, Checks, Claim, Ended, IncidentRow, IncidentSource, MonitorState, NewNotice, Record,
};
use store::{MetaPlace, StoreOptions};

use crate::home::{Engine, Home};
use crate::make::small;

const NOW_MS: i64 = 1_795_348_800_000;
const SHOP: ProjectId = ProjectId(7);
const MONITOR: IncidentSource = IncidentSource::Monitor(1);

/// Two servers, and a connection that can make both wait at the same row.
struct Servers {
    one: Checks,
    other: Checks,
    holder: sqlx::PgConnection,
    home: Home,
}

impl Servers {
    async fn start() -> Servers {
        let home = Home::new(Engine::Postgres).await;
        let MetaPlace::Postgres(url) = &home.place else { unreachable!() };
        let holder = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        Servers { one: home.checks().await, other: home.checks().await, holder, home }
    }

    /// Both calls have begun and wait for the rows of `lock` before either goes on.
    async fn at_once<O, P>(
        &mut self,
        lock: &'static str,
        one: impl Future<Output = O>,
        other: impl Future<Output = P>,
    ) -> (O, P) {
        let mut holding = self.holder.begin().await.unwrap();
        assert!(!sqlx::query(lock).fetch_all(&mut *holding).await.unwrap().is_empty());
        let release = async {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            loop {
                // Else a transaction sees the sessions that there were when it first looked.
                let fresh = sqlx::query("SELECT pg_stat_clear_snapshot()");
                fresh.execute(&mut *holding).await.unwrap();
                let waits: i64 =
                    sqlx::query_scalar(waiting).fetch_one(&mut *holding).await.unwrap();
                if waits == 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            holding.commit().await.unwrap();
        };
        let (one, other, ()) = tokio::join!(one, other, release);
        (one, other)
    }
}

fn record(change: Change, at_ms: i64) -> Record {
    let is_closed = matches!(change, Change::Closed { .. });
    let number = if is_closed { 2 } else { 1 };
    let transition = Transition {
        incident: 1,
        transition: number,
        cause: Cause::Down,
        change,
        at_ms,
        since_ms: NOW_MS,
        muted: None,
    };
    let incident = IncidentRow {
        source: MONITOR,
        number: 1,
        project: SHOP,
        cause: Cause::Down,
        since_ms: NOW_MS,
        found_ms: at_ms,
        until_ms: is_closed.then_some(at_ms),
        unconfirmed: false,
        failure: None,
        // Bytes of a server that is checked, in JSON and in a text of its own.
        detail: Some("\0 it said".to_owned()),
        status: Some(503),
        phases: None,
        last_good_ms: None,
        hit: None,
    };
    let notice = Notice {
        id: format!("monitor-1-1-{number}"),
        thread: "monitor-1-1".to_owned(),
        ..Notice::test("1", "shop", "ops", NOW_MS)
    };
    let notice = NewNotice {
        channel: (4, 40),
        project: SHOP,
        source: Some(MONITOR),
        notice,
        created_ms: at_ms,
    };
    Record {
        state: MonitorState { id: 1, created_us: 10, ..MonitorState::default() },
        transitions: vec![transition],
        incidents: vec![incident],
        notices: vec![notice],
        ..Record::default()
    }
}

const CLOSED: Change = Change::Closed { until_ms: NOW_MS + 2, outages: 0, still_down: false };
const LOCK_INCIDENT: &str = "SELECT number FROM incidents FOR UPDATE";

async fn publish(checks: &Checks) {
    checks.write(&[record(Change::Opened, NOW_MS)]).await.unwrap();
    let mut kept = checks.incident(SHOP, MONITOR, 1).await.unwrap().unwrap();
    kept.publication = Some(Publication { title: "Orders fail".into(), severity: Severity::Minor });
    checks.change_incident(&kept, None, None).await.unwrap();
}

#[tokio::test]
async fn a_change_that_two_servers_find_is_announced_once() {
    let mut servers = Servers::start().await;
    let (one, other) = (servers.one.clone(), servers.other.clone());
    publish(&one).await;
    let closing = [record(CLOSED, NOW_MS + 2)];
    let (wrote, wrote_too) =
        servers.at_once(LOCK_INCIDENT, one.write(&closing), other.write(&closing)).await;
    wrote.unwrap();
    wrote_too.unwrap();
    assert_eq!(one.bulletins_to_spread(9).await.unwrap().len(), 1);
    assert_eq!(one.waiting(4).await.unwrap().len(), 2, "the opening and the end");
    let kept = one.incident(SHOP, MONITOR, 1).await.unwrap().unwrap();
    assert_eq!(kept.found.detail.as_deref(), Some("\u{fffd} it said"));
    assert_eq!(one.transitions(MONITOR, 1).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_incident_that_its_owner_hides_while_it_ends_is_not_announced() {
    let mut servers = Servers::start().await;
    let (one, other) = (servers.one.clone(), servers.other.clone());
    publish(&one).await;
    let mut hidden = one.incident(SHOP, MONITOR, 1).await.unwrap().unwrap();
    hidden.publication = None;
    let closing = [record(CLOSED, NOW_MS + 2)];
    let (changed, wrote) = servers
        .at_once(LOCK_INCIDENT, other.change_incident(&hidden, None, None), one.write(&closing))
        .await;
    changed.unwrap();
    wrote.unwrap();
    assert_eq!(one.bulletins_to_spread(9).await.unwrap(), []);
    assert_eq!(one.transitions(MONITOR, 1).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_bulletin_is_addressed_once() {
    let mut servers = Servers::start().await;
    let (one, other) = (servers.one.clone(), servers.other.clone());
    publish(&one).await;
    one.write(&[record(CLOSED, NOW_MS + 2)]).await.unwrap();
    let (id, _, at_ms) = one.bulletins_to_spread(9).await.unwrap()[0];
    let lock = "SELECT id FROM bulletins FOR UPDATE";
    let mail_at_once = async {
        one.spread(id, at_ms, &[5]).await.unwrap();
        for mailing in one.mailings_due(NOW_MS + 9, 9).await.unwrap() {
            one.end_mailing(&mailing).await.unwrap();
        }
    };
    let (_, addressed) = servers.at_once(lock, mail_at_once, other.spread(id, at_ms, &[5])).await;
    addressed.unwrap();
    // The other server may have been first; but a mailing that was sent is not made again.
    let due = one.mailings_due(NOW_MS + 9, 9).await.unwrap();
    assert!(due.len() <= 1);
    for mailing in due {
        one.end_mailing(&mailing).await.unwrap();
    }
    one.spread(id, at_ms, &[5]).await.unwrap();
    assert_eq!(one.mailings_due(NOW_MS + 9, 9).await.unwrap(), []);
}

#[tokio::test]
async fn one_server_at_a_time_sends_the_notices_of_a_channel() {
    let servers = Servers::start().await;
    let (one, other) = (&servers.one, &servers.other);
    one.write(&[record(Change::Opened, NOW_MS)]).await.unwrap();
    assert!(one.claim(Claim::Channel(4)).await.unwrap());
    assert!(!other.claim(Claim::Channel(4)).await.unwrap());
    assert!(other.claim(Claim::Channel(5)).await.unwrap(), "channels are claimed one by one");
    assert!(other.claim(Claim::Mailings).await.unwrap());
    let waiting: Vec<u64> = one.waiting(4).await.unwrap().iter().map(|row| row.id).collect();
    one.end(&waiting, Ended::Delivered, None, None, NOW_MS).await.unwrap();
    one.release(Claim::Channel(4)).await;
    // Only now does the other one look, and it finds nothing.
    assert!(other.claim(Claim::Channel(4)).await.unwrap());
    assert_eq!(other.waiting(4).await.unwrap(), []);
    // A server that dies loses its claims with its connections.
    assert!(!one.claim(Claim::Mailings).await.unwrap());
    servers
        .home
        .run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 474013520")
        .await;
    let freed = async {
        while !one.claim(Claim::Mailings).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), freed).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_group_whose_answer_was_lost_counts_once(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let group = |minute: i64| {
        let at_ms = NOW_MS + minute * 60_000;
        let mut state = MonitorState { id: 1, created_us: 10, ..MonitorState::default() };
        state.kept.last_good_ms = Some(at_ms);
        let check = CheckRow {
            monitor: 1,
            at_ms,
            outcome: analytics::uptime::Outcome::Up,
            failure: None,
            detail: None,
            status: Some(200),
            missed: 0,
            late_ms: 0,
            phases: Default::default(),
        };
        let changes = [(NOW_MS, Millis { up: 60_000, ..Millis::default() })].into();
        [Record { check: Some(check), changes, state, ..Record::default() }]
    };
    let sum = async || checks.sums(1, 0, i64::MAX).await.unwrap()[0].clone();
    checks.write(&group(0)).await.unwrap();
    checks.write_again(&group(0)).await.unwrap();
    assert_eq!((sum().await.checks, sum().await.millis.up), (1, 60_000));
    // One that was not written is.
    checks.write_again(&group(1)).await.unwrap();
    assert_eq!((sum().await.checks, sum().await.millis.up), (2, 120_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_move_with_their_projects_and_back() {
    let home = Home::new(Engine::Postgres).await;
    let mut options = StoreOptions::new(home.data().join("data"), small());
    std::fs::create_dir_all(&options.data).unwrap();
    let (store, meta) = store::open_folder(options.clone(), [7; 32], 1).await.unwrap();
    let checks = Checks::open(&options.data).await.unwrap();
    publish(&checks).await;
    checks.write(&[record(CLOSED, NOW_MS + 2)]).await.unwrap();
    // More than a page.
    let many: Vec<Record> = (0..2_500)
        .map(|slot| Record {
            changes: [(NOW_MS + slot * 300_000, Millis { up: slot, ..Millis::default() })].into(),
            state: MonitorState { id: 1, created_us: 10, ..MonitorState::default() },
            ..Record::default()
        })
        .collect();
    checks.write(&many).await.unwrap();
    let ids: Vec<u64> = checks.waiting(4).await.unwrap().iter().map(|row| row.id).collect();
    let tried = store::checks::Try {
        at_ms: NOW_MS,
        took_ms: 3,
        status: None,
        reason: Some("no answer".into()),
    };
    checks.try_again(&ids, &tried, NOW_MS + 9).await.unwrap();
    let all = async |checks: &Checks| {
        (
            checks.sums(1, 0, i64::MAX).await.unwrap(),
            checks.deliveries(4, i64::MAX, 9).await.unwrap(),
            checks.incident(SHOP, MONITOR, 1).await.unwrap(),
            checks.transitions(MONITOR, 1).await.unwrap(),
            checks.bulletins_to_spread(9).await.unwrap(),
            checks.states().await.unwrap(),
        )
    };
    let mut before = all(&checks).await;
    assert_eq!((before.0.len(), before.1.len(), before.1[0].tries.len()), (2_500, 2, 1));
    checks.close().await;
    meta.close().await.unwrap();
    store.close().await.unwrap();

    for to in [home.place.clone(), MetaPlace::Folder] {
        // A file that is left from before is not mixed with what comes back.
        if to == MetaPlace::Folder {
            let stale = Checks::open(&options.data).await.unwrap();
            stale.write(&[record(Change::Opened, NOW_MS + 77)]).await.unwrap();
            stale.close().await;
        }
        let moved = store::move_projects(options.clone(), to.clone()).await.unwrap();
        assert!(moved.contains(&("sums", 2_500)) && moved.contains(&("tries", 2)), "{moved:?}");
        let file = options.data.join(store::checks::FILE);
        assert_eq!(file.exists(), to == MetaPlace::Folder);
        options.meta = to;
        let checks = Checks::open_at(&options.meta, &options.data).await.unwrap();
        assert_eq!(all(&checks).await, before);
        // New rows get new numbers.
        let mut next = record(Change::Opened, NOW_MS + 5);
        next.notices[0].notice.id = format!("after the move to {:?}", options.meta);
        checks.write(&[next]).await.unwrap();
        assert!(checks.deliveries(4, i64::MAX, 1).await.unwrap()[0].id > before.1[0].id);
        before = all(&checks).await;
        checks.close().await;
    }
}
