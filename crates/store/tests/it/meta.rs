//! Everything that a project's owner stores, in both databases: the same after a restart, changed, removed, and gone
//! with the project.

use analytics::alert::RuleSettings;
use analytics::clock_watch::{ClockWatch, Doubt};
use analytics::deploy::Deploy;
use analytics::hit::ProjectId;
use analytics::maintenance::MaintenanceSettings;
use analytics::notice::{ChannelConfig, QuietHours};
use analytics::status_page::StatusPage;
use analytics::view::{View, ViewPage};
use rstest::rstest;
use store::meta::{
    Can, ChannelSettings, DashboardId, Key, Meta, MetaError, NewProject, NewShareLink,
    ProjectChange, Proof, StatusPageRow, Token,
};
use store::{StoreError, StoreOptions};

use crate::home::{Engine, Home};
use crate::make::small;

const NOW: i64 = 1_795_348_800_000_000;
const SECOND: i64 = 1_000_000;

pub(super) fn key(number: u8) -> Key {
    Key::from_random([number; 16])
}

pub(super) fn token(number: u8) -> Token {
    Token::from_random([number; 24])
}

pub(super) async fn project(meta: &Meta, number: u8) -> ProjectId {
    let new = NewProject { name: format!("shop {number}"), ..NewProject::default() };
    meta.create_project(new, &key(number), Can::Everything, NOW).await.unwrap().id
}

/// The meta after a restart.
async fn again(home: &Home, meta: Meta) -> Meta {
    meta.close().await.unwrap();
    home.open().await
}

#[rstest]
#[tokio::test]
async fn settings_of_a_project_change_one_by_one(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let id = project(&meta, 1).await;
    let changes = [
        ProjectChange { name: Some("Läden".into()), ..ProjectChange::default() },
        ProjectChange { tz: Some("Europe/Berlin".into()), ..ProjectChange::default() },
        ProjectChange { privacy_level: Some(2), ..ProjectChange::default() },
        ProjectChange { keep_hits_days: Some(Some(30)), ..ProjectChange::default() },
        ProjectChange { apdex_ms: Some(900), ..ProjectChange::default() },
        ProjectChange { success_amber: Some(0.5), ..ProjectChange::default() },
        ProjectChange { success_red: Some(0.25), ..ProjectChange::default() },
        ProjectChange { keep_hits_days: Some(None), ..ProjectChange::default() },
    ];
    let mut before = meta.project(id).unwrap();
    for change in changes {
        let changed = meta.change_project(id, change.clone()).await.unwrap().unwrap();
        assert_ne!(changed, before, "{change:?}");
        before = changed;
    }
    meta.set_erased_level(id, 1).await.unwrap();
    meta.set_warned(id, Some(20_000)).await.unwrap();
    let meta = again(&home, meta).await;
    let now = meta.project(id).unwrap();
    assert_eq!((now.name.as_str(), now.tz.as_str()), ("Läden", "Europe/Berlin"));
    assert_eq!((now.privacy_level, now.erased_level, now.keep_hits_days), (2, 1, None));
    assert_eq!((now.apdex_ms, now.success_amber, now.success_red), (900, 0.5, 0.25));
    assert_eq!(now.warned_day, Some(20_000));
    // Lowering the level forgets that later hits were erased up to the higher one.
    let lower = ProjectChange { privacy_level: Some(0), ..ProjectChange::default() };
    assert_eq!(meta.change_project(id, lower).await.unwrap().unwrap().erased_level, 0);
    meta.set_erased_level(id, 2).await.unwrap();
    assert_eq!(meta.project(id).unwrap().erased_level, 0);
    assert!(meta.change_project(ProjectId(9), ProjectChange::default()).await.unwrap().is_none());
    let new = NewProject { name: "demo".into(), ..NewProject::default() };
    let demo = meta.create_demo_project(new, NOW, NOW).await.unwrap().id;
    meta.set_demo_until(demo, NOW + SECOND).await.unwrap();
    let meta = again(&home, meta).await;
    assert_eq!(meta.demo_project().unwrap().demo_until_us, Some(NOW + SECOND));
}

