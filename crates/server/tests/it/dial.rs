//! Outbound calls, against real sockets on loopback: which are refused, how the others fail, and the details noted.
//!
//! 127.0.0.2 stands for the outside world (it is allowed), 127.0.0.1 for addresses that must not be reached.

pub mod certificates;
mod failures;
mod name_servers;
pub mod servers;
mod tricks;

use std::net::SocketAddr;
use std::time::Duration;

use analytics::check::Failure;
use analytics::target;
use server::clock::Clock;
use server::dial::{Answer, Call, DialOptions, Dialer, FetchRequest};

use servers::{Lookup, NameServer};

/// Long enough for a slow machine; tests of timeouts have their own.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// May only call 127.0.0.2.
pub fn dialer(names: &NameServer) -> Dialer {
    dialer_that_trusts(names, Vec::new())
}

pub fn dialer_that_trusts(
    names: &NameServer,
    authorities: Vec<rustls_pki_types::CertificateDer<'static>>,
) -> Dialer {
    let options = DialOptions {
        allowed: vec!["127.0.0.2/32".parse().unwrap()],
        name_servers: vec![names.address],
        authorities,
    };
    Dialer::new(options, Clock::from_fn(|| crate::app::NOW))
}

/// `outside.test` resolves to 127.0.0.2, `inside.test` to 127.0.0.1; there is no other name.
pub async fn two_names() -> NameServer {
    NameServer::start(|name, _| match name {
        "outside.test." => Lookup::addresses(&["127.0.0.2"]),
        "inside.test." => Lookup::addresses(&["127.0.0.1"]),
        _ => Lookup::NoName,
    })
    .await
}

pub fn request(url: &str) -> FetchRequest {
    FetchRequest::get(target::parse_url(url).unwrap(), PATIENCE)
}

/// A GET of `/` at this address.
pub async fn get(dialer: &Dialer, address: SocketAddr) -> Call<Answer> {
    dialer.fetch(&request(&format!("http://{address}/"))).await
}

#[track_caller]
pub fn assert_fails<T: std::fmt::Debug>(call: &Call<T>, expected: Failure) {
    assert_eq!(call.result.as_ref().err(), Some(&expected), "{call:?}");
}
