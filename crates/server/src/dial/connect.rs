//! A connection to an allowed address: names are resolved, addresses judged, and tried one after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use analytics::check::{Failure, Phase};
use analytics::{address, limits};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Host;

use super::{Dialer, Family, Trace};

pub async fn connect(
    dialer: &Dialer,
    host: &Host<String>,
    port: u16,
    family: Family,
    trace: &mut Trace,
) -> Result<TcpStream, Failure> {
    let found = dialer.inner.names.lookup(host, family).await?;
    // Before anything is sent, so that a refusal takes equally long whatever is there.
    let mut allowed: Vec<SocketAddr> = found
        .into_iter()
        .filter(|address| address::judge(*address, &dialer.inner.allowed).is_ok())
        .map(|address| SocketAddr::new(address, port))
        .collect();
    allowed.truncate(limits::DIALED_ADDRESSES as usize);
    if allowed.is_empty() {
        return Err(Failure::RefusedAddress);
    }
    trace.enter(Phase::Connect);
    let (stream, address) = connect_first(allowed).await?;
    trace.address = Some(address);
    Ok(stream)
}

/// The first address that answers, as in RFC 8305: each is tried when the previous one failed, or has not answered for
/// a while. The others are dropped.
async fn connect_first(addresses: Vec<SocketAddr>) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut rest = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(address) = rest.next() {
            tries.spawn(async move { (TcpStream::connect(address).await, address) });
        }
        let ended = match rest.len() {
            0 => tries.join_next().await,
            _ => {
                let stagger = Duration::from_millis(limits::DIAL_STAGGER_MS);
                match tokio::time::timeout(stagger, tries.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            }
        };
        match ended {
            Some(Ok((Ok(stream), address))) => {
                let _ = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Some(Ok((Err(problem), _))) => {
                let problem = classify(&problem);
                // An unreachable address says less than one that answered.
                if failed.is_none_or(|failed| failed == Failure::Unreachable) {
                    failed = Some(problem);
                }
            }
            Some(Err(_)) => {}
            None => return Err(failed.unwrap_or(Failure::Unreachable)),
        }
    }
}

fn classify(problem: &io::Error) -> Failure {
    if let Some(ours) = of_this_machine(problem) {
        return ours;
    }
    match problem.kind() {
        io::ErrorKind::ConnectionRefused => Failure::ConnectionRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Failure::ClosedEarly,
        io::ErrorKind::TimedOut => Failure::TimedOut(Phase::Connect),
        _ => Failure::Unreachable,
    }
}

/// Failures of this machine: out of files, memory or ports.
pub fn of_this_machine(problem: &io::Error) -> Option<Failure> {
    use nix::errno::Errno;
    let errno = Errno::from_raw(problem.raw_os_error()?);
    let is_ours = matches!(
        errno,
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS | Errno::EADDRNOTAVAIL
    );
    is_ours.then_some(Failure::Ours)
}
