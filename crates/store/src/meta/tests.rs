//! `Meta` on real databases.

use analytics::hit::ProjectId;
use analytics::monitor::MonitorSettings;
use rstest::rstest;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::*;
use crate::checks::Checks;
use crate::types::PostgresUrl;
use home::{Engine, Home};

#[path = "../../tests/it/home.rs"]
mod home;
mod taken_batches;

const NOW: i64 = 1_764_000_000_000_000;

fn key(number: u8) -> Key {
    Key::from_random([number; 16])
}

fn named(name: &str) -> NewProject {
    NewProject { name: name.to_owned(), ..NewProject::default() }
}

#[rstest]
#[tokio::test]
async fn a_key_names_its_project_also_after_a_restart(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let new = NewProject {
        name: "shop".into(),
        privacy_level: 1,
        keep_hits_days: Some(90),
        user_id: None,
    };
    let project = meta.create_project(new, &key(1), Can::Everything, NOW).await.unwrap();
    let ingest = meta.add_key(project.id, &key(2), Can::Ingest, NOW).await.unwrap().unwrap();
    for reopened in [false, true] {
        let meta = if reopened {
            meta.close().await.unwrap();
            // Another secret is offered, but the first one stays.
            home.try_open([8; 32]).await.unwrap()
        } else {
            meta.clone()
        };
        let grant = meta.grant(&key(1)).unwrap();
        assert_eq!((grant.project(), grant.can()), (project.id, Can::Everything));
        assert_eq!((grant.privacy_level(), grant.keep_hits_days()), (1, Some(90)));
        assert_eq!(meta.grant(&key(2)).unwrap().can(), Can::Ingest);
        assert!(meta.grant(&key(3)).is_none());
    }
    let meta = home.open().await;
    assert!(meta.revoke_key(ingest.id, NOW + 1).await.unwrap());
    assert!(!meta.revoke_key(ingest.id, NOW + 2).await.unwrap());
    assert!(meta.grant(&key(2)).is_none());
    let keys = meta.keys(Some(project.id)).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.revoked_us).collect::<Vec<_>>(), [None, Some(NOW + 1)]);
}

#[rstest]
#[tokio::test]
async fn a_key_belongs_to_one_project(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap();
    let again = meta.create_project(named("b"), &key(1), Can::Everything, NOW).await;
    assert!(matches!(again, Err(MetaError::KeyTaken)));
    assert_eq!(meta.projects().len(), 1);
    assert!(meta.add_key(ProjectId(99), &key(2), Can::Everything, NOW).await.unwrap().is_none());
}

#[rstest]
#[tokio::test]
async fn a_dashboard_id_works_until_it_is_regenerated(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let imported = DashboardId::parse("00000000-0000-4000-8000-000000000001").unwrap();
    let new = NewProject { user_id: Some(imported), ..named("a") };
    let project = meta.create_project(new, &key(1), Can::Everything, NOW).await.unwrap();
    let new = NewProject { user_id: Some(imported), ..named("b") };
    assert!(matches!(
        meta.create_project(new, &key(2), Can::Everything, NOW).await,
        Err(MetaError::UserIdTaken)
    ));
    let first = meta.dashboard_id(project.id).unwrap();
    assert_eq!(meta.dashboard(&first), Some(project.id));
    assert_eq!(meta.dashboard(&imported), Some(project.id));
    let second = meta.regenerate_dashboard_id(project.id).await.unwrap().unwrap();
    for meta in [meta.clone(), home.open().await] {
        assert_eq!(meta.dashboard(&first), None);
        assert_eq!(meta.dashboard(&imported), None);
        assert_eq!(meta.dashboard(&second), Some(project.id));
        assert_eq!(meta.dashboard_id(project.id), Some(second));
    }
}

