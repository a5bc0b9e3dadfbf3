//! The only way out: every call to an address of somebody else's choosing goes through a `Dialer`.
//!
//! A name is resolved, each of its addresses is judged (`analytics::address`), and the connection is made to an address
//! that passed, not to the name, so that nothing can change in between; the same for each redirect and each later call.
//! Nothing is kept between two calls: no connection, no TLS session, no answer of a name server, no cookie. Proxies in
//! the environment are ignored. One deadline covers a whole call, however slowly bytes drip.
//!
//! Not here: the meaning of a response (`analytics::monitor`), and the time of calls.

mod connect;
mod fetch;
mod resolve;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use analytics::certificate::PresentedCertificate;
use analytics::check::{Failure, Phase, Phases};
use analytics::target::HostPort;
use ipnet::IpNet;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use url::Host;

use crate::clock::Clock;

pub use fetch::{Answer, FetchRequest};
pub use resolve::Family;

/// Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    inner: Arc<Inner>,
}

struct Inner {
    allowed: Vec<IpNet>,
    names: resolve::Names,
    /// Authorities trusted besides the system's.
    authorities: Vec<CertificateDer<'static>>,
    clock: Clock,
    /// Built on first use: reading the system's certificates takes milliseconds and a megabyte.
    tls: OnceLock<tls::Tls>,
}

/// The operator's settings for outbound calls.
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// Networks that may be called although they are not public.
    pub allowed: Vec<IpNet>,
    /// Empty: the system's, from `/etc/resolv.conf`.
    pub name_servers: Vec<SocketAddr>,
    /// Certificate authorities that are trusted besides the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// The outcome of a call, successful or not.
#[derive(Debug)]
pub struct Call<T> {
    pub result: Result<T, Failure>,
    pub phases: Phases,
    /// The address of the last connection.
    pub address: Option<SocketAddr>,
    /// From the last connection that got that far.
    pub certificate: Option<PresentedCertificate>,
    pub redirects: u32,
}

impl Dialer {
    pub fn new(options: DialOptions, clock: Clock) -> Dialer {
        let DialOptions { allowed, name_servers, authorities } = options;
        let names = resolve::Names::new(&name_servers);
        let inner = Inner { allowed, names, authorities, clock, tls: OnceLock::new() };
        Dialer { inner: Arc::new(inner) }
    }

    /// Networks that may be called although they are not public.
    pub fn allowed(&self) -> &[IpNet] {
        &self.inner.allowed
    }

    /// Sends a request and reads the response, following redirects if requested.
    pub async fn fetch(&self, request: &FetchRequest) -> Call<Answer> {
        let mut trace = Trace::new();
        let sent = fetch::follow(self, request, &mut trace);
        let result = within(request.timeout, sent).await;
        trace.into_call(result)
    }

    /// Connects to a host without HTTP. The name is resolved and judged as for a request.
    pub async fn connect(
        &self,
        target: &HostPort,
        family: Family,
        timeout: Duration,
    ) -> Call<TcpStream> {
        let mut trace = Trace::new();
        let connecting = connect::connect(self, &target.host, target.port, family, &mut trace);
        let result = within(timeout, connecting).await;
        trace.into_call(result)
    }

    /// Whether name servers answer at all, after they failed for this host.
    pub async fn name_servers_answer(&self, host: &Host<String>) -> bool {
        self.inner.names.answer_others(host).await
    }

    fn tls(&self) -> &tls::Tls {
        let inner = &self.inner;
        inner.tls.get_or_init(|| tls::Tls::new(&inner.authorities, inner.clock.clone()))
    }
}

/// None: the time is up.
async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, Failure>>,
) -> Option<Result<T, Failure>> {
    tokio::time::timeout(timeout, call).await.ok()
}

/// The certificates in a PEM file; at least one.
pub fn read_authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    use rustls_pki_types::pem::PemObject;
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match read {
        Ok(authorities) if !authorities.is_empty() => Ok(authorities),
        Ok(_) => Err(format!("{} has no certificate in it", file.display())),
        Err(problem) => Err(format!("{}: {problem}", file.display())),
    }
}

/// The progress and findings of a call, available even if it is cut off.
struct Trace {
    phase: Phase,
    since: Instant,
    phases: Phases,
    address: Option<SocketAddr>,
    certificate: Option<PresentedCertificate>,
    redirects: u32,
}

impl Trace {
    fn new() -> Trace {
        Trace {
            phase: Phase::Dns,
            since: Instant::now(),
            phases: Phases::default(),
            address: None,
            certificate: None,
            redirects: 0,
        }
    }

    /// Ends the current phase and begins this one.
    fn enter(&mut self, phase: Phase) {
        self.phases.add(self.phase, self.since.elapsed());
        self.phase = phase;
        self.since = Instant::now();
    }

    fn into_call<T>(mut self, result: Option<Result<T, Failure>>) -> Call<T> {
        self.phases.add(self.phase, self.since.elapsed());
        Call {
            result: result.unwrap_or(Err(Failure::TimedOut(self.phase))),
            phases: self.phases,
            address: self.address,
            certificate: self.certificate,
            redirects: self.redirects,
        }
    }
}
