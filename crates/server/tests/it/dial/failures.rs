//! Hosts that fail, each in its own way: every failure is distinguished, in bounded time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use analytics::check::{Failure, Phase};
use analytics::limits;
use axum::http::{HeaderValue, Method, header};
use tokio::io::AsyncWriteExt;

use super::servers::{Lookup, NameServer, TcpServer, ok, read_head, redirect_to};
use super::{assert_fails, dialer, get, request, two_names};

const SHORT: Duration = Duration::from_millis(1_500);

/// The failure of a GET with a short deadline, which it must not exceed.
async fn fails_in_time(url: &str, names: &NameServer) -> Failure {
    let mut request = request(url);
    request.timeout = SHORT;
    let began = Instant::now();
    let call = dialer(names).fetch(&request).await;
    assert!(began.elapsed() < SHORT * 5, "{:?}: {call:?}", began.elapsed());
    call.result.unwrap_err()
}

#[tokio::test]
async fn a_hang_is_told_by_its_phase() {
    let names = NameServer::start(|_, _| Lookup::Silent).await;
    let url = "http://silent.test/";
    assert_eq!(fails_in_time(url, &names).await, Failure::TimedOut(Phase::Dns));

    // A full queue of connections that nobody accepts.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.2:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        waiting.spawn(tokio::net::TcpStream::connect(address));
    }
    let _accepted = waiting.join_next().await;
    let url = format!("http://{address}/");
    assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(Phase::Connect));

    let silent = TcpServer::start("127.0.0.2:0", |_stream| async move {
        // The stream must live as long as this.
        let _stream = _stream;
        std::future::pending().await
    })
    .await;
    let url = format!("https://{}/", silent.address);
    assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(Phase::Tls));
    let url = format!("http://{}/", silent.address);
    assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(Phase::FirstByte));

    let half = TcpServer::start("127.0.0.2:0", |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        std::future::pending().await
    })
    .await;
    let url = format!("http://{}/", half.address);
    assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(Phase::Body));
}

#[tokio::test]
async fn dripping_bytes_do_not_extend_the_deadline() {
    let names = two_names().await;
    for (text, phase) in [
        ("HTTP/1.1 200 OK\r\nx-long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Phase::FirstByte),
        ("", Phase::Body),
    ] {
        let dripping = TcpServer::start("127.0.0.2:0", move |mut stream| async move {
            read_head(&mut stream).await;
            if text.is_empty() {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
                stream.write_all(head).await.unwrap();
            }
            for byte in text.bytes().chain(std::iter::repeat(b'a')) {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        })
        .await;
        let url = format!("http://{}/", dripping.address);
        assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(phase));
    }
}

#[tokio::test]
async fn the_deadline_is_one_for_all_redirects() {
    let names = two_names().await;
    let slow = TcpServer::start("127.0.0.2:0", |mut stream| async move {
        read_head(&mut stream).await;
        tokio::time::sleep(SHORT / 2).await;
        let _ = stream.write_all(redirect_to("/").as_bytes()).await;
    })
    .await;
    let url = format!("http://{}/", slow.address);
    assert_eq!(fails_in_time(&url, &names).await, Failure::TimedOut(Phase::FirstByte));
    assert!(slow.connections() >= 2);
}

#[tokio::test]
async fn names_that_do_not_exist_and_name_servers_that_fail_are_told_apart() {
    let names = NameServer::start(|name, _| match name {
        "broken.test." => Lookup::Broken,
        "empty.test." => Lookup::Addresses(Vec::new()),
        _ => Lookup::NoName,
    })
    .await;
    let dialer = dialer(&names);
    for (name, expected) in [
        ("missing.test", Failure::NameNotFound),
        ("empty.test", Failure::NameNotFound),
        ("broken.test", Failure::ResolverFailed),
    ] {
        let call = dialer.fetch(&request(&format!("http://{name}/"))).await;
        assert_fails(&call, expected);
        assert!(call.phases.get(Phase::Dns).is_some() && call.phases.get(Phase::Connect).is_none());
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_refuses() {
    let names = two_names().await;
    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let call = get(&dialer(&names), address).await;
    assert_fails(&call, Failure::ConnectionRefused);
}

/// The bytes sent in response to a GET, and the expected outcome: a body or a failure.
async fn check(answer: &'static str, expected: Result<&str, Failure>) {
    let names = two_names().await;
    let server = TcpServer::http("127.0.0.2:0", move |_| answer.to_owned()).await;
    let call = get(&dialer(&names), server.address).await;
    let body = call.result.map(|answer| String::from_utf8(answer.body.to_vec()).unwrap());
    assert_eq!(body, expected.map(str::to_owned), "{answer:?}");
}

#[tokio::test]
async fn lengths_that_lie_and_answers_that_are_none() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", Ok("hello")).await;
    check("HTTP/1.1 200 OK\r\n\r\nup to the end", Ok("up to the end")).await;
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Ok("hello"),
    )
    .await;
    check("HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n", Ok("")).await;
    // Fewer bytes than announced, and more.
    check("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", Err(Failure::ClosedEarly)).await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello", Ok("he")).await;
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nhello",
        Err(Failure::ClosedEarly),
    )
    .await;
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello",
        Err(Failure::Protocol),
    )
    .await;
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        Err(Failure::Protocol),
    )
    .await;
    check("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello", Err(Failure::Protocol)).await;
    check("SSH-2.0-OpenSSH_9.9\r\n", Err(Failure::Protocol)).await;
    check("HTTP/1.1 20", Err(Failure::ClosedEarly)).await;
    check("", Err(Failure::ClosedEarly)).await;
}

