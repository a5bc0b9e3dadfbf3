//! Ways to make a server call addresses that only it can reach. Each must end before anything is connected to.

use analytics::check::Failure;
use analytics::target;
use server::dial::Family;

use super::servers::{Lookup, NameServer, TcpServer, ok, redirect_to};
use super::{PATIENCE, assert_fails, dialer, get, request, two_names};

/// `{port}` is that of a server on 127.0.0.1 that must not be called.
const URLS: &[&str] = &[
    // Plain.
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.0.0.3:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.31.0.1:{port}/",
    "http://192.168.1.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://224.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://240.0.0.1:{port}/",
    "http://198.18.0.1:{port}/",
    "http://192.0.2.1:{port}/",
    // Other spellings of an IPv4 address.
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0X7F.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f.0.0x0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1.:{port}/",
    "http://0:{port}/",
    "http://0x0:{port}/",
    "http://127.0.0.0x1:{port}/",
    "http://00000177.0.0.1:{port}/",
    "http://4294967295:{port}/",
    "http://127.0.0.256:{port}/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/latest/meta-data/",
    "http://0251.0376.0251.0376/latest/meta-data/",
    // Encoded, and in characters that look the same.
    "http://%31%32%37.0.0.1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1:{port}/",
    "http://\u{2460}\u{2461}\u{2466}.0.0.1:{port}/",
    "http://127\u{3002}0\u{3002}0\u{3002}1:{port}/",
    "http://127\u{ff0e}0.0.1:{port}/",
    "http://\u{1d7cf}\u{1d7d0}\u{1d7d5}.0.0.1:{port}/",
    "http://127.0.0.1\u{ad}:{port}/",
    // IPv4 inside IPv6.
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::ffff:10.0.0.1]:{port}/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::10.0.0.1]:{port}/",
    "http://[64:ff9b:1::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:808:808::80ff:fffe]:{port}/",
    "http://[2606:4700::5efe:127.0.0.1]:{port}/",
    // IPv6 of this machine and its networks.
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000::0001]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fd12:3456:789a::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[2001:db8::1]:{port}/",
    "http://[100::1]:{port}/",
    // Addresses in which parsers disagree about the host.
    "http://outside.test@127.0.0.1:{port}/",
    "http://outside.test:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@outside.test/",
    "http://outside.test\\@127.0.0.1:{port}/",
    "http://outside.test#@127.0.0.1:{port}/../",
    "http://@127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    "http://127.0.0.1:{port}?outside.test",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: outside.test",
    "//127.0.0.1:{port}/",
    // Other schemes.
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "ftp://127.0.0.1:{port}/",
    "unix:/var/run/docker.sock",
    "jar:http://127.0.0.1:{port}/",
    // Names that resolve to inside addresses.
    "http://inside.test:{port}/",
    "http://INSIDE.test.:{port}/",
    "http://localhost:{port}/",
    "http://mapped.test:{port}/",
    "http://metadata.test/",
    "http://zero.test:{port}/",
    "http://six-to-four.test:{port}/",
    "http://all-inside.test:{port}/",
];

const HOST_PORTS: &[&str] = &[
    "127.0.0.1:{port}",
    "127.1:{port}",
    "0x7f000001:{port}",
    "0x7f.1:{port}",
    "017700000001:{port}",
    "2130706433:{port}",
    "127.0.0.1.:{port}",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[::ffff:10.0.0.1]:{port}",
    "[64:ff9b::7f00:1]:{port}",
    "[2002:7f00:1::]:{port}",
    "\u{ff11}27.0.0.1:{port}",
    "%31%32%37.0.0.1:{port}",
    "user@127.0.0.1:{port}",
    "tcp://127.0.0.1:{port}",
    "inside.test:{port}",
    "localhost:{port}",
    "mapped.test:{port}",
    "0:{port}",
];