#[rstest]
#[tokio::test]
async fn channels_windows_rules_and_pages_are_kept_changed_and_removed(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let (id, other) = (project(&meta, 1).await, project(&meta, 2).await);
    let config: ChannelConfig = serde_json::from_str(
        r#"{"kind": "webhook", "url": "https://example.com/x", "secret": "whsec_x"}"#,
    )
    .unwrap();
    let settings = ChannelSettings {
        name: "on call".into(),
        config,
        enabled: true,
        quiet_hours: None,
        problem: None,
    };
    let channel = meta.add_channel(id, settings.clone(), [1; 12], 1, NOW).await.unwrap().unwrap();
    let full = meta.add_channel(id, settings.clone(), [2; 12], 1, NOW).await;
    assert!(matches!(full, Err(MetaError::TooManyChannels)));
    let quiet: QuietHours = serde_json::from_str(r#"{"from": "22:00", "to": "07:00"}"#).unwrap();
    let changed = ChannelSettings {
        enabled: false,
        quiet_hours: Some(quiet),
        problem: Some("it is gone".into()),
        ..settings.clone()
    };
    assert!(
        meta.change_channel(other, channel.id, changed.clone(), [3; 12]).await.unwrap().is_none()
    );
    let channel = meta.change_channel(id, channel.id, changed, [3; 12]).await.unwrap().unwrap();
    let window =
        meta.add_maintenance(id, MaintenanceSettings::default(), 9, NOW).await.unwrap().unwrap();
    let named = MaintenanceSettings { title: Some("Upgrade".into()), ..window.settings.clone() };
    assert!(meta.change_maintenance(other, window.id, named.clone()).await.unwrap().is_none());
    let window = meta.change_maintenance(id, window.id, named).await.unwrap().unwrap();
    let rule = meta.add_rule(id, RuleSettings::default(), 9, NOW).await.unwrap().unwrap();
    let page = |project, slug: &str| StatusPageRow {
        project,
        page: StatusPage { slug: slug.into(), ..StatusPage::default() },
        logo: None,
    };
    meta.put_status_page(page(id, "shop")).await.unwrap().unwrap();
    assert!(matches!(meta.put_status_page(page(other, "shop")).await, Err(MetaError::SlugTaken)));
    meta.put_status_page(page(id, "store")).await.unwrap().unwrap();

    let meta = again(&home, meta).await;
    assert_eq!(meta.channels(id), std::slice::from_ref(&channel));
    assert_eq!(meta.maintenance(id), std::slice::from_ref(&window));
    assert_eq!(meta.rules(id), std::slice::from_ref(&rule));
    assert_eq!(meta.status_page_at("store").unwrap().project, id);
    assert!(meta.status_page_at("shop").is_none());
    assert!(!meta.remove_channel(other, channel.id).await.unwrap());
    assert!(meta.remove_channel(id, channel.id).await.unwrap());
    assert!(meta.remove_maintenance(id, window.id).await.unwrap());
    assert!(meta.remove_rule(id, rule.id).await.unwrap());
    assert!(meta.remove_status_page(id).await.unwrap());
    assert!(!meta.remove_status_page(id).await.unwrap());
    let meta = again(&home, meta).await;
    assert!(meta.channels(id).is_empty() && meta.maintenance(id).is_empty());
    assert!(meta.rules(id).is_empty() && meta.status_page(id).is_none());
}

#[rstest]
#[tokio::test]
async fn sessions_and_share_links_end_with_what_they_stand_on(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let id = project(&meta, 1).await;
    let more = meta.add_key(id, &key(2), Can::Everything, NOW).await.unwrap().unwrap();
    let dashboard: DashboardId = meta.dashboard_id(id).unwrap();
    let by_key = meta.sign_in(None, token(1), Proof::Key(&key(2)), NOW).await.unwrap().unwrap();
    // The same session by the dashboard id too: a new token, and the old one ends.
    let proof = Proof::Dashboard(&dashboard);
    let both = meta.sign_in(Some(&by_key.token), token(2), proof, NOW).await.unwrap().unwrap();
    let alone = meta.sign_in(None, token(3), proof, NOW).await.unwrap().unwrap();
    assert!(meta.session(&token(1), NOW).is_none());
    let new = NewShareLink {
        name: "for ann".into(),
        q: "status:5xx".into(),
        addresses: true,
        hits: true,
        expires_us: Some(NOW + SECOND),
        ..NewShareLink::default()
    };
    let link = meta.add_share_link(id, &token(4), new.clone(), NOW).await.unwrap().unwrap();
    meta.session(&both.token, NOW + 5 * SECOND).unwrap();
    let meta = again(&home, meta).await;
    assert_eq!(meta.session(&both.token, NOW + 6 * SECOND).unwrap(), [both.project]);
    assert_eq!(meta.share_link(&token(4), NOW).unwrap().new, new);
    assert!(meta.revoke_key(more.id, NOW).await.unwrap());
    // It still holds the project by the dashboard id.
    assert_eq!(meta.session(&both.token, NOW).unwrap().len(), 1);
    meta.regenerate_dashboard_id(id).await.unwrap().unwrap();
    assert!(!meta.revoke_share_link(ProjectId(9), link.id).await.unwrap());
    assert!(meta.revoke_share_link(id, link.id).await.unwrap());
    let meta = again(&home, meta).await;
    for session in [&both.token, &alone.token] {
        assert_eq!(meta.session(session, NOW), Some(vec![]));
    }
    assert!(meta.share_link(&token(4), NOW).is_none());
    meta.sign_out(&alone.token, None).await.unwrap();
    meta.forget_expired_sessions(NOW).await.unwrap();
    let meta = again(&home, meta).await;
    assert!(meta.session(&both.token, NOW).is_none() && meta.session(&alone.token, NOW).is_none());
}

#[rstest]
#[tokio::test]
async fn views_and_deploys_are_unique_and_bounded(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let (id, other) = (project(&meta, 1).await, project(&meta, 2).await);
    let view = |name: &str| View {
        name: name.into(),
        page: ViewPage::Dashboard,
        query: "q=status%3A5xx".into(),
    };
    let errors = meta.add_view(id, view("errors"), 3, NOW).await.unwrap().unwrap();
    assert!(matches!(meta.add_view(id, view("ERRORS"), 3, NOW).await, Err(MetaError::ViewTaken)));
    meta.add_view(other, view("Errors"), 3, NOW).await.unwrap().unwrap();
    let big = meta.add_view(id, view("Big"), 3, NOW).await.unwrap().unwrap();
    meta.add_view(id, view("all"), 3, NOW).await.unwrap().unwrap();
    assert!(matches!(meta.add_view(id, view("x"), 3, NOW).await, Err(MetaError::TooManyViews)));
    assert!(matches!(
        meta.change_view(id, big.id, &view("Errors")).await,
        Err(MetaError::ViewTaken)
    ));
    assert!(!meta.change_view(other, big.id, &view("x")).await.unwrap());
    assert!(meta.change_view(id, errors.id, &view("Errors")).await.unwrap());
    let names = meta.views(id).await.unwrap();
    let names: Vec<&str> = names.iter().map(|row| row.view.name.as_str()).collect();
    assert_eq!(names, ["all", "Big", "Errors"]);
    assert_eq!(meta.view(id, big.id).await.unwrap(), Some(big.clone()));
    assert!(meta.remove_view(id, big.id).await.unwrap());
    assert_eq!(meta.view(id, big.id).await.unwrap(), None);

    let deploy = |version: &str, seconds: i64| Deploy {
        version: version.into(),
        at_us: NOW + seconds * SECOND,
        text: String::new(),
        from_requests: false,
    };
    let (first, is_new) = meta.add_deploy(id, &deploy("1", 0), 3).await.unwrap().unwrap();
    assert!(is_new);
    assert!(!meta.add_deploy(id, &deploy("1", 0), 3).await.unwrap().unwrap().1);
    assert!(meta.add_deploy(ProjectId(9), &deploy("1", 0), 3).await.unwrap().is_none());
    let release = Deploy::of_release("2", NOW + 100 * SECOND);
    assert!(meta.see_release(id, &release, (3, 2), NOW).await.unwrap());
    assert!(!meta.see_release(id, &release, (3, 2), NOW).await.unwrap());
    assert!(!meta.see_release(id, &Deploy::of_release("1", NOW), (3, 2), NOW).await.unwrap());
    // A posted deploy replaces the one that its requests reported just before.
    let (posted, is_new) = meta.add_deploy(id, &deploy("2", 101), 3).await.unwrap().unwrap();
    assert!(is_new && !posted.deploy.from_requests);
    let versions = async |meta: &Meta| -> Vec<String> {
        let deploys = meta.deploys(id, NOW, NOW + 1_000 * SECOND).await.unwrap();
        deploys.into_iter().map(|row| row.deploy.version).collect()
    };
    assert_eq!(versions(&meta).await, ["2", "1"]);
    let found = meta.deploy(id, first.id).await.unwrap().unwrap();
    assert_eq!(found, (first.clone(), Some(posted.deploy.at_us)));
    for (number, version) in ["3", "4", "5"].into_iter().enumerate() {
        let release = Deploy::of_release(version, NOW + (200 + number as i64) * SECOND);
        meta.see_release(id, &release, (3, 2), NOW + number as i64).await.unwrap();
    }
    // A release that requests reported makes room before a deploy that was posted.
    assert_eq!(versions(&meta).await, ["5", "2", "1"]);
    assert!(!meta.remove_deploy(other, first.id).await.unwrap());
    assert!(meta.remove_deploy(id, first.id).await.unwrap());
    let meta = again(&home, meta).await;
    assert_eq!(versions(&meta).await, ["5", "2"]);
}

#[rstest]
#[tokio::test]
async fn the_server_s_own_notes_are_kept(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let id = project(&meta, 1).await;
    assert_eq!(meta.clock_watch().await.unwrap(), None);
    let doubt = Some(Doubt { ahead_us: 1, last_us: 2, ran_us: 3 });
    for watch in [ClockWatch { believed_us: 5, doubt }, ClockWatch { believed_us: 6, doubt: None }]
    {
        meta.set_clock_watch(&watch).await.unwrap();
        assert_eq!(meta.clock_watch().await.unwrap(), Some(watch));
    }
    for state in ["one", "two"] {
        let states = [(id, state), (ProjectId(9), "x")];
        meta.change_ingest_health(&states, |_, state| (*state).to_owned()).await.unwrap();
        meta.write_learned_routes(id, state).await.unwrap();
    }
    meta.write_learned_routes(ProjectId(9), "x").await.unwrap();
    let meta = again(&home, meta).await;
    assert_eq!(meta.ingest_health(id).await.unwrap().as_deref(), Some("two"));
    assert_eq!(meta.ingest_health(ProjectId(9)).await.unwrap(), None);
    let routes = meta.learned_routes().await.unwrap();
    assert_eq!(routes.len(), 1);
    assert_eq!(
        (routes[0].project, routes[0].state.as_str(), routes[0].restored),
        (id, "two", false)
    );
}

#[rstest]
#[tokio::test]
async fn a_deleted_project_takes_everything_along(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let (gone, stays) = (project(&meta, 1).await, project(&meta, 2).await);
    for id in [gone, stays] {
        let number = id.0 as u8;
        meta.add_rule(id, RuleSettings::default(), 9, NOW).await.unwrap().unwrap();
        let page = StatusPage { slug: format!("page-{number}"), ..StatusPage::default() };
        meta.put_status_page(StatusPageRow { project: id, page, logo: None }).await.unwrap();
        let view = View { name: "v".into(), page: ViewPage::Dashboard, query: String::new() };
        meta.add_view(id, view, 9, NOW).await.unwrap().unwrap();
        meta.see_release(id, &Deploy::of_release("1", NOW), (9, 9), NOW).await.unwrap();
        meta.write_learned_routes(id, "routes").await.unwrap();
        meta.change_ingest_health(&[(id, "health")], |_, state| (*state).to_owned()).await.unwrap();
        let link = NewShareLink::default();
        meta.add_share_link(id, &token(number), link, NOW).await.unwrap().unwrap();
        let proof = key(number);
        meta.sign_in(None, token(10 + number), Proof::Key(&proof), NOW).await.unwrap().unwrap();
    }
    assert!(meta.begin_delete(gone).await.unwrap());
    let meta = again(&home, meta).await;
    assert!(meta.project(gone).unwrap().deleting && meta.grant(&key(1)).is_none());
    meta.finish_delete(gone).await.unwrap();
    let meta = again(&home, meta).await;
    assert!(meta.project(gone).is_none() && meta.share_link(&token(1), NOW).is_none());
    assert_eq!(meta.all_rules().len(), 1);
    assert_eq!(meta.views(gone).await.unwrap().len() + meta.views(stays).await.unwrap().len(), 1);
    assert_eq!(meta.deploys(gone, 0, i64::MAX).await.unwrap(), []);
    assert_eq!(meta.learned_routes().await.unwrap().len(), 1);
    assert_eq!(meta.grant(&key(2)).unwrap().project(), stays);
    assert!(project(&meta, 3).await > stays, "a number is never used again");
}

/// A data folder and its PostgreSQL database are opened together, or not at all.
#[tokio::test]
async fn a_folder_is_not_served_with_a_database_that_is_not_its_own() {
    let home = Home::new(Engine::Postgres).await;
    let with = |home: &Home, folder: &Home| StoreOptions {
        meta: home.place.clone(),
        ..StoreOptions::new(folder.data().to_path_buf(), small())
    };
    let open = async |options: StoreOptions| store::open_folder(options, [7; 32], NOW).await;
    for _ in 0..2 {
        let (store, meta) = open(with(&home, &home)).await.unwrap();
        project(&meta, meta.projects().len() as u8 + 1).await;
        meta.close().await.unwrap();
        store.close().await.unwrap();
    }
    assert!(!home.data().join(store::meta::FILE).exists());
    // Another node's empty folder: the database is ahead of it, which is as it should be.
    let second = Home::new(Engine::Postgres).await;
    let (store, meta) = open(with(&home, &second)).await.unwrap();
    assert_eq!(meta.projects().len(), 2);
    assert_eq!(project(&meta, 9).await, ProjectId(3));
    meta.close().await.unwrap();
    store.close().await.unwrap();
    // A folder that was used belongs to its database.
    let strange = Home::new(Engine::Postgres).await;
    for (statements, wrong) in [
        ("", &strange),
        ("UPDATE folders SET starts = 1", &home),
        ("UPDATE folders SET starts = 9; SELECT setval('project_numbers', 1)", &home),
    ] {
        home.run(statements).await;
        let Err(StoreError::NotWhole(why)) = open(with(wrong, &home)).await else {
            panic!("{statements} is served")
        };
        assert!(why.contains("PostgreSQL") && why.contains("--meta"), "{why}");
    }
    home.run("SELECT setval('project_numbers', 3)").await;
    let (store, meta) = open(with(&home, &home)).await.unwrap();
    assert_eq!(meta.projects().len(), 3);
    meta.close().await.unwrap();
    store.close().await.unwrap();
}
