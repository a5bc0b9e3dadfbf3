//! Monitors: how late checks begin and their cost, with 5,000 of them every 20 seconds, half of them over TLS, each
//! with a name to resolve and a connection of its own. The checked hosts, and their name server, are in this process
//! and share the processors with the server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use crate::client::Client;
use crate::server::{Server, own_cpu};
use crate::{Options, Table};

const MONITORS: usize = 5_000;
const PROJECTS: usize = 50;
const INTERVAL_S: u64 = 20;
/// How many times the interval is measured.
const INTERVALS: u64 = 3;

pub fn run(options: &Options, table: &mut Table) {
    let folder = options.folder.join("checks");
    std::fs::create_dir_all(&folder).expect("a folder to work in");
    let authority = folder.join("authority.pem");
    let targets = Targets::start(&authority);
    let name_server = targets.names.to_string();
    let server = Server::start(
        &options.binary,
        &folder.join("data"),
        &[
            "--allow-networks",
            "127.0.0.2/32",
            "--name-servers",
            &name_server,
            "--trusted-certificates",
            authority.to_str().expect("a path in UTF-8"),
            "--project-creations-per-hour",
            "1000",
        ],
    );
    let (before, _) = server.memory();
    make_monitors(&server, &targets);
    // Until each has been checked, and the cost of creating them is over.
    std::thread::sleep(Duration::from_secs(INTERVAL_S + 5));
    let first = Sample::take(&server);
    let began = std::time::Instant::now();
    std::thread::sleep(Duration::from_secs(INTERVAL_S * INTERVALS));
    let seconds = began.elapsed().as_secs_f64();
    let last = Sample::take(&server);
    let (after, _) = server.memory();
    let name = |what: &str| format!("{MONITORS} checks every {INTERVAL_S} s, half https: {what}");
    let checks = last.checks - first.checks;
    table.add(name("checks a second"), checks / seconds, "/s", "250");
    table.add(name("up"), 100.0 * (last.up - first.up) / checks, "%", "100");
    table.add(name("slots missed"), last.missed - first.missed, "slots", "0");
    table.add(name("lateness p99, at most"), last.lateness_ms(&first, 0.99), "ms", "<= 100");
    table.add(
        name("CPU of the server"),
        100.0 * (last.cpu - first.cpu) / seconds,
        "% of a core",
        "<= 50",
    );
    table.add(
        name("CPU of the hosts checked"),
        100.0 * (last.own - first.own) / seconds,
        "% of a core",
        "",
    );
    table.add(name("memory more than without"), after - before, "MB", "<= 60");
    server.stop();
}

/// Counters at one moment.
struct Sample {
    checks: f64,
    up: f64,
    missed: f64,
    cpu: f64,
    own: f64,
    /// Upper bounds in seconds, and the number of checks up to each.
    buckets: Vec<(f64, f64)>,
}

impl Sample {
    fn take(server: &Server) -> Sample {
        let mut client = Client::connect(&server.address).expect("it answers");
        let (_, text) = client.get("/metrics", "").expect("it answers");
        let text = String::from_utf8_lossy(&text).into_owned();
        let prefix = "api_analytics_check_lateness_seconds_bucket{le=\"";
        let buckets = text.lines().filter_map(|line| {
            let (bound, count) = line.strip_prefix(prefix)?.split_once("\"} ")?;
            Some((bound.parse().unwrap_or(f64::INFINITY), count.parse().ok()?))
        });
        let up = text.lines().find_map(|line| {
            line.strip_prefix("api_analytics_checks_total{outcome=\"up\"} ")?.parse().ok()
        });
        Sample {
            checks: server.metric("api_analytics_checks_total"),
            up: up.unwrap_or(0.0),
            missed: server.metric("api_analytics_checks_missed_total"),
            cpu: server.cpu().iter().map(|(_, seconds)| seconds).sum(),
            own: own_cpu(),
            buckets: buckets.collect(),
        }
    }

