//! The same panels of the same hits without us: one table with a column for each field, in DuckDB, and a
//! straightforward statement for each panel.
//!
//! The hits come from the same seed, parsed and enriched by the same code, so that country, client and the rest equal
//! the server's; times, texts and numbers are stored as they are, in order of time, with DuckDB's defaults except for
//! the number of threads, which is the number of processors for both. Quantiles are exact here, and within 1 % in our
//! answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use analytics::batch::Batch;
use analytics::enrich::{Countries, Enricher, Settings};
use analytics::hit::{Hit, TextKind};
use analytics::ingest;
use duckdb::Connection;
use duckdb::arrow::array::{
    ArrayRef, Float64Array, Int16Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};

use crate::Table;
use crate::data::Year;
use crate::ingest::median;

const CREATE: &str = "CREATE TABLE hits (project VARCHAR, time TIMESTAMP, method VARCHAR, host VARCHAR, path VARCHAR,
    route VARCHAR, version VARCHAR, status SMALLINT, duration_ms DOUBLE, agent VARCHAR, client VARCHAR, os VARCHAR,
    device VARCHAR, country VARCHAR, address VARCHAR, user_id VARCHAR, consumer VARCHAR, referrer VARCHAR,
    framework VARCHAR, sdk VARCHAR)";

/// A statement per panel. `BUCKET` and `HITS` stand for the step and for the table with its conditions.
const PANELS: [&str; 19] = [
    // Requests, success rate, client and server errors, activity.
    "SELECT BUCKET AS bucket, count(*), count(*) FILTER (status < 400), count(*) FILTER (status BETWEEN 400 AND 499),
         count(*) FILTER (status >= 500) FROM HITS GROUP BY bucket ORDER BY bucket",
    "SELECT count(DISTINCT consumer) FROM HITS",
    "SELECT BUCKET AS bucket, count(DISTINCT consumer) FROM HITS GROUP BY bucket ORDER BY bucket",
    "SELECT quantile_disc(duration_ms, [0.5, 0.75, 0.9, 0.95, 0.99, 0.999]), avg(duration_ms),
         count(*) FILTER (duration_ms <= 500), count(*) FILTER (duration_ms > 500 AND duration_ms <= 2000) FROM HITS",
    "SELECT floor(log2(greatest(duration_ms, 0.001))) AS doubling, count(*) FROM HITS GROUP BY doubling ORDER BY doubling",
    "SELECT BUCKET AS bucket, quantile_disc(duration_ms, [0.5, 0.95, 0.99]) FROM HITS GROUP BY bucket ORDER BY bucket",
    "SELECT method, route, count(*) AS requests, count(*) FILTER (status BETWEEN 400 AND 499),
         count(*) FILTER (status >= 500), quantile_disc(duration_ms, [0.5, 0.95, 0.99]), max(time)
         FROM HITS GROUP BY method, route ORDER BY requests DESC LIMIT 20",
    "SELECT status, count(*) FROM HITS GROUP BY status ORDER BY status",
    "SELECT version, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY version ORDER BY requests DESC LIMIT 20",
    "SELECT country, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY country ORDER BY requests DESC LIMIT 20",
    "SELECT client, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY client ORDER BY requests DESC LIMIT 20",
    "SELECT os, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY os ORDER BY requests DESC LIMIT 20",
    "SELECT device, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY device ORDER BY requests DESC LIMIT 20",
    "SELECT isodow(time) AS day, hour(time) AS hour, count(*) FROM HITS GROUP BY day, hour ORDER BY day, hour",
    "SELECT consumer, count(*) AS requests, count(*) FILTER (status BETWEEN 400 AND 499),
         count(*) FILTER (status >= 500), quantile_disc(duration_ms, 0.95), max(time)
         FROM HITS GROUP BY consumer ORDER BY requests DESC LIMIT 20",
    "SELECT referrer, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY referrer ORDER BY requests DESC LIMIT 20",
    "SELECT host, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY host ORDER BY requests DESC LIMIT 20",
    "SELECT framework, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY framework ORDER BY requests DESC LIMIT 20",
    "SELECT sdk, count(*) AS requests, count(*) FILTER (status >= 400) FROM HITS GROUP BY sdk ORDER BY requests DESC LIMIT 20",
];

/// The name of one of our pages, its filter in SQL, its step. `WEEK` stands for the time a week before the end.
const PAGES: [(&str, &str, &str); 4] = [
    ("all", "true", "date_trunc('day', time)"),
    ("7_days", "time >= WEEK", "date_trunc('hour', time)"),
    ("status_5xx", "status BETWEEN 500 AND 599", "date_trunc('day', time)"),
    ("path_pattern", "path LIKE '/v1/resource1%'", "date_trunc('day', time)"),
];