#[tokio::test]
async fn a_deleted_project_leaves_no_byte_and_its_number_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    meta.create_project(named("stays"), &key(1), Can::Everything, NOW).await.unwrap();
    let gone = meta
        .create_project(named("needle-of-a-name"), &key(2), Can::Everything, NOW)
        .await
        .unwrap();
    let dashboard = meta.dashboard_id(gone.id).unwrap();
    let bytes = |folder: &tempfile::TempDir| -> Vec<u8> {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        bytes
    };
    let holds = |bytes: &[u8]| bytes.windows(16).any(|window| window == b"needle-of-a-name");
    assert!(holds(&bytes(&folder)), "the search finds what is there");
    assert!(meta.begin_delete(gone.id).await.unwrap());
    assert!(meta.grant(&key(2)).is_none() && meta.dashboard(&dashboard).is_none());
    assert!(meta.project(gone.id).unwrap().deleting);
    assert!(
        Meta::open(folder.path(), [0; 32], NOW).await.unwrap().project(gone.id).unwrap().deleting
    );
    meta.finish_delete(gone.id).await.unwrap();
    assert!(!holds(&bytes(&folder)));
    assert!(!meta.begin_delete(gone.id).await.unwrap());
    let next = meta.create_project(named("next"), &key(2), Can::Everything, NOW).await.unwrap();
    assert!(next.id > gone.id);
    meta.skip_project_numbers(ProjectId(500)).await.unwrap();
    assert_eq!(
        meta.create_project(named("x"), &key(4), Can::Everything, NOW).await.unwrap().id,
        ProjectId(501)
    );
}

#[rstest]
#[tokio::test]
async fn times_of_use_reach_the_file_with_the_next_flush(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let project = meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap();
    meta.grant(&key(1)).unwrap().touch_used(NOW + 5_000_000);
    meta.touch_look(project.id, NOW + 6_000_000);
    assert_eq!(meta.project(project.id).unwrap().last_look_us, Some(NOW + 6_000_000));
    meta.close().await.unwrap();
    let meta = home.open().await;
    assert_eq!(meta.project(project.id).unwrap().last_look_us, Some(NOW + 6_000_000));
    assert_eq!(meta.keys(None).await.unwrap()[0].last_used_us, Some(NOW + 5_000_000));
    // A change of the project does not lose the visit.
    meta.touch_look(project.id, NOW + 9_000_000);
    meta.set_warned(project.id, Some(3)).await.unwrap();
    let now = meta.project(project.id).unwrap();
    assert_eq!((now.last_look_us, now.warned_day), (Some(NOW + 9_000_000), Some(3)));
}

#[rstest]
#[tokio::test]
async fn only_days_on_which_the_server_ran_count(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    for day in [100, 101, 101, 250] {
        meta.note_running_day(day).await.unwrap();
    }
    assert_eq!(meta.running_days_after(100).await.unwrap(), 2);
    assert_eq!(meta.running_days_after(250).await.unwrap(), 0);
    assert_eq!(meta.job_ended("retention").await.unwrap(), None);
    meta.note_job_ended("retention", NOW).await.unwrap();
    meta.note_job_ended("retention", NOW + 1).await.unwrap();
    assert_eq!(meta.job_ended("retention").await.unwrap(), Some(NOW + 1));
}

#[tokio::test]
async fn a_backup_is_a_whole_copy_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    let project = meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    meta.backup(&other.path().join(FILE)).await.unwrap();
    for folder in [&folder, &other] {
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let copy = Meta::open(other.path(), [9; 32], NOW).await.unwrap();
    assert_eq!(copy.grant(&key(1)).unwrap().project(), project.id);
    assert_eq!(copy.dashboard_id(project.id), meta.dashboard_id(project.id));
}

#[rstest]
#[tokio::test]
async fn a_file_of_a_later_version_is_refused(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    meta.close().await.unwrap();
    home.run(match engine {
        Engine::Sqlite => "PRAGMA user_version = 99",
        Engine::Postgres => "UPDATE version SET number = 99",
    })
    .await;
    assert!(matches!(home.try_open([7; 32]).await, Err(MetaError::Newer { found: 99, .. })));
}

