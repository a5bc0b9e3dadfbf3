//! The tables in ClickHouse.
//!
//! Types and codecs were measured on 1 million hits of 2,000 callers (few) and of an address and a path per hit (many),
//! bytes a hit: times Delta + ZSTD 3.2, ZSTD alone 4.2; durations T64 + ZSTD 1.9, ZSTD 2.4; agents LowCardinality 1.0 (few)
//! and 5.0 (many), String 2.7 and 3.9; users LowCardinality 1.6, String 2.7; routes LowCardinality 0.7 and 9.3, String 1.8
//! and 9.1; paths LowCardinality 6.4 and 9.3, String 4.8 and 9.1; addresses IPv6 3.1 and 4.1, String 4.8 and 6.0,
//! LowCardinality 1.6 and 6.6 (and grouped four times slower).

use analytics::grid::DAY_US;
use analytics::hit::TextKind;
use analytics::hit_fields::{FIELDS, Number, Stored};
use analytics::limits;

use super::layout::{BUSIEST, Layout, name};
use super::params::Params;
use super::rollups;

/// Raise it when a statement of `migrate` changes what a table holds. A new field of a hit needs no step of its own: every
/// start adds the columns that are missing.
pub const VERSION: u32 = 5;

/// A column that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    /// The type, as the server writes it.
    pub kind: &'static str,
    pub codec: &'static str,
}

const TIMES: &str = "Delta(8), ZSTD(1)";
const NUMBERS: &str = "T64, ZSTD(1)";
const PLAIN: &str = "ZSTD(1)";
const FEW_VALUES: &str = "LowCardinality(String)";

/// An address as a number: an IPv4 address mapped into IPv6, `::` for none.
pub const IP: &str = "address_ip";
/// An address that is none of those, as it is.
pub const OTHER_ADDRESS: &str = "address_other";
/// The bucket of a duration (`analytics::latency`): stored, because an engine's logarithm may round differently.
pub const LATENCY: &str = "latency";

/// The inbox forgets records once they are inserted, so an insert is answered when it is on disk; by default the server
/// answers earlier.
const ON_DISK: &str = "fsync_after_insert = 1, fsync_part_directory = 1,
     min_compressed_bytes_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_fetch = 1";

/// By default a rewritten part stays for 8 minutes. That guards against parts that are not on disk; ours are.
const NOTHING_LEFT: &str = "old_parts_lifetime = 0, finished_mutations_to_keep = 1";

/// The columns that are stored, in the order in which rows are written: those of `hit_fields`, between our own.
pub fn columns() -> Vec<Column> {
    let column = |name, kind, codec| Column { name, kind, codec };
    let mut columns = vec![
        column("project", "UInt32", PLAIN),
        column("hit_id", "Int64", TIMES),
        column(LATENCY, "UInt16", NUMBERS),
    ];
    for info in FIELDS {
        match info.stored {
            Stored::Nothing => {}
            Stored::Time => columns.push(column(info.column, "Int64", TIMES)),
            Stored::Number(Number::Status) => columns.push(column(info.column, "UInt16", PLAIN)),
            Stored::Number(_) => columns.push(column(info.column, "Nullable(UInt64)", NUMBERS)),
            Stored::Text(TextKind::Address) => {
                columns.push(column(IP, "IPv6", PLAIN));
                columns.push(column(OTHER_ADDRESS, "String", PLAIN));
            }
            // Nearly every hit has its own.
            Stored::Text(TextKind::Path | TextKind::RequestId) => {
                columns.push(column(info.column, "String", PLAIN));
            }
            Stored::Text(_) | Stored::Word(_) | Stored::Country => {
                columns.push(column(info.column, FEW_VALUES, PLAIN));
            }
        }
    }
    columns
}

/// The text of an address, of columns or expressions like `IP` and `OTHER_ADDRESS`.
pub fn address(ip: &str, other: &str) -> String {
    format!(
        "multiIf({ip} = toIPv6('::'), {other}, IPv6NumToString({ip}) LIKE '::ffff:%.%',
             substring(IPv6NumToString({ip}), 8), IPv6NumToString({ip}))"
    )
}

