//! Measures the design's target numbers with the release binary on this machine: `make bench`.
//!
//! Prints a table of name, value, unit and aim and writes the same to `bench/results.json`. Client and server share the
//! machine's cores, as the aims assume.
//! `BENCH=ingest,reading,small,dashboard,shapes,lists,tail,checks,rules,monitoring,browser,servers` chooses parts
//! (`small_posts`: that part of ingest alone), `BENCH_SECONDS` sets how long each load runs (default 10), `BENCH_HITS`
//! the number of hits of the reading part (default 10,000,000), `BENCH_PAGES` those of each project of the dashboard
//! part (see `dashboard`), `BENCH_SHAPES` those of each shape (see `shapes`), `BENCH_KEEP=FOLDER` a place where the
//! servers' folders are kept, for inspecting their files.
//!
//! A row is a name, a value, its unit, and the aim if there is one; names say what was done to how many hits.
#![expect(clippy::print_stdout, reason = "its purpose")]

mod browser;
mod checks;
mod client;
mod crowd;
mod dashboard;
mod data;
mod fill;
mod ingest;
mod lists;
mod monitoring;
mod plain_sql;
mod reading;
mod rules;
mod server;
mod servers;
mod shapes;
mod tail;

use std::path::PathBuf;

/// One measured number.
pub struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    aim: &'static str,
}

/// The table, printed as it grows.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub fn add(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        aim: &'static str,
    ) {
        let name = name.into();
        let text = if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        println!("{name:<60} {text:>12} {unit:<12} {aim}");
        self.rows.push(Row { name, value, unit, aim });
    }
}

pub struct Options {
    pub binary: PathBuf,
    /// The place of the servers' folders; on a real disk.
    pub folder: PathBuf,
    pub seconds: u64,
    pub hits: u64,
    /// The largest project for which plain SQL runs too.
    pub sql_up_to: u64,
}

fn main() {
    let number = |name: &str, or: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let binary = std::env::var_os("API_ANALYTICS_BIN")
        .map_or_else(|| root.join("target/release/api-analytics"), PathBuf::from);
    let kept = std::env::var_os("BENCH_KEEP").map(PathBuf::from);
    let options = Options {
        binary,
        folder: kept.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("api-analytics-bench-{}", std::process::id()))
        }),
        seconds: number("BENCH_SECONDS", 10),
        hits: number("BENCH_HITS", 10_000_000),
        sql_up_to: number("BENCH_SQL_UP_TO", 10_000_000),
    };
    let chosen = std::env::var("BENCH").unwrap_or_else(|_| {
        "ingest,reading,small,dashboard,shapes,lists,tail,checks,rules,monitoring,browser,servers"
            .to_owned()
    });
    let mut table = Table::default();
    std::fs::create_dir_all(&options.folder).expect("a folder to work in");
    for part in chosen.split(',') {
        match part {
            "ingest" => ingest::run(&options, &mut table),
            "small_posts" => ingest::small_posts(&options, &mut table),
            "reading" => reading::run(&options, &mut table),
            "small" => reading::small_projects(&options, &mut table),
            "dashboard" => dashboard::run(&options, &mut table),
            "servers" => servers::run(&options, &mut table),
            "shapes" => shapes::run(&options, &mut table),
            "lists" => lists::run(&options, &mut table),
            "tail" => tail::run(&options, &mut table),
            "checks" => checks::run(&options, &mut table),
            "rules" => rules::run(&options, &mut table),
            "monitoring" => monitoring::run(&options, &mut table),
            "browser" => browser::run(&options, &mut table),
            other => println!(
                "there is no part {other:?}: ingest, small_posts, reading, small, dashboard, shapes, lists, tail, checks, rules, monitoring, browser, servers"
            ),
        }
    }
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&options.folder);
    }
    let rows: Vec<serde_json::Value> = table
        .rows
        .iter()
        .map(|row| serde_json::json!({"name": row.name, "value": row.value, "unit": row.unit, "aim": row.aim}))
        .collect();
    let text = serde_json::to_string_pretty(&rows).expect("plain data");
    std::fs::write(root.join("bench/results.json"), text + "\n")
        .expect("the results can be written");
}
