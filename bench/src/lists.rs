//! Lists of a project with a million endpoints: the first page of a new list, pages of 50 rows at any offset, in
//! another order and of a search; and the same at 20,000 endpoints.
//!
//! Times are medians of nine, in milliseconds over HTTP; memory is the resident size beyond that of an idle server just
//! started on the same files.

use std::fmt::Write;
use std::time::Instant;

use serde_json::Value;

use crate::client::Client;
use crate::fill::settle;
use crate::ingest::median;
use crate::server::Server;
use crate::{Options, Table};

const SIZES: [u64; 2] = [20_000, 1_000_000];
const BATCH: u64 = 10_000;

pub fn run(options: &Options, table: &mut Table) {
    for endpoints in SIZES {
        one_size(options, table, endpoints);
    }
}

fn one_size(options: &Options, table: &mut Table, endpoints: u64) {
    let folder = options.folder.join(format!("lists-{endpoints}"));
    let mut server = Server::start(&options.binary, &folder, &[]);
    let key = server.new_key();
    let mut client = Client::connect(&server.address).expect("a connection");
    // Each endpoint twice, so that the second occurrence is in another file.
    for first in (0..2 * endpoints).step_by(BATCH as usize) {
        let body = batch(first, endpoints);
        let answer = client.send("POST", "/api/requests", &key, body.as_bytes());
        let (status, answer) = answer.expect("an answer");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
    settle(&server);
    server.crash_and_restart();
    let idle = server.memory().0;
    let mut client = Client::connect(&server.address).expect("a connection");
    let mut ask = |parameters: &str| {
        let path = format!("/api/v1/lists/endpoints?limit=50&{parameters}");
        let asked = Instant::now();
        let (status, body) = client.get(&path, &key).expect("an answer");
        let took = asked.elapsed().as_secs_f64() * 1e3;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        (took, serde_json::from_slice::<Value>(&body).expect("JSON"))
    };
    let name = format!("list_of_{endpoints}_endpoints");
    let (cold, page) = ask("");
    assert_eq!(page["total_rows"].as_u64(), Some(endpoints));
    table.add(format!("{name}_made"), cold, "ms", "");
    let as_of = page["as_of"].as_str().expect("a moment").to_owned();
    for order in ["", "sort=p95_ms&order=asc&", "sort=name&", "search=thing-12&"] {
        let label = match order {
            "" => "page",
            "sort=p95_ms&order=asc&" => "page_by_p95",
            "sort=name&" => "page_by_name",
            _ => "page_of_a_search",
        };
        let (first, page) = ask(&format!("{order}as_of={as_of}"));
        assert_eq!(page["as_of"].as_str(), Some(as_of.as_str()), "the list is kept");
        let rows = page["matching_rows"].as_u64().expect("a number of rows");
        table.add(format!("{name}_first_{label}"), first, "ms", "");
        let times = (0..9).map(|n| {
            let offset = (rows - 50) * n / 8;
            let (took, page) = ask(&format!("{order}offset={offset}&as_of={as_of}"));
            assert_eq!(page["rows"].as_array().map(Vec::len), Some(50), "{label} {offset}");
            took
        });
        table.add(format!("{name}_{label}"), median(times.collect()), "ms", "50");
    }
    table.add(format!("{name}_memory"), server.peak_memory() - idle, "MB", "");
    server.stop();
}

/// Hits from this number on.
fn batch(first: u64, endpoints: u64) -> String {
    let mut body = String::from("{\"framework\":\"FastAPI\",\"requests\":[");
    for number in first..first + BATCH {
        // Spread, so that a batch doesn't hold neighbours.
        let thing = number.wrapping_mul(7_919) % endpoints;
        let comma = if number == first { "" } else { "," };
        let _ = write!(
            body,
            "{comma}{{\"path\":\"/v1/things/thing-{thing}\",\"route\":\"/v1/things/thing-{thing}\",\"method\":\"GET\",\
             \"status\":200,\"response_time\":{}}}",
            1 + thing % 997
        );
    }
    body + "]}"
}
