//! The socket in the data folder through which `api-analytics project list` and other commands talk to the running
//! server.
//!
//! Plain HTTP with JSON, for the operator only: the socket's file is private, and other users are refused. If no server
//! runs, the same routes answer inside the process, see `cli`.

mod routes;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tower::Service;

use crate::app::SharedApp;

pub use routes::{AddKey, BackupLine, CreateProject, KeyAnswer, ProjectAnswer, router};

/// The socket's name in the data folder.
const FILE: &str = "control.sock";

/// A socket's path may have 107 bytes.
const LONGEST: usize = 107;

/// Opens the socket. This process holds the data folder, so an existing socket is stale.
pub fn listen(app: &SharedApp) -> std::io::Result<UnixListener> {
    let path = app.settings.data.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let reach = Reach::new(&path)?;
    let listener = UnixListener::bind(&reach.path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// None if no server listens.
pub async fn connect(data: &Path) -> std::io::Result<Option<UnixStream>> {
    let path = data.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    match UnixStream::connect(&Reach::new(&path)?.path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(None),
        Err(error) => Err(error),
    }
}

/// Answers until `stopping`.
pub async fn serve(app: SharedApp, listener: UnixListener, mut stopping: watch::Receiver<bool>) {
    let router = router(app.clone());
    let owner = std::fs::metadata(&app.settings.data).map(|data| data.uid()).ok();
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        // The file's mode ensures the same, but not in the moment before it is set.
        let caller = stream.peer_cred().map(|caller| caller.uid()).ok();
        if caller != Some(0) && caller != owner {
            tracing::warn!("a call to the control socket by another user was refused");
            continue;
        }
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut router = router.clone();
            async move { router.call(request.map(Body::new)).await }
        });
        let connection =
            graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
    graceful.shutdown().await;
    let _ = std::fs::remove_file(app.settings.data.join(FILE));
}

/// A path to the socket that is short enough.
struct Reach {
    path: PathBuf,
    /// Keeps `path` valid.
    _folder: Option<std::fs::File>,
}

impl Reach {
    fn new(path: &Path) -> std::io::Result<Reach> {
        use std::os::fd::AsRawFd;
        if path.as_os_str().len() <= LONGEST {
            return Ok(Reach { path: path.to_owned(), _folder: None });
        }
        let folder = std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{FILE}", folder.as_raw_fd()));
        Ok(Reach { path, _folder: Some(folder) })
    }
}
