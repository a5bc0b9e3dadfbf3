//! Connections to a host of ClickHouse. One that takes no packets, because it has no power or no network, is noticed
//! after seconds: a caller waits for the next host, or for an error, and not for the time limit of a query.

use std::time::Duration;

use analytics::limits;
use clickhouse::Client;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;

/// Connects to nothing yet.
pub fn client(url: &str) -> Client {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(Duration::from_secs(limits::CLICKHOUSE_CONNECT_SECONDS)));
    let probe = Duration::from_secs(limits::CLICKHOUSE_PROBE_SECONDS);
    connector.set_keepalive(Some(probe));
    connector.set_keepalive_interval(Some(probe));
    let unacknowledged = Duration::from_secs(limits::CLICKHOUSE_UNACKNOWLEDGED_SECONDS);
    connector.set_keepalive_retries(Some((unacknowledged.as_secs() / probe.as_secs()) as u32));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(unacknowledged));
    let client = match url.starts_with("https:") {
        false => over(connector),
        true => match HttpsConnectorBuilder::new().with_native_roots() {
            Ok(builder) => {
                connector.enforce_http(false);
                over(builder.https_only().enable_http1().wrap_connector(connector))
            }
            Err(problem) => {
                tracing::error!(%problem, "no certificate authority is known, so no https address can be called; install ca-certificates");
                over(connector)
            }
        },
    };
    client.with_url(url)
}

fn over<C>(connector: C) -> Client
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let idle = Duration::from_secs(limits::CLICKHOUSE_IDLE_SECONDS);
    let client = HttpClient::builder(TokioExecutor::new()).pool_idle_timeout(idle).build(connector);
    Client::with_http_client(client)
}