/// Statements that make the tables, or bring those of an earlier version up to date. Each may run any number of times, on
/// several nodes at once.
pub fn migrate(from: u64, layout: &Layout) -> Vec<String> {
    let definition =
        |column: &Column| format!("{} {} CODEC({})", column.name, column.kind, column.codec);
    let columns = columns();
    let stored: Vec<String> = columns.iter().map(definition).collect();
    let (engine, tokens) = (layout.engine("hits"), layout.settings_of_hits());
    let (table, everywhere) = (layout.hits(), layout.on_cluster());
    // Hits arrive nearly in the order of their times, so it finds those after an id among a project's hits.
    let index = "ids hit_id TYPE minmax GRANULARITY 1";
    let projections =
        rollups::ALL.map(|rollup| format!("PROJECTION {}", rollup.definition())).join(",\n");
    let hits = format!(
        "CREATE TABLE IF NOT EXISTS {table}{everywhere} ({},
             address String ALIAS {},
             time DateTime64(6, 'UTC') ALIAS fromUnixTimestamp64Micro(time_us, 'UTC'),
             INDEX {index},
             {projections})
         ENGINE = {engine}
         PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(time_us, 'UTC'))
         ORDER BY (project, time_us, hit_id)
         SETTINGS {tokens}, {ON_DISK}, {NOTHING_LEFT}, {}{}",
        stored.join(", "),
        address(IP, OTHER_ADDRESS),
        whole_months(),
        layout.cleaning(),
    );
    let versions = format!(
        "CREATE TABLE IF NOT EXISTS versions{everywhere} (version UInt32) ENGINE = {} ORDER BY version",
        layout.engine("versions")
    );
    let mut statements = vec![versions, super::node::create(layout), hits, create_busiest(layout)];
    statements.extend(layout.create_view("hits", &format!("intDiv(time_us, {DAY_US})")));
    statements.extend(layout.create_view(BUSIEST, "day"));
    // A statement for a cluster goes through Keeper to each host, so none is given in vain.
    if from == 0 && layout.is_cluster() {
        return statements;
    }
    let add = |column: &Column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column));
    let missing: Vec<String> = columns.iter().map(add).collect();
    let missing = missing.join(", ");
    statements.push(format!("ALTER TABLE {table}{everywhere} {missing}"));
    if layout.is_cluster() {
        statements.push(format!("ALTER TABLE hits{everywhere} {missing}"));
    }
    let table = format!("{table}{everywhere}");
    statements.push(format!("ALTER TABLE {table} ADD INDEX IF NOT EXISTS {index}"));
    statements.extend(rollups::ALL.map(|rollup| rollup.add(&table)));
    statements
}

/// Lists of days, weeks and months (`busiest`). `most`: the most hits of a consumer that the list leaves out. A newer row about the
/// same replaces an older one, sooner or later. A row takes some 28 bytes, half of them durations.
fn create_busiest(layout: &Layout) -> String {
    let columns = [
        ("project", "UInt32", PLAIN),
        ("of_month", "Int64", PLAIN),
        ("kind", "UInt8", PLAIN),
        ("key", "UInt64", PLAIN),
        ("day", "Int64", TIMES),
        ("digest", "UInt64", PLAIN),
        ("list", "UInt64", PLAIN),
        ("most", "UInt64", NUMBERS),
        ("derived_us", "Int64", PLAIN),
        ("user", "String", PLAIN),
        ("ip", "IPv6", PLAIN),
        ("other", "String", PLAIN),
        ("first", "String", PLAIN),
        ("second", "String", PLAIN),
        ("requests", "UInt64", NUMBERS),
        ("client_errors", "UInt64", NUMBERS),
        ("server_errors", "UInt64", NUMBERS),
        ("request_bytes", "UInt64", NUMBERS),
        ("response_bytes", "UInt64", NUMBERS),
        ("last_us", "Int64", TIMES),
        ("country", "String", PLAIN),
        ("country_us", "Int64", TIMES),
        ("latencies", "Array(UInt16)", PLAIN),
        ("latency_requests", "Array(UInt64)", NUMBERS),
    ];
    let columns = columns.map(|(name, kind, codec)| format!("{name} {kind} CODEC({codec})"));
    format!(
        "CREATE TABLE IF NOT EXISTS {}{} ({})
         ENGINE = {} ORDER BY (project, of_month, kind, key, day)
         SETTINGS index_granularity = {}, {ON_DISK}, {NOTHING_LEFT}{}",
        layout.parts_of(BUSIEST),
        layout.on_cluster(),
        columns.join(", "),
        layout.replacing_engine(BUSIEST, "derived_us"),
        limits::BUSIEST_GRANULE,
        layout.cleaning(),
    )
}