    /// The bound of the bucket with this quantile of the counts since `first`.
    fn lateness_ms(&self, first: &Sample, quantile: f64) -> f64 {
        let counts = self.buckets.iter().zip(&first.buckets);
        let since: Vec<(f64, f64)> =
            counts.map(|((bound, last), (_, first))| (*bound, last - first)).collect();
        let all = since.last().map_or(0.0, |(_, count)| *count);
        let bucket = since.iter().find(|(_, count)| *count >= all * quantile);
        bucket.map_or(f64::INFINITY, |(bound, _)| bound * 1_000.0)
    }
}

fn make_monitors(server: &Server, targets: &Targets) {
    let mut client = Client::connect(&server.address).expect("it answers");
    for _ in 0..PROJECTS {
        let key = server.new_key();
        for number in 0..MONITORS / PROJECTS {
            let url = match number % 2 {
                0 => format!("http://checked.test:{}/", targets.http.port()),
                _ => format!("https://checked.test:{}/", targets.https.port()),
            };
            let body = serde_json::json!({
                "kind": "http", "url": url, "interval_s": INTERVAL_S, "timeout_ms": 10_000, "body_contains": "well",
            });
            let made = client.send("POST", "/api/v1/monitors", &key, body.to_string().as_bytes());
            let (status, answer) = made.expect("it answers");
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        }
    }
}

/// The checked hosts.
struct Targets {
    http: SocketAddr,
    https: SocketAddr,
    names: SocketAddr,
    /// Stops them on drop.
    _runtime: tokio::runtime::Runtime,
}

impl Targets {
    /// Writes the certificate of their authority to `authority`.
    fn start(authority: &Path) -> Targets {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let tls = TlsAcceptor::from(Arc::new(tls_config(authority.to_path_buf())));
        let (http, https, names) = runtime.block_on(async {
            let plain = TcpListener::bind("127.0.0.2:0").await.expect("a free port");
            let secure = TcpListener::bind("127.0.0.2:0").await.expect("a free port");
            let names = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            let address = |listener: &TcpListener| listener.local_addr().expect("an address");
            let addresses =
                (address(&plain), address(&secure), names.local_addr().expect("an address"));
            tokio::spawn(async move {
                while let Ok((stream, _)) = plain.accept().await {
                    tokio::spawn(answer(stream));
                }
            });
            tokio::spawn(async move {
                while let Ok((stream, _)) = secure.accept().await {
                    let tls = tls.clone();
                    tokio::spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream).await;
                        }
                    });
                }
            });
            tokio::spawn(resolve(names));
            addresses
        });
        Targets { http, https, names, _runtime: runtime }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut head = [0; 2_048];
    let _ = stream.read(&mut head).await;
    let text = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\nall is well";
    let _ = stream.write_all(text).await;
    let _ = stream.shutdown().await;
}

/// Resolves every name to 127.0.0.2, and has no other records.
async fn resolve(socket: UdpSocket) {
    let mut query = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut query).await {
        let labels = query[12..length].iter().position(|byte| *byte == 0);
        let Some(end) = labels.map(|labels| 12 + labels + 5).filter(|end| *end <= length) else {
            continue;
        };
        let wants_v4 = query[end - 4..end - 2] == [0, 1];
        let mut said = query[..2].to_vec();
        // An answer without an error, one question, and the record if there is one.
        said.extend([0x81, 0x80, 0, 1, 0, u8::from(wants_v4), 0, 0, 0, 0]);
        said.extend(&query[12..end]);
        if wants_v4 {
            said.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 2]);
        }
        let _ = socket.send_to(&said, from).await;
    }
}

fn tls_config(authority: PathBuf) -> ServerConfig {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let root = params.self_signed(&key).expect("a certificate");
    std::fs::write(authority, root.pem()).expect("the certificate can be written");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["checked.test".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate").der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .expect("its own certificate")
}