#[rstest]
#[tokio::test]
async fn monitors_belong_to_their_project_and_survive_a_restart(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let one = meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap().id;
    let other = meta.create_project(named("b"), &key(2), Can::Everything, NOW).await.unwrap().id;
    let settings =
        |url: &str| MonitorSettings { url: Some(url.into()), ..MonitorSettings::default() };
    let new = |url: &str| NewMonitor {
        settings: settings(url),
        original_url: Some(url.into()),
        file_entry: None,
    };
    let first = meta.add_monitor(one, new("http://a"), 2, NOW).await.unwrap().unwrap();
    let second = meta.add_monitor(one, new("http://b"), 2, NOW + 1).await.unwrap().unwrap();
    let full = meta.add_monitor(one, new("http://c"), 2, NOW).await;
    assert!(matches!(full, Err(MetaError::TooManyMonitors)));
    let third = meta.add_monitor(other, new("http://d"), 2, NOW).await.unwrap().unwrap();
    // Another project's number opens nothing.
    assert_eq!(meta.monitor(other, first.id), None);
    assert_eq!(meta.change_monitor(other, first.id, settings("http://x")).await.unwrap(), None);
    assert!(!meta.remove_monitor(other, first.id).await.unwrap());
    let changed = meta.change_monitor(one, first.id, settings("http://e")).await.unwrap().unwrap();
    assert_eq!(changed.settings.url.as_deref(), Some("http://e"));
    let tokens = [&first, &second, &third].map(|monitor| meta.heartbeat_token(monitor));
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
    assert!(meta.remove_monitor(one, second.id).await.unwrap());
    assert_eq!(meta.heartbeat(&tokens[1]), None);
    meta.close().await.unwrap();

    let meta = home.open().await;
    assert_eq!(meta.heartbeat(&tokens[0]), Some(changed.clone()));
    assert_eq!(meta.monitors(one), [changed]);
    assert_eq!(meta.all_monitors().len(), 2);
    // Numbers are never reused.
    let next = meta.add_monitor(one, new("http://f"), 9, NOW).await.unwrap().unwrap();
    assert_eq!(next.id, third.id + 1);
    meta.begin_delete(one).await.unwrap();
    assert_eq!(meta.all_monitors(), [third]);
    assert_eq!(meta.heartbeat(&tokens[0]), None);
    assert!(meta.add_monitor(one, new("http://g"), 9, NOW).await.unwrap().is_none());
    meta.close().await.unwrap();
    assert_eq!(home.open().await.all_monitors().len(), 1);
}

fn file_options(folder: &tempfile::TempDir) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.path().join(FILE))
}

