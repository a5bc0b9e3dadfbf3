//! Statements about the state of alert rules, for SQLite (`monitors.sqlite`) and PostgreSQL.

pub const PUT: &str = "INSERT INTO rule_states (id, created_us, state)
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2 FROM json_each($1) WHERE true
    ON CONFLICT (id) DO UPDATE SET created_us = excluded.created_us, state = excluded.state";
pub const STATES: &str = "SELECT id, created_us, state FROM rule_states";
pub const IDS: &str = "SELECT id, created_us FROM rule_states";
pub const PUT_LATENESS: &str = "INSERT INTO rule_lateness (only_row, state) VALUES (1, $1)
    ON CONFLICT (only_row) DO UPDATE SET state = excluded.state";
pub const LATENESS: &str = "SELECT state FROM rule_lateness";

/// Deletes a rule after its incidents and notices (`checks::FORGET_INCIDENTS`), so that an interrupted deletion is
/// found again.
pub const FORGET: &str = "DELETE FROM rule_states WHERE id = $1";
