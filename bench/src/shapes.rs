//! The page over data of any shape: its cost must follow the hits, not the number of different callers, routes or user
//! agents. Each shape (`data::SHAPES`) is its own project on a fresh server.
//!
//! `BENCH_SHAPES=1000000,5000000` chooses the sizes (default 1,000,000), `BENCH_SHAPES_ONLY=kind,public` the shapes.
//! With `BENCH_KEEP` another run finds the data and only reads it, so that two programs can be compared on the same files.
//! Times are medians of five, in milliseconds; memory is the resident size beyond that of an idle server just started
//! on the same files. CPU per hit is everything that the server used until the last file was merged; compared with
//! DuckDB's `read_json` of the same hits into a table of a file, on one thread.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use duckdb::Connection;
use serde_json::Value;

use crate::client::Client;
use crate::data::{SHAPES, Year};
use crate::fill::{fill, settle};
use crate::ingest::{median, now_us};
use crate::server::{Server, own_cpu};
use crate::{Options, Table};

const PAGES: [(&str, &str); 6] = [
    ("all", "period=all"),
    ("status_5xx", "period=all&q=status:5xx"),
    ("method", "period=all&q=method:POST"),
    ("path_pattern", "period=all&q=path:/v1/resource1*"),
    ("30_days", "period=30d"),
    ("7_days", "period=7d"),
];

pub fn run(options: &Options, table: &mut Table) {
    let sizes = std::env::var("BENCH_SHAPES").unwrap_or_else(|_| "1000000".to_owned());
    let only = std::env::var("BENCH_SHAPES_ONLY").unwrap_or_default();
    for size in sizes.split(',').filter_map(|text| text.trim().parse::<u64>().ok()) {
        for (name, shape) in SHAPES {
            if only.is_empty() || only.split(',').any(|other| other == name) {
                let year = Year { shape, hits: size, end_us: now_us(), seed: 1 };
                one_shape(options, table, &format!("shape_{name}_{size}"), &year);
            }
        }
    }
}

fn one_shape(options: &Options, table: &mut Table, name: &str, year: &Year) {
    let mut server = Server::start(&options.binary, &options.folder.join(name), &[]);
    let kept = options.folder.join(format!("{name}.key"));
    let key = std::fs::read_to_string(&kept).unwrap_or_else(|_| {
        let key = server.new_key();
        fill_and_measure(options, table, name, year, &server, &key);
        std::fs::write(&kept, &key).expect("a file of ours");
        key
    });
    for (page, parameters) in PAGES {
        server.crash_and_restart();
        let idle = server.memory().0;
        let path = format!("/api/v1/dashboard?{parameters}");
        let mut client = Client::connect(&server.address).expect("a connection");
        let mut ask = || {
            let asked = Instant::now();
            let (status, body) = client.get(&path, &key).expect("an answer");
            assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
            asked.elapsed().as_secs_f64() * 1e3
        };
        table.add(format!("{name}_page_{page}_cold"), ask(), "ms", "");
        let times = (0..5).map(|_| ask()).collect();
        table.add(format!("{name}_page_{page}"), median(times), "ms", "");
        let most = server.peak_memory() - idle;
        table.add(format!("{name}_page_{page}_memory"), most, "MB", "150");
    }
    server.stop();
}

fn fill_and_measure(
    options: &Options,
    table: &mut Table,
    name: &str,
    year: &Year,
    server: &Server,
    key: &str,
) {
    let started = Instant::now();
    fill(server, key, year);
    let rate = year.hits as f64 / started.elapsed().as_secs_f64();
    table.add(format!("{name}_filled_at"), rate, "hits/s", "");
    settle(server);
    let cpu = server.cpu_of_process() * 1e6 / year.hits as f64;
    table.add(format!("{name}_cpu_per_hit"), cpu, "us", "");
    let plain = read_json(&options.folder, year);
    table.add(format!("{name}_read_json_per_hit"), plain, "us", "");
    table.add(format!("{name}_cpu_against_read_json"), cpu / plain, "times", "2 to 3");
    table.add(format!("{name}_settled_after"), started.elapsed().as_secs_f64(), "s", "");
    table.add(format!("{name}_resident_after_filling"), server.memory().0, "MB", "400");
    let bytes = server.metric("api_analytics_sealed_bytes");
    let rows = server.metric("api_analytics_sealed_rows");
    table.add(format!("{name}_bytes_per_sealed_hit"), bytes / rows, "bytes", "");
    let files = server.metric("api_analytics_sealed_files");
    table.add(format!("{name}_sealed_files"), files, "files", "");
}

/// Hits for DuckDB's time: the first of the year.
const READ_AS_JSON: u64 = 500_000;

/// Microseconds of CPU per hit that DuckDB takes on one thread to read hits, one per line, into a table of a file.
fn read_json(folder: &Path, year: &Year) -> f64 {
    let (lines, database) = (folder.join("hits.ndjson"), folder.join("read_json.duckdb"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&lines).expect("a file of lines"));
    let mut hits = 0u64;
    for number in 0..year.posts() {
        if hits >= READ_AS_JSON {
            break;
        }
        let post: Value = serde_json::from_slice(year.post(number).body()).expect("JSON");
        for hit in post["requests"].as_array().expect("requests") {
            writeln!(file, "{hit}").expect("room for the lines");
            hits += 1;
        }
    }
    file.flush().expect("room for the lines");
    let connection = Connection::open(&database).expect("a database");
    connection.execute_batch("SET threads = 1").expect("a setting");
    let before = own_cpu();
    connection
        .execute_batch(&format!(
            "CREATE TABLE hits AS SELECT * FROM read_json('{}', format = 'newline_delimited', columns = {{
                 hostname: 'VARCHAR', ip_address: 'VARCHAR', path: 'VARCHAR', route: 'VARCHAR', user_agent: 'VARCHAR',
                 method: 'VARCHAR', status: 'SMALLINT', response_time: 'DOUBLE', user_id: 'VARCHAR', created_at: 'TIMESTAMP'}});
             CHECKPOINT",
            lines.display()
        ))
        .expect("hits that DuckDB can read");
    let taken = own_cpu() - before;
    drop(connection);
    for file in [lines, database] {
        std::fs::remove_file(file).expect("a file of ours");
    }
    taken * 1e6 / hits as f64
}