/// Whether the file, or its log, has these bytes.
fn is_in_file(folder: &tempfile::TempDir, needle: &str) -> bool {
    let files = [FILE.to_owned(), format!("{FILE}-wal")];
    files.iter().any(|name| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[tokio::test]
async fn what_a_monitor_sends_is_encrypted_also_if_an_earlier_version_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    let plain = named("needle-project");
    let project = meta.create_project(plain, &key(1), Can::Everything, NOW).await.unwrap().id;
    let settings = |token: &str| MonitorSettings {
        headers: Some([("authorization".to_owned(), Some(token.into()))].into()),
        body: Some("needle-body".to_owned()),
        ..MonitorSettings::default()
    };
    let new = NewMonitor { settings: settings("needle-first"), ..NewMonitor::default() };
    let made = meta.add_monitor(project, new, 9, NOW).await.unwrap().unwrap();
    let changed = settings("needle-second");
    let changed = meta.change_monitor(project, made.id, changed).await.unwrap().unwrap();
    assert!(is_in_file(&folder, "needle-project"), "the search finds what is not encrypted");
    for needle in ["needle-first", "needle-second", "needle-body", "authorization"] {
        assert!(!is_in_file(&folder, needle), "{needle}");
    }
    let backup = folder.path().join("copy");
    std::fs::create_dir(&backup).unwrap();
    meta.backup(&backup.join(FILE)).await.unwrap();
    let restored = Meta::open(&backup, [8; 32], NOW).await.unwrap();
    assert_eq!(restored.monitors(project), std::slice::from_ref(&changed));
    restored.close().await.unwrap();

    let earlier = serde_json::to_string(&changed.settings).unwrap();
    sqlx::query("UPDATE monitors SET plain_settings = $1, sealed = NULL")
        .bind(earlier)
        .execute(&meta.inner.db.pool)
        .await
        .unwrap();
    meta.close().await.unwrap();
    assert!(is_in_file(&folder, "needle-second"));
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    assert!(is_in_file(&folder, "needle-project") && !is_in_file(&folder, "needle-second"));
    assert_eq!(meta.monitors(project), [changed]);

    // A row that was moved to another project opens nothing there.
    let other = meta.create_project(named("b"), &key(2), Can::Everything, NOW).await.unwrap().id;
    sqlx::query("UPDATE monitors SET project = $1")
        .bind(i64::from(other.0))
        .execute(&meta.inner.db.pool)
        .await
        .unwrap();
    meta.close().await.unwrap();
    assert!(matches!(
        Meta::open(folder.path(), [7; 32], NOW).await,
        Err(MetaError::Database(sqlx::Error::Protocol(_)))
    ));
}

fn token(number: u32) -> Token {
    let mut bytes = [0; 24];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    Token::from_random(bytes)
}

#[tokio::test]
async fn a_file_of_the_first_version_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut db = file_options(&folder).create_if_missing(true).connect().await.unwrap();
    let first = include_str!("../../migrations/sqlite/0001_projects.sql");
    sqlx::raw_sql(first).execute(&mut db).await.unwrap();
    let more = "INSERT INTO projects (name, created_us, privacy_level, keep_hits_days) VALUES ('shop', 5, 1, 90); PRAGMA user_version = 1";
    sqlx::raw_sql(more).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let project =
        Meta::open(folder.path(), [7; 32], NOW).await.unwrap().project(ProjectId(1)).unwrap();
    assert_eq!((project.name.as_str(), project.created_us), ("shop", 5));
    assert_eq!(
        (project.privacy_level, project.erased_level, project.keep_hits_days),
        (1, 1, Some(90))
    );
    assert_eq!((project.tz.as_str(), project.apdex_ms, project.demo_until_us), ("UTC", 500, None));
    assert_eq!((project.success_amber, project.success_red), (0.95, 0.9));
}

#[rstest]
#[tokio::test]
async fn sessions_of_a_project_and_projects_of_a_session_are_bounded(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap();
    let most = analytics::limits::SESSIONS_PER_PROJECT as u32;
    for number in 0..=most {
        let now_us = NOW + i64::from(number) * 1_000_000;
        meta.sign_in(None, token(number), Proof::Key(&key(1)), now_us).await.unwrap().unwrap();
    }
    let now_us = NOW + i64::from(most) * 1_000_000;
    let held = |meta: &Meta, number| meta.session(&token(number), now_us).unwrap().len();
    assert_eq!((held(&meta, 0), held(&meta, 1), held(&meta, most)), (0, 1, 1));

    let most = analytics::limits::PROJECTS_PER_SESSION as u8;
    let mut held = token(1);
    for number in 2..=most + 1 {
        let name = key(number);
        meta.create_project(named("b"), &name, Can::Everything, NOW).await.unwrap();
        let (before, fresh) = (held, token(1_000 + u32::from(number)));
        held = meta
            .sign_in(Some(&before), fresh, Proof::Key(&name), now_us)
            .await
            .unwrap()
            .unwrap()
            .token;
        assert_eq!(held, fresh);
        assert!(meta.session(&before, now_us).is_none(), "the session before ends with a sign-in");
    }
    for meta in [&meta, &home.open().await] {
        assert!(meta.session(&token(1), now_us).is_none());
        let projects = meta.session(&held, now_us).unwrap();
        assert_eq!(projects.len(), usize::from(most));
        assert!(projects.iter().all(|held| held.project != ProjectId(1)), "the first made room");
    }
}