#[tokio::test]
async fn ten_gigabytes_are_not_read() {
    let names = two_names().await;
    for head in ["content-length: 10737418240", "transfer-encoding: chunked", "x-endless: yes"] {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let server = TcpServer::start("127.0.0.2:0", move |mut stream| {
            let counted = counted.clone();
            async move {
                read_head(&mut stream).await;
                let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let chunk = [b"10000\r\n".to_vec(), vec![b'a'; 65_536], b"\r\n".to_vec()].concat();
                while stream.write_all(&chunk).await.is_ok() {
                    counted.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                }
            }
        })
        .await;
        let call = get(&dialer(&names), server.address).await;
        assert_fails(&call, Failure::BodyTooLarge);
        // The kernel's buffers take some more.
        let sent = sent.load(Ordering::SeqCst);
        assert!(sent < 20 * limits::FETCHED_BODY_BYTES, "{head}: {sent} bytes");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let names = two_names().await;
    let line = format!("x-{}: {}\r\n", "n".repeat(20), "v".repeat(200));
    let long = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(5_000))
    })
    .await;
    assert_fails(&get(&dialer(&names), long.address).await, Failure::HeadTooLarge);
    let many = TcpServer::http("127.0.0.2:0", |_| {
        format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "a: b\r\n".repeat(limits::FETCHED_HEADERS as usize + 1)
        )
    })
    .await;
    assert_fails(&get(&dialer(&names), many.address).await, Failure::HeadTooLarge);
}

#[tokio::test]
async fn the_length_of_a_body_that_does_not_come_is_no_failure() {
    let names = two_names().await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n";
    let server = TcpServer::http("127.0.0.2:0", move |_| answer.to_owned()).await;
    let mut request = request(&format!("http://{}/", server.address));
    request.method = Method::HEAD;
    assert_eq!(dialer(&names).fetch(&request).await.result.unwrap().status, 200);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let names = two_names().await;
    let circle = TcpServer::http("127.0.0.2:0", |_| redirect_to("/again")).await;
    let call = get(&dialer(&names), circle.address).await;
    assert_fails(&call, Failure::TooManyRedirects);
    assert_eq!((u64::from(call.redirects), circle.connections()), (limits::REDIRECTS, 6));
    let mut request = request(&format!("http://{}/", circle.address));
    request.follow_redirects = false;
    let answer = dialer(&names).fetch(&request).await.result.unwrap();
    assert_eq!((answer.status.as_u16(), circle.connections()), (302, 7));
}

#[tokio::test]
async fn another_origin_is_not_told_what_the_first_was_told() {
    let names = two_names().await;
    let other = TcpServer::http("127.0.0.2:0", |_| ok("")).await;
    let location = format!("http://{}/landed", other.address);
    let first = TcpServer::http("127.0.0.2:0", move |head| match head.contains("/start") {
        true => redirect_to("/here"),
        false => redirect_to(&location),
    })
    .await;
    let mut request = request(&format!("http://{}/start", first.address));
    request.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    request.headers.insert("x-own", HeaderValue::from_static("secret"));
    assert_eq!(dialer(&names).fetch(&request).await.result.unwrap().status, 200);
    let told = |server: &TcpServer| server.heads.lock().unwrap().clone();
    assert!(
        told(&first).iter().all(|head| head.matches("secret").count() == 2),
        "{:?}",
        told(&first)
    );
    assert!(told(&other)[0].starts_with("GET /landed") && !told(&other)[0].contains("secret"));
    // A body with a secret is not sent elsewhere either.
    let location = format!("http://{}/", other.address);
    let moved = TcpServer::http("127.0.0.2:0", move |_| {
        redirect_to(&location).replace("302 Found", "307 Temporary Redirect")
    })
    .await;
    request.url = format!("http://{}/", moved.address).parse().unwrap();
    request.method = Method::POST;
    request.body = "secret".into();
    assert_fails(&dialer(&names).fetch(&request).await, Failure::BadRedirect);
    assert_eq!(other.connections(), 1);
}

#[tokio::test]
async fn a_request_says_who_sends_it_and_asks_for_no_compression() {
    let names = two_names().await;
    let server = TcpServer::http("127.0.0.2:0", |_| ok("")).await;
    let port = server.address.port();
    let mut request = request(&format!("http://outside.test:{port}/a%20b?c=d&e#f"));
    request.headers.insert(header::USER_AGENT, HeaderValue::from_static("mine"));
    request.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let call = dialer(&names).fetch(&request).await;
    let head = server.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /a%20b?c=d&e HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: outside.test:{port}\r\n")), "{head}");
    assert!(
        head.contains("user-agent: mine\r\n") && head.contains("accept-encoding: identity\r\n")
    );
    assert!(head.contains("connection: close\r\n"), "{head}");
    for phase in [Phase::Dns, Phase::Connect, Phase::FirstByte, Phase::Body] {
        assert!(call.phases.get(phase).is_some(), "{phase:?}: {call:?}");
    }
    assert_eq!(call.phases.get(Phase::Tls), None);
}
