//! Start and stop: nobody is refused meanwhile.

use std::time::Duration;

use serde_json::json;
use server::clock::Clock;
use server::serve::{RunningServer, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::{TestApp, hit};

/// Killed however a test ends.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_before_the_server_is_ready_waits_and_is_answered() {
    let app = TestApp::start().await;
    let mut settings = app.settings();
    settings.data = app.folder.path().join("another");
    let listeners = bind(&settings.listen).unwrap();
    let address = listeners[0].local_addr().unwrap();
    // Bound, not yet open: the call is sent and waits.
    let mut early = tokio::net::TcpStream::connect(address).await.unwrap();
    early
        .write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let running = RunningServer::start(settings, Clock::system(), listeners).await.unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_folder_is_refused_with_a_clear_message() {
    let app = TestApp::start().await;
    let settings = app.settings();
    let listeners = bind(&settings.listen).unwrap();
    let Err(error) = RunningServer::start(settings, Clock::system(), listeners).await else {
        panic!("it started")
    };
    let message = format!("{error:#}");
    assert!(
        message.contains("another server holds the data folder") && message.contains("--data"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_ends_before_the_server_does() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let body = json!({ "requests": [hit("/a", json!({}))] }).to_string();
    let mut stream = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {}\r\ncontent-length: {}\r\n\r\n",
        project.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..10]).await.unwrap();
    while app.shared().metrics.bytes_in_flight.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let running = app.running.take().unwrap();
    let stopping = tokio::spawn(running.stop());
    // The port is closed once the server stops taking connections.
    while tokio::net::TcpStream::connect(app.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stream.write_all(&body.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("\"accepted\":1"), "{answer}");
    stopping.await.unwrap().unwrap();
    app.launch_again().await;
    assert_eq!(app.get_as(&project.key, "/api/data").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_ends_its_call_does_not_keep_the_server() {
    let mut app = TestApp::with(&[("drain_seconds", "1")]).await;
    let project = app.project().await;
    let mut stuck = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {}\r\ncontent-length: 100\r\n\r\n",
        project.key
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), app.stop()).await.expect("it stops in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_waits_for_calls_and_not_for_idle_ones() {
    let app = TestApp::with(&[("connections", "1")]).await;
    let project = app.project().await;
    let mut first = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let post = format!(
        "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {}\r\ncontent-length: 15\r\n\r\n{{",
        project.key
    );
    first.write_all(post.as_bytes()).await.unwrap();
    // The rest of its body comes later: the call is in progress.
    while app.shared().metrics.bytes_in_flight.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let mut start = [0; 12];
    let mut second = tokio::net::TcpStream::connect(app.address).await.unwrap();
    second.write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let waits =
        tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut start)).await;
    assert!(waits.is_err());
    first.write_all(b"\"requests\":[]}").await.unwrap();
    first.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    // The first is kept alive and idle now, so it makes room.
    second.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
}

/// Passes a bound socket to the program as systemd does. A process can only do that to itself, so it is done in Python.
const HAND_OVER: &str = "
import os, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen(128)
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_socket_that_is_handed_over_is_served_and_sigterm_ends_the_process_well() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let server = Command::new("python3")
        .args(["-c", HAND_OVER, env!("CARGO_BIN_EXE_api-analytics"), "serve", "--data"])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut server = Process(server);
    let mut said = BufReader::new(server.0.stdout.take().unwrap());
    let mut port = String::new();
    said.read_line(&mut port).unwrap();
    let mut client = std::net::TcpStream::connect(format!("127.0.0.1:{}", port.trim())).unwrap();
    client.write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains(&format!("http://127.0.0.1:{}", port.trim())), "{line}");
    assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
}

#[test]
fn the_log_holds_no_secret_even_where_it_tells_everything() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = Command::new(env!("CARGO_BIN_EXE_api-analytics"))
        .args([
            "serve",
            "--log",
            "trace",
            "--listen",
            "127.0.0.1:0",
            "--get-delete",
            "on",
            "--data",
        ])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut server = Process(server);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().trim().trim_end_matches('/').to_owned();
    let call = |method: &str, path: &str, key: &str, body: &str| {
        let mut client = std::net::TcpStream::connect(&address).unwrap();
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nx-auth-token: {key}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        client.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer:?}");
        answer.rsplit("\r\n\r\n").next().unwrap().trim_matches('"').to_owned()
    };
    let key = call("GET", "/api/generate", "", "");
    let id = call("GET", &format!("/api/user-id/{key}"), "", "");
    let hit = r#"{"requests":[{"path":"/p","method":"GET","status":200,"ip_address":"203.0.113.77","user_id":"needle-user"}]}"#;
    call("POST", "/api/requests", &key, hit);
    call("GET", &format!("/api/requests/{id}"), "", "");
    call("GET", "/api/data?ip=203.0.113.77", &key, "");
    call("GET", "/api/v1/hits?q=user:needle-user", &key, "");
    call("DELETE", "/api/v1/consumers/u:needle-user", &key, "");
    call("GET", &format!("/api/delete/{key}"), "", "");
    Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert!(server.0.wait().unwrap().success());
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("project created") && log.contains("DEBUG"), "{log}");
    for secret in [key.as_str(), &key[..13], id.as_str(), &id[..13], "203.0.113.77", "needle-user"]
    {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{found:?}");
    }
}