#[rstest]
#[tokio::test]
async fn revoked_keys_are_not_kept_without_end(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let home = Home::new(engine).await;
    let meta = home.open().await;
    let project = meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap().id;
    for number in 0..250u32 {
        let mut bytes = [9; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let made = meta.add_key(project, &Key::from_random(bytes), Can::Ingest, NOW).await.unwrap();
        let revoked = meta.revoke_key_of(project, made.unwrap().id, NOW).await.unwrap();
        assert_eq!(revoked, Revoked::Done);
    }
    let most = analytics::limits::KEYS_PER_PROJECT as usize;
    assert_eq!(meta.keys(Some(project)).await.unwrap().len(), most + 2);
}

#[tokio::test]
async fn a_file_of_before_the_folder_id_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    let project = meta.create_project(named("a"), &key(1), Can::Everything, NOW).await.unwrap();
    for step in [
        "DROP TABLE releases",
        "DROP TABLE views",
        "DROP TABLE deploys",
        "DROP TABLE learned_routes",
        "DROP TABLE subscribers",
        "DROP TABLE status_pages",
        "DROP TABLE rules",
        "DROP TABLE maintenance",
        "DROP TABLE channels",
        "DROP TABLE monitors",
        "DROP TABLE folder",
        "PRAGMA user_version = 3",
    ] {
        sqlx::query(step).execute(&meta.inner.db.pool).await.unwrap();
    }
    meta.close().await.unwrap();
    let meta = Meta::open(folder.path(), [7; 32], NOW).await.unwrap();
    assert_eq!(meta.grant(&key(1)).unwrap().project(), project.id);
    let identity = MetaIdentity { folder: [3; 16], starts: 1, ledger_key: [4; 32] };
    meta.set_identity(&identity).await.unwrap();
    let mut db = file_options(&folder).connect().await.unwrap();
    let found = look(&mut db).await.unwrap().unwrap();
    assert_eq!(found.identity, Some(identity));
    assert_eq!((found.highest_project, found.projects), (project.id.0, vec![project.id.0]));
}

/// Tables and columns of both databases are the same, apart from those of servers that share one, and `migrate` moves all
/// of them.
#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let mut columns = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let home = Home::new(engine).await;
        let meta = home.open().await;
        home.checks().await.close().await;
        let select = match engine {
            Engine::Sqlite => {
                "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT IN ('folder', 'sqlite_sequence')"
            }
            Engine::Postgres => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN ('folders', 'version', 'checks_version', 'servers', 'leader', 'heartbeat_signals', 'taken_batches')"
            }
        };
        let mut found: Vec<String> =
            sqlx::query_scalar(select).fetch_all(&meta.inner.db.pool).await.unwrap();
        if engine == Engine::Sqlite {
            let file = home.data().join(crate::checks::FILE);
            let mut db = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
            let of_checks: Vec<String> =
                sqlx::query_scalar(select).fetch_all(&mut db).await.unwrap();
            found.extend(of_checks);
        }
        found.sort_unstable();
        columns.push(found);
    }
    assert!(columns[0].len() > 200);
    assert_eq!(columns[0], columns[1]);
    let mut tables: Vec<&str> =
        columns[0].iter().map(|column| column.split_once('.').unwrap().0).collect();
    tables.dedup();
    let mut moved = moving::TABLES.to_vec();
    moved.extend(crate::checks::TABLES.iter().map(|table| table.name));
    moved.sort_unstable();
    assert_eq!(tables, moved);
}
