//! Statements about the version of a database's tables: `PRAGMA user_version` of a SQLite file, a table of one row in
//! PostgreSQL.

pub const OF_FILE: &str = "SELECT user_version FROM pragma_user_version";

/// A pragma takes no parameters.
pub fn set_of_file(version: i64) -> String {
    format!("PRAGMA user_version = {version}")
}

/// The number of tables of that name.
pub const HAS_TABLE: &str =
    "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1";

pub fn create(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (only_row BIGINT PRIMARY KEY CHECK (only_row = 1), number BIGINT NOT NULL); \
         INSERT INTO {table} VALUES (1, 0) ON CONFLICT DO NOTHING"
    )
}

pub fn get(table: &str) -> String {
    format!("SELECT number FROM {table}")
}

pub fn set(table: &str, version: i64) -> String {
    format!("UPDATE {table} SET number = {version}")
}

/// Nodes that start at the same time migrate one after the other.
pub const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(4740135190614343)";