/// `ours`: hits that our pages of these names counted; a different count means a different query.
pub fn run(table: &mut Table, file: &Path, year: &Year, ours: &[(&str, u64)]) {
    make(file, year);
    let bytes = std::fs::metadata(file).map_or(0, |file| file.len());
    table.add(
        format!("plain_sql_{}_bytes_per_hit", year.hits),
        bytes as f64 / year.hits as f64,
        "bytes",
        "",
    );
    let week = year.end_us - 7 * 86_400_000_000;
    for (name, condition, bucket) in PAGES {
        let condition = condition.replace("WEEK", &format!("make_timestamp({week})"));
        let hits = format!("hits WHERE project = 'bench' AND {condition}");
        let statements: Vec<String> = PANELS
            .iter()
            .map(|text| text.replace("BUCKET", bucket).replace("HITS", &hits))
            .collect();
        let connection = open(file);
        let page = || {
            let asked = Instant::now();
            statements.iter().for_each(|statement| ask(&connection, statement));
            asked.elapsed().as_secs_f64() * 1e3
        };
        let cold = page();
        let warm = (0..3).map(|_| page()).collect();
        table.add(format!("plain_sql_{}_{name}_cold", year.hits), cold, "ms", "");
        table.add(format!("plain_sql_{}_{name}", year.hits), median(warm), "ms", "");
        if let Some((_, ours)) = ours.iter().find(|(other, _)| *other == name) {
            let count = format!("SELECT count(*) FROM {hits}");
            let theirs: i64 = connection.query_row(&count, [], |row| row.get(0)).expect("a count");
            assert_eq!(theirs as u64, *ours, "{name}: the page counts what SQL counts");
        }
    }
}

fn open(file: &Path) -> Connection {
    let connection = Connection::open(file).expect("DuckDB opens");
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    connection.execute_batch(&format!("SET threads = {threads}")).expect("a setting");
    connection
}

/// Fetches all rows of the answer.
fn ask(connection: &Connection, statement: &str) {
    let mut statement = connection.prepare(statement).expect(statement);
    let rows: usize =
        statement.query_arrow([]).expect("an answer").map(|batch| batch.num_rows()).sum();
    assert!(rows > 0, "every statement finds something");
}

fn make(file: &Path, year: &Year) {
    let connection = open(file);
    connection.execute_batch(CREATE).expect("a table");
    let enricher = Enricher::new(Countries::embedded());
    let settings = Settings { max_age_us: None, ..Settings::default() };
    for number in 0..year.posts() {
        let posted = ingest::decode(year.post(number).body()).expect("a batch");
        let batch = enricher.enrich(posted, &settings, None, year.end_us).batch;
        let mut appender = connection.appender("hits").expect("the table");
        appender.append_record_batch(to_rows(&batch)).expect("rows are appended");
        appender.flush().expect("rows are appended");
    }
    connection.execute_batch("CHECKPOINT").expect("a checkpoint");
}

fn to_rows(batch: &Batch) -> RecordBatch {
    let column = |text: &dyn Fn(&Hit) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(batch.hits.iter().map(text)))
    };
    let text = |kind: TextKind| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(batch.hits.iter().map(|hit| batch.text(hit, kind))))
    };
    let agents = &batch.dictionary.agents;
    let agent = |hit: &Hit| &agents[hit.text(TextKind::Agent) as usize];
    let consumer =
        |hit: &Hit| match (batch.text(hit, TextKind::User), batch.text(hit, TextKind::Address)) {
            ("", address) => format!("a:{address}"),
            (user, _) => format!("u:{user}"),
        };
    let times = batch.hits.iter().map(|hit| hit.time_us);
    let durations = batch.hits.iter().map(|hit| hit.duration_us.map(|us| us as f64 / 1e3));
    let statuses = batch.hits.iter().map(|hit| hit.status as i16);
    let columns: [(&str, ArrayRef); 20] = [
        ("project", column(&|_| "bench".to_owned())),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(times))),
        ("method", text(TextKind::Method)),
        ("host", text(TextKind::Host)),
        ("path", text(TextKind::Path)),
        ("route", text(TextKind::Route)),
        (
            "version",
            column(&|hit| batch.dictionary.versions[hit.text(TextKind::Path) as usize].to_owned()),
        ),
        ("status", Arc::new(Int16Array::from_iter_values(statuses))),
        ("duration_ms", Arc::new(durations.collect::<Float64Array>())),
        ("agent", text(TextKind::Agent)),
        ("client", column(&|hit| agent(hit).client.clone())),
        ("os", column(&|hit| agent(hit).os.clone())),
        ("device", column(&|hit| agent(hit).device.clone())),
        ("country", column(&|hit| hit.country.as_str().to_owned())),
        ("address", text(TextKind::Address)),
        ("user_id", text(TextKind::User)),
        ("consumer", column(&consumer)),
        ("referrer", text(TextKind::Referrer)),
        ("framework", text(TextKind::Framework)),
        ("sdk", text(TextKind::Sdk)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
