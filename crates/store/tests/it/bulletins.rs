//! Stored bulletins: written with the change that they announce, once per subscriber, and deleted with their subject.

use std::collections::HashSet;

use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, Transition};
use analytics::status_page::bulletin::{Bulletin, News};
use analytics::status_page::publication::{Publication, Severity, Stage};
use rstest::rstest;
use store::checks::{
    About, Announcement, Checks, IncidentRow, IncidentSource, IncidentUpdate, KeptIncident,
    Mailing, MonitorState, Record,
};

use crate::home::{Engine, Home};

const NOW_MS: i64 = 1_795_348_800_000;
const SHOP: ProjectId = ProjectId(7);
const BANK: ProjectId = ProjectId(8);
const OPENED: Change = Change::Opened;
const CLOSED: Change = Change::Closed { until_ms: NOW_MS + 2, outages: 0, still_down: false };

fn record(project: ProjectId, monitor: i64, change: Change, at_ms: i64) -> Record {
    let until_ms = matches!(change, Change::Closed { .. }).then_some(at_ms);
    let number = if until_ms.is_some() { 2 } else { 1 };
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
        source: IncidentSource::Monitor(monitor),
        number: 1,
        project,
        cause: Cause::Down,
        since_ms: NOW_MS,
        found_ms: at_ms,
        until_ms,
        unconfirmed: false,
        failure: None,
        detail: None,
        status: None,
        phases: None,
        last_good_ms: None,
        hit: None,
    };
    Record {
        state: MonitorState { id: monitor, created_us: 10 * monitor, ..MonitorState::default() },
        transitions: vec![transition],
        incidents: vec![incident],
        ..Record::default()
    }
}

fn bulletin(title: &str, at_ms: i64, opens: bool) -> Bulletin {
    let news = News::Incident { severity: Severity::Major, stage: None, opens };
    Bulletin { at_ms, title: title.to_owned(), text: String::new(), news }
}

async fn incident(checks: &Checks, project: ProjectId, monitor: i64) -> KeptIncident {
    let source = IncidentSource::Monitor(monitor);
    checks.incident(project, source, 1).await.unwrap().unwrap()
}

/// An incident that is published, with its bulletin.
async fn publish(checks: &Checks, project: ProjectId, monitor: i64, title: &str) -> KeptIncident {
    checks.write(&[record(project, monitor, OPENED, NOW_MS)]).await.unwrap();
    let mut kept = incident(checks, project, monitor).await;
    kept.publication = Some(Publication { title: title.to_owned(), severity: Severity::Minor });
    let opening = bulletin(title, NOW_MS, true);
    checks.change_incident(&kept, None, Some(&opening)).await.unwrap();
    kept
}

/// Sends every new bulletin to these subscribers.
async fn spread(checks: &Checks, subscribers: &[i64]) -> usize {
    let bulletins = checks.bulletins_to_spread(99).await.unwrap();
    for (id, _, at_ms) in &bulletins {
        checks.spread(*id, *at_ms, subscribers).await.unwrap();
    }
    bulletins.len()
}

async fn due(checks: &Checks, now_ms: i64) -> Vec<Mailing> {
    checks.mailings_due(now_ms, 99).await.unwrap()
}

fn told(mailings: &[Mailing]) -> Vec<(i64, &str)> {
    mailings.iter().map(|one| (one.subscriber, one.bulletin.title.as_str())).collect()
}

#[rstest]
#[tokio::test]
async fn the_end_of_a_published_incident_is_told_in_the_transaction_that_ends_it(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    publish(&checks, SHOP, 1, "Orders fail").await;
    // Not published; and marked as resolved by its owner before.
    checks.write(&[record(SHOP, 2, OPENED, NOW_MS)]).await.unwrap();
    let resolved = publish(&checks, SHOP, 3, "Search fails").await;
    let update = IncidentUpdate { at_ms: NOW_MS + 1, stage: Stage::Resolved, text: String::new() };
    checks.change_incident(&resolved, Some(update), None).await.unwrap();
    assert_eq!(spread(&checks, &[5]).await, 2);
    let closed = [1, 2, 3].map(|monitor| record(SHOP, monitor, CLOSED, NOW_MS + 2));
    for _ in 0..2 {
        // Written twice, as after a failure whose answer was lost.
        checks.write(&closed).await.unwrap();
    }
    checks.close().await;

    let checks = home.checks().await;
    assert_eq!(spread(&checks, &[5]).await, 1);
    let opening = due(&checks, NOW_MS + 9).await;
    assert_eq!(told(&opening), [(5, "Orders fail"), (5, "Search fails")], "in order");
    assert_eq!(opening[0].about, About::Incident(IncidentSource::Monitor(1), 1));
    checks.end_mailing(&opening[0]).await.unwrap();
    let end = due(&checks, NOW_MS + 9).await;
    let news =
        News::Incident { severity: Severity::Minor, stage: Some(Stage::Resolved), opens: false };
    let expected =
        Bulletin { title: "Orders fail".to_owned(), at_ms: NOW_MS + 2, text: String::new(), news };
    let end = end.iter().find(|one| one.about == opening[0].about).unwrap();
    assert_eq!(end.bulletin, expected);
}