async fn names_that_lead_inside() -> NameServer {
    NameServer::start(|name, _| match name {
        "outside.test." => Lookup::addresses(&["127.0.0.2"]),
        "inside.test." | "localhost." => Lookup::addresses(&["127.0.0.1"]),
        "mapped.test." => Lookup::addresses(&["::ffff:127.0.0.1"]),
        "metadata.test." => Lookup::addresses(&["169.254.169.254"]),
        "zero.test." => Lookup::addresses(&["0.0.0.0", "::"]),
        "six-to-four.test." => Lookup::addresses(&["2002:7f00:1::"]),
        "all-inside.test." => Lookup::addresses(&["10.0.0.1", "::1", "127.0.0.1", "fe80::1"]),
        _ => Lookup::NoName,
    })
    .await
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_called() {
    assert!(URLS.len() + HOST_PORTS.len() > 100);
    let names = names_that_lead_inside().await;
    let dialer = dialer(&names);
    let inner = TcpServer::http("127.0.0.1:0", |_| ok("inner")).await;
    let port = inner.address.port();
    for text in URLS {
        let text = text.replace("{port}", &port.to_string());
        let Ok(url) = target::parse_url(&text) else { continue };
        let mut request = request("http://outside.test/");
        request.url = url;
        let call = dialer.fetch(&request).await;
        let is_cut_off = text.contains("outside.test#");
        match is_cut_off {
            // The fragment is not part of the host: outside is called, where nobody listens.
            true => assert_fails(&call, Failure::ConnectionRefused),
            false => assert_eq!(
                call.result.as_ref().err(),
                Some(&Failure::RefusedAddress),
                "{text}: {call:?}"
            ),
        }
        assert!(is_cut_off || call.address.is_none(), "{text}: {call:?}");
    }
    for text in HOST_PORTS {
        let text = text.replace("{port}", &port.to_string());
        let Ok(target) = target::parse_host_port(&text) else { continue };
        let call = dialer.connect(&target, Family::Any, PATIENCE).await;
        assert_eq!(call.result.as_ref().err(), Some(&Failure::RefusedAddress), "{text}: {call:?}");
    }
    assert_eq!(inner.connections(), 0);
    // The count would have seen a call.
    tokio::net::TcpStream::connect(inner.address).await.unwrap();
    while inner.connections() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn most_spellings_are_understood_and_not_merely_unreadable() {
    let is_read = |text: &&&str| target::parse_url(&text.replace("{port}", "80")).is_ok();
    let read = URLS.iter().filter(is_read).count();
    assert!(read > 70, "{read} of {} reach the judgement of addresses", URLS.len());
}

#[tokio::test]
async fn what_is_allowed_is_called_by_name_and_by_address() {
    let names = names_that_lead_inside().await;
    let dialer = dialer(&names);
    let outside = TcpServer::http("127.0.0.2:0", |_| ok("hello")).await;
    let port = outside.address.port();
    for host in ["127.0.0.2", "outside.test", "0x7f.2", "OUTSIDE.test."] {
        let call = dialer.fetch(&request(&format!("http://{host}:{port}/"))).await;
        assert_eq!(call.result.as_ref().unwrap().body, "hello", "{host}");
        assert_eq!(call.address, Some(outside.address));
        let target = target::parse_host_port(&format!("{host}:{port}")).unwrap();
        let call = dialer.connect(&target, Family::Any, PATIENCE).await;
        assert_eq!(call.result.unwrap().peer_addr().unwrap(), outside.address);
    }
}

#[tokio::test]
async fn only_the_addresses_that_pass_are_tried() {
    let names =
        NameServer::start(|_, _| Lookup::addresses(&["127.0.0.1", "::1", "127.0.0.2"])).await;
    let dialer = dialer(&names);
    let outside = TcpServer::http("127.0.0.2:0", |_| ok("outside")).await;
    let port = outside.address.port();
    let inner = TcpServer::http(&format!("127.0.0.1:{port}"), |_| ok("inner")).await;
    let call = dialer.fetch(&request(&format!("http://mixed.test:{port}/"))).await;
    assert_eq!((call.result.unwrap().body, inner.connections()), ("outside".into(), 0));
}

#[tokio::test]
async fn redirects_do_not_lead_inside() {
    let names = two_names().await;
    let dialer = dialer(&names);
    let inner = TcpServer::http("127.0.0.1:0", |_| ok("inner")).await;
    let port = inner.address.port();
    let targets = [
        (format!("http://127.0.0.1:{port}/"), Failure::RefusedAddress),
        (format!("//127.0.0.1:{port}/"), Failure::RefusedAddress),
        (format!("http://0x7f.1:{port}/"), Failure::RefusedAddress),
        (format!("http://[::ffff:7f00:1]:{port}/"), Failure::RefusedAddress),
        (format!("http://inside.test:{port}/"), Failure::RefusedAddress),
        (format!("https://inside.test:{port}/"), Failure::RefusedAddress),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), Failure::RefusedAddress),
        (format!("http://outside.test@127.0.0.1:{port}/"), Failure::BadRedirect),
        (format!("\\\\127.0.0.1:{port}\\"), Failure::BadRedirect),
        ("file:///etc/passwd".to_owned(), Failure::BadRedirect),
        (format!("gopher://127.0.0.1:{port}/"), Failure::BadRedirect),
        (String::new(), Failure::BadRedirect),
    ];
    for (target, expected) in targets {
        let answer = redirect_to(&target);
        let outside = TcpServer::http("127.0.0.2:0", move |_| answer.clone()).await;
        let call = get(&dialer, outside.address).await;
        assert_eq!(call.result.as_ref().err(), Some(&expected), "{target}");
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_each_time() {
    let names = NameServer::start(|_, count| match count {
        0 => Lookup::addresses(&["127.0.0.2"]),
        _ => Lookup::addresses(&["127.0.0.1"]),
    })
    .await;
    let dialer = dialer(&names);
    let outside = TcpServer::http("127.0.0.2:0", |head| match head.starts_with("GET /again") {
        true => redirect_to("/second"),
        false => ok("outside"),
    })
    .await;
    let port = outside.address.port();
    let inner = TcpServer::http(&format!("127.0.0.1:{port}"), |_| ok("inner")).await;
    // A later check ...
    let url = format!("http://rebinding.test:{port}/");
    assert_eq!(dialer.fetch(&request(&url)).await.result.unwrap().body, "outside");
    assert_fails(&dialer.fetch(&request(&url)).await, Failure::RefusedAddress);
    // ... and a redirect within one, to the very same host.
    let url = format!("http://again.test:{port}/again");
    let call = dialer.fetch(&request(&url)).await;
    assert_fails(&call, Failure::RefusedAddress);
    assert_eq!((call.redirects, outside.connections(), inner.connections()), (1, 2, 0));
}
