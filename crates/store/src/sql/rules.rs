//! The tables and statements of alert rules, in `monitors.sqlite` (SQLite).

/// `rules`: the state of each one's alerts. `rule_lateness`: the time since which none can be judged.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS rules (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rule_lateness (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), state TEXT NOT NULL) STRICT;
";

pub const PUT: &str =
    "INSERT OR REPLACE INTO rules SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)";
pub const STATES: &str = "SELECT id, created_us, state FROM rules";
pub const IDS: &str = "SELECT id, created_us FROM rules";
pub const PUT_LATENESS: &str = "INSERT OR REPLACE INTO rule_lateness VALUES (1, ?)";
pub const LATENESS: &str = "SELECT state FROM rule_lateness";

/// Deletes a rule after its incidents and notices (`checks::FORGET_INCIDENTS`), so that an interrupted deletion is
/// found again.
pub const FORGET: &str = "DELETE FROM rules WHERE id = ?";