#[rstest]
#[tokio::test]
async fn each_gets_each_bulletin_once_in_order_and_projects_take_turns(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let kept = publish(&checks, SHOP, 1, "needle-1").await;
    assert_eq!(spread(&checks, &[1, 2, 3]).await, 1);
    assert_eq!(spread(&checks, &[1, 2, 3, 4]).await, 0, "it has been spread");
    let second = bulletin("needle-2", NOW_MS + 1, false);
    checks.change_incident(&kept, None, Some(&second)).await.unwrap();
    publish(&checks, BANK, 2, "bank").await;
    let shop: Vec<_> = checks.bulletins_to_spread(9).await.unwrap();
    checks.spread(shop[0].0, NOW_MS, &[1, 2]).await.unwrap();
    checks.spread(shop[1].0, NOW_MS, &[9]).await.unwrap();
    let first = due(&checks, NOW_MS + 1).await;
    // The second one waits for the first; the other project does not wait for all of the first one's.
    assert_eq!(told(&first), [(1, "needle-1"), (9, "bank"), (2, "needle-1"), (3, "needle-1")]);
    assert_eq!(
        told(&checks.mailings_due(NOW_MS + 1, 2).await.unwrap()),
        [(1, "needle-1"), (9, "bank")]
    );
    checks.end_mailing(&first[0]).await.unwrap();
    checks.try_mailing_again(&first[2], NOW_MS + 60).await.unwrap();
    checks.end_mailing(&first[3]).await.unwrap();
    let next = due(&checks, NOW_MS + 59).await;
    assert_eq!(told(&next), [(1, "needle-2"), (9, "bank")]);
    checks.end_mailing(&next[0]).await.unwrap();
    checks.end_mailing(&next[1]).await.unwrap();
    let again = due(&checks, NOW_MS + 60).await;
    assert_eq!((told(&again), again[0].tries), (vec![(2, "needle-1")], 1));
    checks.end_mailing(&again[0]).await.unwrap();
    checks.end_mailing(&due(&checks, NOW_MS + 60).await[0]).await.unwrap();
    checks.forget_sent_bulletins().await.unwrap();
    assert_eq!(due(&checks, i64::MAX).await, []);
    // Bulletins that every recipient has are in no file.
    checks.forget_bulletins(ProjectId(99)).await.unwrap();
    if engine == Engine::Postgres {
        return;
    }
    let bytes = std::fs::read(home.data().join(store::checks::FILE)).unwrap();
    let count = |needle: &[u8]| bytes.windows(needle.len()).filter(|part| *part == needle).count();
    assert_eq!(
        (count(b"needle-2"), count(b"needle-1")),
        (0, 1),
        "its title stands with the incident"
    );
}

#[rstest]
#[tokio::test]
async fn what_is_not_published_any_more_is_not_told(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let mut kept = publish(&checks, SHOP, 1, "taken off").await;
    publish(&checks, SHOP, 2, "of a deleted monitor").await;
    publish(&checks, BANK, 3, "of a deleted project").await;
    publish(&checks, SHOP, 4, "stays").await;
    assert_eq!(spread(&checks, &[1]).await, 4);
    assert_eq!(due(&checks, NOW_MS).await.len(), 4);
    kept.publication = None;
    checks.change_incident(&kept, None, None).await.unwrap();
    checks.keep_only(&HashSet::from([(1, 10), (3, 30), (4, 40)])).await.unwrap();
    checks.forget_bulletins(BANK).await.unwrap();
    assert_eq!(told(&due(&checks, NOW_MS).await), [(1, "stays")]);
    // Nor is a bulletin whose recipients were not looked up yet.
    let update = bulletin("not spread", NOW_MS + 1, false);
    let stays = incident(&checks, SHOP, 4).await;
    checks.change_incident(&stays, None, Some(&update)).await.unwrap();
    checks.change_incident(&KeptIncident { publication: None, ..stays }, None, None).await.unwrap();
    assert_eq!(spread(&checks, &[1]).await, 0);
    assert_eq!(due(&checks, i64::MAX).await, []);
}

#[rstest]
#[tokio::test]
async fn maintenance_is_told_once_as_long_as_it_is_shown(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let window = |project, id: &str, title: &str| {
        let (from_ms, to_ms, services) = (NOW_MS + 10, NOW_MS + 20, vec![]);
        let news = News::Maintenance { from_ms, to_ms, services };
        let bulletin = Bulletin { news, ..bulletin(title, NOW_MS, true) };
        Announcement { project, id: id.to_owned(), bulletin }
    };
    let (shop, bank) = (window(SHOP, "a1", "shop"), window(BANK, "b1", "bank"));
    for _ in 0..2 {
        checks.announce(&[shop.clone(), bank.clone()]).await.unwrap();
    }
    assert_eq!(spread(&checks, &[1]).await, 2);
    let first = due(&checks, NOW_MS).await;
    assert_eq!(told(&first), [(1, "shop"), (1, "bank")]);
    assert_eq!(first[0].about, About::Maintenance("a1".to_owned()));
    checks.end_mailing(&first[0]).await.unwrap();
    checks.forget_sent_bulletins().await.unwrap();
    // A new text for known maintenance is no news; a new time is.
    checks.announce(&[window(SHOP, "a1", "shop, reworded"), bank.clone()]).await.unwrap();
    assert_eq!(spread(&checks, &[1]).await, 0);
    checks.announce(&[window(SHOP, "a2", "shop, moved"), bank]).await.unwrap();
    assert_eq!(spread(&checks, &[1]).await, 1);
    assert_eq!(told(&due(&checks, NOW_MS).await), [(1, "shop, moved"), (1, "bank")]);
    // Cancelled before it was sent.
    checks.announce(&[]).await.unwrap();
    assert_eq!(due(&checks, i64::MAX).await, []);
}
