//! The tables in ClickHouse.
//!
//! Types and codecs were measured on 1 million hits of 2,000 callers (few) and of an address and a path per hit (many),
//! bytes a hit: times Delta + ZSTD 3.2, ZSTD alone 4.2; durations T64 + ZSTD 1.9, ZSTD 2.4; agents LowCardinality 1.0 (few)
//! and 5.0 (many), String 2.7 and 3.9; users LowCardinality 1.6, String 2.7; routes LowCardinality 0.7 and 9.3, String 1.8
//! and 9.1; paths LowCardinality 6.4 and 9.3, String 4.8 and 9.1; addresses IPv6 3.1 and 4.1, String 4.8 and 6.0,
//! LowCardinality 1.6 and 6.6 (and grouped four times slower).

use analytics::hit::TextKind;
use analytics::hit_fields::{FIELDS, Number, Stored};
use analytics::limits;

/// Raise it when a statement of `migrate` changes what a table holds. A new field of a hit needs no step of its own: every
/// start adds the columns that are missing.
pub const VERSION: u32 = 1;

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

/// Statements that make the tables or bring them up to date. Each may run any number of times, on several nodes at once.
pub fn migrate() -> Vec<String> {
    let definition =
        |column: &Column| format!("{} {} CODEC({})", column.name, column.kind, column.codec);
    let columns = columns();
    let stored: Vec<String> = columns.iter().map(definition).collect();
    let tokens = limits::CLICKHOUSE_TOKENS;
    let hits = format!(
        "CREATE TABLE IF NOT EXISTS hits ({},
             address String ALIAS {},
             time DateTime64(6, 'UTC') ALIAS fromUnixTimestamp64Micro(time_us, 'UTC'))
         ENGINE = MergeTree
         PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(time_us, 'UTC'))
         ORDER BY (project, time_us, hit_id)
         SETTINGS non_replicated_deduplication_window = {tokens}, {ON_DISK}, {NOTHING_LEFT}",
        stored.join(", "),
        address(IP, OTHER_ADDRESS),
    );
    let versions =
        "CREATE TABLE IF NOT EXISTS versions (version UInt32) ENGINE = MergeTree ORDER BY version";
    let mut statements = vec![versions.to_owned(), hits];
    let add = |column: &Column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column));
    let missing: Vec<String> = columns.iter().map(add).collect();
    statements.push(format!("ALTER TABLE hits {}", missing.join(", ")));
    // Several nodes may add the same row; only the greatest counts.
    statements.push(format!(
        "INSERT INTO versions SELECT {VERSION} WHERE {VERSION} NOT IN (SELECT version FROM versions)"
    ));
    statements
}

/// The database is a name from the operator: it is quoted, as no parameter can be one.
pub fn create_database(name: &str) -> String {
    format!("CREATE DATABASE IF NOT EXISTS {}", quoted(name))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

pub const HAS_VERSIONS: &str = "SELECT toUInt64(count()) AS number FROM system.tables WHERE database = currentDatabase() AND name = 'versions'";
pub const NEWEST_VERSION: &str = "SELECT toUInt64(max(version)) AS number FROM versions";

/// An INSERT whose rows follow.
pub fn insert() -> String {
    let names: Vec<&str> = columns().iter().map(|column| column.name).collect();
    format!("INSERT INTO hits ({}) FORMAT RowBinaryWithNamesAndTypes", names.join(", "))
}
