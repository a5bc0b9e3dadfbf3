//! A PostgreSQL server that neither answers nor closes its connections, as behind a cut network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use store::checks::{Checks, Claim, MonitorState, Record};
use store::meta::Meta;
use store::{MetaPlace, PostgresUrl};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

use crate::home::{Engine, Home};

/// Forwards connections to PostgreSQL, unless it hangs.
struct Proxy {
    hangs: Arc<AtomicBool>,
    place: MetaPlace,
}

impl Proxy {
    /// `url`: of a database that is reached through a socket in a folder.
    async fn to(url: &str) -> Proxy {
        let (address, folder) = url.split_once("?host=").unwrap();
        let database = address.rsplit_once('/').unwrap().1;
        let socket = format!("{folder}/.s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hangs = Arc::new(AtomicBool::new(false));
        let is_hanging = hangs.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(forward(from_client, to_server, is_hanging.clone()));
                tokio::spawn(forward(from_server, to_client, is_hanging.clone()));
            }
        });
        let url = format!("postgres://tests@{address}/{database}?sslmode=disable");
        Proxy { hangs, place: MetaPlace::Postgres(PostgresUrl::parse(&url).unwrap()) }
    }

    fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }
}

async fn forward(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    hangs: Arc<AtomicBool>,
) {
    let mut bytes = [0; 8_192];
    while let Ok(count) = from.read(&mut bytes).await {
        while hangs.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if count == 0 || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_given_up_and_used_again_when_it_is_back() {
    let home = Home::new(Engine::Postgres).await;
    let MetaPlace::Postgres(url) = &home.place else { unreachable!() };
    let mut holder = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    let proxy = Proxy::to(url.as_str()).await;
    let checks = Checks::open_at(&proxy.place, home.data()).await.unwrap();
    let meta = Meta::open_at(&proxy.place, home.data(), [7; 32], 1).await.unwrap();
    let state = MonitorState { id: 1, created_us: 10, ..MonitorState::default() };
    let mut group = [Record { state, ..Record::default() }];
    checks.write(&group).await.unwrap();
    assert!(checks.claim(Claim::Mailings).await.unwrap());

    // It hangs in the middle of a transaction, and before the calls that come later.
    group[0].state.kept.last_good_ms = Some(5);
    let mut holding = holder.begin().await.unwrap();
    sqlx::query("SELECT id FROM monitor_states FOR UPDATE").execute(&mut *holding).await.unwrap();
    let began = Instant::now();
    let hang = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            // Else a transaction sees the sessions that there were when it first looked.
            let fresh = sqlx::query("SELECT pg_stat_clear_snapshot()");
            fresh.execute(&mut *holding).await.unwrap();
            let waits: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *holding).await.unwrap();
            if waits == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.hang(true);
        holding.commit().await.unwrap();
        let changed = tokio::join!(
            checks.newest(1, 9, 9),
            meta.ping(),
            meta.note_running_day(3),
            checks.claim(Claim::Channel(4))
        );
        assert!(changed.0.unwrap_err().is_away());
        assert!(changed.1.unwrap_err().is_away());
        assert!(changed.2.unwrap_err().is_away());
        assert!(changed.3.unwrap_err().is_away());
    };
    let (written, ()) = tokio::join!(checks.write(&group), hang);
    assert!(written.unwrap_err().is_away());
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());

    proxy.hang(false);
    let again = async {
        while let Err(problem) = checks.write_again(&group).await {
            assert!(problem.is_away(), "{problem}");
        }
        while meta.note_running_day(3).await.is_err() {}
        while !checks.claim(Claim::Channel(4)).await.unwrap_or(false) {}
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
    assert_eq!(checks.states().await.unwrap(), [group[0].state.clone()]);
    assert_eq!(meta.running_days_after(2).await.unwrap(), 1);
}
