//! Lists of a project with a million endpoints, and of one with a million consumers (an address each, as in a public API): the
//! first page of a new list, with and without a filter; pages of 50 rows at any offset, in other orders and of a search. The same
//! at 20,000 endpoints.
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

const BATCH: u64 = 10_000;

/// A list and the data of its project.
struct Shape {
    rows_are: &'static str,
    panel: &'static str,
    rows: u64,
    /// Hits per row, far apart, so that a row is in several files.
    hits: u64,
    search: &'static str,
}

const SHAPES: [Shape; 3] = [
    Shape { rows_are: "endpoints", panel: "endpoints", rows: 20_000, hits: 2, search: "thing-12" },
    Shape {
        rows_are: "endpoints",
        panel: "endpoints",
        rows: 1_000_000,
        hits: 5,
        search: "thing-12",
    },
    Shape {
        rows_are: "consumers",
        panel: "top_consumers",
        rows: 1_000_000,
        hits: 5,
        search: "10.12.1",
    },
];

/// Names in the table of results, and parameters of the call. `SEARCH` stands for the shape's search.
const ORDERS: [(&str, &str); 6] = [
    ("page", ""),
    ("page_by_p95", "sort=p95_ms&order=asc&"),
    ("page_by_last_seen", "sort=last_seen&order=asc&"),
    ("page_by_error_rate", "sort=error_rate&"),
    ("page_by_name", "sort=name&"),
    ("page_of_a_search", "search=SEARCH&"),
];

pub fn run(options: &Options, table: &mut Table) {
    SHAPES.iter().for_each(|shape| one_shape(options, table, shape));
}

fn one_shape(options: &Options, table: &mut Table, shape: &Shape) {
    let Shape { rows_are, panel, rows, hits, search } = shape;
    let name = format!("list_of_{rows}_{rows_are}");
    let mut server = Server::start(&options.binary, &options.folder.join(&name), &[]);
    let key = server.new_key();
    let mut client = Client::connect(&server.address).expect("a connection");
    for first in (0..hits * rows).step_by(BATCH as usize) {
        let body = batch(first, shape);
        let answer = client.send("POST", "/api/requests", &key, body.as_bytes());
        let (status, answer) = answer.expect("an answer");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
    settle(&server);
    server.crash_and_restart();
    let idle = server.memory().0;
    let mut client = Client::connect(&server.address).expect("a connection");
    let mut ask = |parameters: &str| {
        let path = format!("/api/v1/lists/{panel}?limit=50&{parameters}");
        let asked = Instant::now();
        let (status, body) = client.get(&path, &key).expect("an answer");
        let took = asked.elapsed().as_secs_f64() * 1e3;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        (took, serde_json::from_slice::<Value>(&body).expect("JSON"))
    };
    let (cold, page) = ask("");
    assert_eq!(page["total_rows"].as_u64(), Some(*rows));
    table.add(format!("{name}_made"), cold, "ms", if *rows > 20_000 { "1000" } else { "" });
    table.add(format!("{name}_made_memory"), server.peak_memory() - idle, "MB", "150");
    let as_of = page["as_of"].as_str().expect("a moment").to_owned();
    for (label, order) in ORDERS {
        let order = order.replace("SEARCH", search);
        let (first, page) = ask(&format!("{order}as_of={as_of}"));
        assert_eq!(page["as_of"].as_str(), Some(as_of.as_str()), "the list is kept");
        let rows = page["matching_rows"].as_u64().expect("a number of rows");
        let aim = if label == "page_of_a_search" { "500" } else { "50" };
        table.add(format!("{name}_first_{label}"), first, "ms", aim);
        let times = (0..9).map(|n| {
            let offset = (rows - 50) * n / 8;
            let (took, page) = ask(&format!("{order}offset={offset}&as_of={as_of}"));
            assert_eq!(page["rows"].as_array().map(Vec::len), Some(50), "{label} {offset}");
            took
        });
        table.add(format!("{name}_{label}"), median(times.collect()), "ms", "50");
    }
    let (filtered, page) = ask("q=status:404");
    assert_eq!(page["total_rows"].as_u64(), Some(rows / 10));
    table.add(format!("{name}_made_of_a_filter"), filtered, "ms", "");
    table.add(format!("{name}_memory"), server.peak_memory() - idle, "MB", "");
    server.stop();
}

/// Hits numbered from `first`.
fn batch(first: u64, shape: &Shape) -> String {
    let mut body = String::from("{\"framework\":\"FastAPI\",\"requests\":[");
    for number in first..first + BATCH {
        // Spread, so that a batch doesn't hold neighbours.
        let thing = number.wrapping_mul(7_919) % shape.rows;
        let comma = if number == first { "" } else { "," };
        let status = if thing.is_multiple_of(10) && number < shape.rows { 404 } else { 200 };
        let route = match shape.rows_are {
            "endpoints" => format!("/v1/things/thing-{thing}"),
            _ => "/v1/things".to_owned(),
        };
        let address = match shape.rows_are {
            "endpoints" => "10.0.0.1".to_owned(),
            _ => format!("10.{}.{}.{}", thing >> 16, thing >> 8 & 255, thing & 255),
        };
        let _ = write!(
            body,
            "{comma}{{\"path\":\"{route}\",\"route\":\"{route}\",\"method\":\"GET\",\"ip_address\":\"{address}\",\
             \"status\":{status},\"response_time\":{}}}",
            1 + (thing + number) % 997
        );
    }
    body + "]}"
}
