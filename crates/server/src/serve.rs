//! The server's life, written once, in order.
//!
//! Start: 1. the port is bound (or inherited), so that nobody is refused from here on: connections wait in the kernel's
//! queue; 2. the limit of open files is raised, and must be high enough; 3. the data folder is opened; 4. the socket of
//! subcommands; 5. the jobs, the checks of monitors, the rules, the notices and the mails to subscribers; 6.
//! connections are served.
//! Stop: 1. no new connections are accepted; 2. open ones finish their call, within a time; 3. jobs, checks, rules,
//! notices, mails and the socket; 4. the data folder is closed, which writes everything that is still in memory.

mod access_log;
mod acme;
mod certificates;
mod connections;
mod listener;
mod open_files;
mod slots;
mod tls;
mod unread;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, SharedApp};
use crate::auth::scope_of_server;
use crate::clock::Clock;
use crate::config::Settings;
use crate::incident::Witnesses;
use crate::monitor_file::{Entry, MonitorFileError};
use crate::{control, delivery, jobs, judging, mailing, monitor, monitor_file, router, servers};

pub use listener::bind;
pub use tls::ServerTls;

/// A running server. Dropping it without `stop` leaves data in memory to the next start's recovery.
pub struct RunningServer {
    pub app: SharedApp,
    /// Listening addresses.
    pub addresses: Vec<SocketAddr>,
    /// Listening addresses that redirect to those.
    pub redirects_from: Vec<SocketAddr>,
    tls: Option<Arc<ServerTls>>,
    stop: watch::Sender<bool>,
    connections: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl RunningServer {
    /// Opens the data folder and serves on `listeners`, which are bound already.
    pub async fn start(
        settings: Settings,
        clock: Clock,
        listeners: Vec<std::net::TcpListener>,
    ) -> anyhow::Result<RunningServer> {
        let addresses: Result<Vec<SocketAddr>, _> =
            listeners.iter().map(|listener| listener.local_addr()).collect();
        let addresses = addresses.context("the listening socket has no address")?;
        let tls = settings.tls.as_ref().map(|source| ServerTls::open(source, &settings.data));
        let tls = tls.transpose()?.map(Arc::new);
        let redirecting = match &settings.redirect_from {
            Some(from) => listener::bind_here("redirect_from", from)?,
            None => Vec::new(),
        };
        let redirects_from: Result<Vec<SocketAddr>, _> =
            redirecting.iter().map(|listener| listener.local_addr()).collect();
        let redirects_from = redirects_from.context("the redirecting socket has no address")?;
        let may_open = open_files::raise_limit();
        let data_files = open_files::count_data_files(&settings.data);
        let wanted = settings.limits.get("connections");
        let checks = settings.limits.get("checks_at_once");
        let checks = open_files::checks(checks, may_open, data_files);
        let connections = open_files::connections(wanted, may_open, data_files + checks)?;
        let app = App::open(settings, clock, &addresses).await?;
        // Others know of this server before it takes a hit: an erasure must wait for it.
        app.meta.beat().await.context("this server cannot join the others")?;
        app.monitors.allow_at_once(checks as usize);
        let entries = read_monitors(&app)?;
        let applied = monitor_file::apply(&app, entries).await;
        applied.context("the monitors of the file cannot be kept")?;
        tracing::info!(connections, checks, open_files = may_open, "the system allows so many");
        let room = connections::Room::new(connections, &app);
        let (stop, stopping) = watch::channel(false);
        let control =
            control::listen(&app).context("the socket for subcommands cannot be opened")?;
        let witnesses = Witnesses {
            asker: app.asker.clone(),
            clock: app.clock.clone(),
            scope: scope_of_server,
        };
        let mut others = vec![
            tokio::spawn(control::serve(app.clone(), control, stopping.clone())),
            tokio::spawn(jobs::run(app.clone(), stopping.clone())),
            tokio::spawn(servers::run(app.clone(), stopping.clone())),
            tokio::spawn(monitor::run(
                app.monitors.clone(),
                app.dialer.clone(),
                witnesses,
                stopping.clone(),
            )),
            tokio::spawn(monitor::write(
                app.monitors.clone(),
                app.checks.clone(),
                stopping.clone(),
            )),
            tokio::spawn(judging::run(app.clone(), stopping.clone())),
            tokio::spawn(delivery::run(app.clone(), stopping.clone())),
            tokio::spawn(mailing::run(app.clone(), stopping.clone())),
        ];
        if let Some(tls) = &tls {
            others.push(tokio::spawn(tls::keep(tls.clone(), app.clone(), stopping.clone())));
        }
        let mut connections = Vec::new();
        let mut serve = |listener, router, tls| {
            let listener = tokio::net::TcpListener::from_std(listener)
                .context("the listening socket cannot be used")?;
            let port = connections::Port { listener, router, tls };
            connections.push(tokio::spawn(connections::serve(
                app.clone(),
                port,
                room.clone(),
                stopping.clone(),
            )));
            anyhow::Ok(())
        };
        let port = addresses.first().map_or(0, SocketAddr::port);
        let router = router::router(&app);
        for listener in listeners {
            serve(listener, router.clone(), tls.clone())?;
        }
        for listener in redirecting {
            serve(listener, router::to_https(&app, port), None)?;
        }
        Ok(RunningServer { app, addresses, redirects_from, tls, stop, connections, others })
    }

    /// Reads the certificate and the file of monitors again. An unreadable one changes nothing.
    pub async fn reload(&self) {
        if let Some(tls) = &self.tls {
            tls.reload();
        }
        if self.app.settings.monitors.is_none() {
            tracing::info!("SIGHUP reads the file of the setting `monitors` again; there is none");
            return;
        }
        match read_monitors(&self.app) {
            Err(problem) => tracing::error!(%problem, "the monitors stay as they are"),
            Ok(entries) => match monitor_file::apply(&self.app, entries).await {
                Ok(applied) => tracing::info!(?applied, "the file of monitors was read again"),
                Err(problem) => {
                    tracing::error!(%problem, "the monitors of the file cannot be kept")
                }
            },
        }
    }

    /// Ends running calls, within the limit `drain_seconds`, and closes the data folder.
    pub async fn stop(self) -> anyhow::Result<()> {
        let _ = self.stop.send(true);
        // Followers of hits would stay for ever.
        self.app.store.end_watching();
        let seconds = self.app.settings.limits.get("drain_seconds");
        for serving in self.connections.into_iter().chain(self.others) {
            // Each ends by itself within the time for draining, plus a little for cleaning up.
            let _ = tokio::time::timeout(Duration::from_secs(seconds + 5), serving).await;
        }
        self.app.close().await
    }
}

/// None if there is no such file.
fn read_monitors(app: &App) -> Result<Option<Vec<Entry>>, MonitorFileError> {
    let file = app.settings.monitors.as_deref();
    file.map(|file| monitor_file::read(file, app.dialer.allowed())).transpose()
}
