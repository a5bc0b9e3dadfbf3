//! Stored status pages and the incidents that they publish.

use analytics::hit::ProjectId;
use analytics::incident::Cause;
use analytics::status_page::StatusPage;
use analytics::status_page::logo::Logo;
use analytics::status_page::publication::{Publication, Severity, Stage};
use rstest::rstest;
use store::checks::{
    Checks, FILE, IncidentRow, IncidentSource, IncidentUpdate, KeptIncident, MonitorState, Record,
};
use store::meta::{Can, Key, Meta, MetaError, NewProject, StatusPageRow};

use crate::home::{Engine, Home};

const NOW: i64 = 1_795_348_800_000;

async fn open(folder: &tempfile::TempDir) -> Meta {
    Meta::open(folder.path(), [7; 32], NOW * 1_000).await.unwrap()
}

async fn project(meta: &Meta, number: u8, name: &str) -> ProjectId {
    let new = NewProject { name: name.to_owned(), ..NewProject::default() };
    let key = Key::from_random([number; 16]);
    meta.create_project(new, &key, Can::Everything, NOW * 1_000).await.unwrap().id
}

fn row(project: ProjectId, slug: &str) -> StatusPageRow {
    let page = StatusPage { slug: slug.to_owned(), enabled: true, ..StatusPage::default() };
    StatusPageRow { project, page, logo: None }
}