/// Deletes the lists of earlier versions: days in version 3, and without months in version 4. They are derived anew.
fn drop_earlier_lists(layout: &Layout) -> Vec<String> {
    let everywhere = layout.on_cluster();
    let tables = ["busiest", "busiest_consumers"].into_iter().flat_map(|table| {
        let local = layout.is_cluster().then(|| layout.parts_of(table));
        std::iter::once(table.to_owned()).chain(local)
    });
    tables.map(|table| format!("DROP TABLE IF EXISTS {table}{everywhere} SYNC")).collect()
}

/// Statements for hits that a program of an older version wrote, after those of `migrate`.
pub fn upgrade(from: u64, layout: &Layout) -> Vec<String> {
    let table = format!("{}{}", layout.hits(), layout.on_cluster());
    let mut statements = match from {
        1 => rollups::ALL.map(|rollup| rollup.materialize(&table)).into(),
        2..=4 => vec![rollups::DAYS.materialize(&table)],
        _ => Vec::new(),
    };
    if (1..=3).contains(&from) {
        statements.push(format!("ALTER TABLE {table} MODIFY SETTING {}", whole_months()));
    }
    if (1..=4).contains(&from) {
        // Digests of the days' hits without their routes.
        statements.push(format!(
            "ALTER TABLE {table} DROP PROJECTION IF EXISTS days SETTINGS mutations_sync = 0"
        ));
        statements.extend(drop_earlier_lists(layout));
    }
    statements
}

/// A month that is over becomes one part: a read costs half a millisecond of processor time for each part.
fn whole_months() -> String {
    format!(
        "min_age_to_force_merge_seconds = {}, min_age_to_force_merge_on_partition_only = 1",
        limits::CLICKHOUSE_MERGE_SECONDS
    )
}

/// Several nodes may add the same row; only the greatest counts.
pub fn put_version() -> String {
    format!(
        "INSERT INTO versions SELECT {VERSION} WHERE {VERSION} NOT IN (SELECT version FROM versions)"
    )
}

pub fn create_database(database: &str, layout: &Layout) -> String {
    format!("CREATE DATABASE IF NOT EXISTS {}{}", name(database), layout.on_cluster())
}

/// text: the engine of each table of the database with this name.
pub fn engine(database: &str, table: &str, params: &mut Params) -> String {
    format!(
        "SELECT engine_full AS text FROM system.tables WHERE database = {} AND name = {}",
        params.text(database),
        params.text(table)
    )
}

pub fn newest_version(layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(max(version)) AS number FROM {}{}",
        layout.everywhere("versions"),
        layout.without_absent()
    )
}

/// text: the clusters that the server knows.
pub const CLUSTERS: &str = "SELECT DISTINCT cluster AS text FROM system.clusters ORDER BY cluster";

/// number: 1 if all hosts of the cluster that answer have all columns.
pub fn is_everywhere(layout: &Layout) -> String {
    let names: Vec<String> = columns().iter().map(|column| format!("'{}'", column.name)).collect();
    format!(
        "SELECT toUInt64(ifNull((SELECT count() FROM {} WHERE {} AND table IN ('hits', '{}') AND name IN ({}))
             = {} * (SELECT count() FROM {}), 0)) AS number{}",
        layout.system("columns"),
        layout.ours(),
        layout.hits(),
        names.join(", "),
        2 * names.len(),
        layout.system("one"),
        layout.without_absent(),
    )
}

/// An INSERT whose rows follow.
pub fn insert() -> String {
    let names: Vec<&str> = columns().iter().map(|column| column.name).collect();
    format!("INSERT INTO hits ({}) FORMAT RowBinaryWithNamesAndTypes", names.join(", "))
}