#[tokio::test]
async fn a_page_is_found_by_its_slug_until_it_has_another_or_goes() {
    let folder = tempfile::tempdir().unwrap();
    let meta = open(&folder).await;
    let (one, other) = (project(&meta, 1, "Shop").await, project(&meta, 2, "Shop").await);
    let mut kept = row(one, "shop");
    meta.put_status_page(kept.clone()).await.unwrap().unwrap();
    let taken = meta.put_status_page(row(other, "shop")).await;
    assert!(matches!(taken, Err(MetaError::SlugTaken)));
    kept.page.slug = "store".to_owned();
    kept.logo = Some(Logo::from_bytes(b"\xff\xd8\xff\xe0".to_vec()).unwrap());
    meta.put_status_page(kept.clone()).await.unwrap().unwrap();
    // The slug is free again.
    meta.put_status_page(row(other, "shop")).await.unwrap().unwrap();
    assert!(meta.put_status_page(row(ProjectId(99), "none")).await.unwrap().is_none());
    meta.close().await.unwrap();

    let meta = open(&folder).await;
    assert_eq!(meta.status_page_at("store").as_deref(), Some(&kept));
    assert_eq!(meta.status_page(other).as_deref(), Some(&row(other, "shop")));
    assert!(meta.remove_status_page(one).await.unwrap());
    assert!(!meta.remove_status_page(one).await.unwrap());
    assert_eq!(meta.status_page_at("store"), None);
    // A deleted project takes its page along, at once and for ever.
    meta.begin_delete(other).await.unwrap();
    assert_eq!(meta.status_page_at("shop"), None);
    meta.close().await.unwrap();
    let meta = open(&folder).await;
    assert_eq!(meta.status_page_at("shop"), None);
    meta.put_status_page(row(one, "shop")).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slug_is_proposed_that_nobody_else_can_guess() {
    let folder = tempfile::tempdir().unwrap();
    let meta = open(&folder).await;
    let (one, other) = (project(&meta, 1, "My Shop").await, project(&meta, 2, "My Shop").await);
    let proposed = meta.proposed_slug(one);
    assert!(proposed.starts_with("my-shop-") && proposed.len() == 16, "{proposed}");
    assert_ne!(proposed, meta.proposed_slug(other));
    let elsewhere = tempfile::tempdir().unwrap();
    let meta = Meta::open(elsewhere.path(), [8; 32], NOW * 1_000).await.unwrap();
    assert_ne!(proposed, meta.proposed_slug(project(&meta, 1, "My Shop").await));
    let id = meta.public_incident_id(12, 3);
    assert_eq!((id.len(), &id), (16, &meta.public_incident_id(12, 3)));
    assert_ne!(id, meta.public_incident_id(12, 4));
}

fn outage(monitor: i64, since_ms: i64, until_ms: Option<i64>) -> Record {
    let incident = IncidentRow {
        source: IncidentSource::Monitor(monitor),
        number: 1,
        project: ProjectId(7),
        cause: Cause::Down,
        since_ms,
        found_ms: since_ms,
        until_ms,
        unconfirmed: false,
        failure: None,
        detail: None,
        status: None,
        phases: None,
        last_good_ms: None,
        hit: None,
    };
    let state = MonitorState { id: monitor, created_us: 10 * monitor, ..MonitorState::default() };
    Record { incidents: vec![incident], state, ..Record::default() }
}

async fn publish(
    checks: &Checks,
    monitor: i64,
    title: Option<&str>,
    stages: &[Stage],
) -> KeptIncident {
    let mut kept =
        checks.incident(ProjectId(7), IncidentSource::Monitor(monitor), 1).await.unwrap().unwrap();
    kept.publication =
        title.map(|title| Publication { title: title.to_owned(), severity: Severity::Minor });
    checks.change_incident(&kept, None, None).await.unwrap();
    for (place, stage) in stages.iter().enumerate() {
        let at_ms = NOW + place as i64;
        let update = IncidentUpdate { at_ms, stage: *stage, text: stage.as_text().to_owned() };
        checks.change_incident(&kept, Some(update), None).await.unwrap();
    }
    checks.incident(ProjectId(7), IncidentSource::Monitor(monitor), 1).await.unwrap().unwrap()
}

#[rstest]
#[tokio::test]
async fn published_incidents_come_with_their_updates_and_no_others(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let checks = home.checks().await;
    let outages =
        [outage(1, NOW - 9, Some(NOW - 8)), outage(2, NOW - 5, None), outage(3, NOW - 3, None)];
    checks.write(&outages).await.unwrap();
    let old = publish(&checks, 1, Some("Old"), &[]).await;
    let open = publish(&checks, 2, Some("Open"), &[Stage::Identified, Stage::Resolved]).await;
    publish(&checks, 3, None, &[Stage::Investigating]).await;
    // A later transition keeps what its owner published.
    checks.write(&[outage(2, NOW - 5, Some(NOW))]).await.unwrap();

    let published = async |since_ms, limit| -> Vec<(String, usize)> {
        let rows = checks.published_incidents(ProjectId(7), since_ms, limit).await.unwrap();
        let told = rows.into_iter();
        told.map(|(row, updates)| (row.publication.unwrap().title, updates.len())).collect()
    };
    assert_eq!(published(0, 9).await, [("Open".to_owned(), 2), ("Old".to_owned(), 0)]);
    assert_eq!(published(NOW - 7, 9).await, [("Open".to_owned(), 2)]);
    assert_eq!(published(0, 1).await.len(), 1);
    assert!(checks.published_incidents(ProjectId(8), 0, 9).await.unwrap().is_empty());
    assert_eq!(old.publication.map(|public| public.severity), Some(Severity::Minor));
    let updates = checks.incident_updates(open.found.source, 1).await.unwrap();
    assert_eq!(
        updates.iter().map(|update| (update.at_ms, update.stage)).collect::<Vec<_>>(),
        [(NOW, Stage::Identified), (NOW + 1, Stage::Resolved)]
    );
}

#[tokio::test]
async fn an_older_file_gets_the_columns_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let checks = Checks::open(folder.path()).await.unwrap();
    checks.write(&[outage(1, NOW, None)]).await.unwrap();
    publish(&checks, 1, Some("Kept"), &[Stage::Identified]).await;
    checks.close().await;
    let file = folder.path().join(FILE);
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    for step in [
        "ALTER TABLE incidents DROP COLUMN public_title",
        "ALTER TABLE incidents DROP COLUMN severity",
        "ALTER TABLE incident_updates DROP COLUMN stage",
        "ALTER TABLE monitor_states RENAME TO monitors",
        "ALTER TABLE rule_states RENAME TO rules",
        "PRAGMA user_version = 4",
    ] {
        sqlx::query(step).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let checks = Checks::open(folder.path()).await.unwrap();
    assert_eq!(
        checks
            .incident(ProjectId(7), IncidentSource::Monitor(1), 1)
            .await
            .unwrap()
            .unwrap()
            .publication,
        None
    );
    let updates = checks.incident_updates(IncidentSource::Monitor(1), 1).await.unwrap();
    assert_eq!(updates[0].stage, Stage::Investigating);
    let again = publish(&checks, 1, Some("Again"), &[]).await;
    assert_eq!(again.publication.map(|public| public.title), Some("Again".to_owned()));
}
