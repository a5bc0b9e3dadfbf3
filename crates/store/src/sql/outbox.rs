//! The tables and statements of the outbox of notices, in `monitors.sqlite` (SQLite).

/// `outbox`: a row for each notice and channel, `state` one of `waiting`, `delivered`, `failed`, `given_up`. `tries`:
/// the result of each try.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, channel INTEGER NOT NULL, channel_us INTEGER NOT NULL,
    project INTEGER NOT NULL, monitor INTEGER NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, stage TEXT NOT NULL,
    severity TEXT NOT NULL, created_ms INTEGER NOT NULL, tries INTEGER NOT NULL, next_ms INTEGER NOT NULL, state TEXT NOT NULL,
    ended_ms INTEGER, message TEXT, notice TEXT NOT NULL, UNIQUE (channel, key)) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (channel, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS outbox_thread ON outbox (channel, thread);
CREATE INDEX IF NOT EXISTS outbox_monitor ON outbox (monitor);
CREATE TABLE IF NOT EXISTS tries (delivery INTEGER NOT NULL, at_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL, status INTEGER,
    reason TEXT) STRICT;
CREATE INDEX IF NOT EXISTS tries_delivery ON tries (delivery);
";

/// A notice is written once for each channel, however often its transition is handled.
pub const PUT: &str = "INSERT OR IGNORE INTO outbox (channel, channel_us, project, monitor, key, thread, stage, severity, created_ms,
    tries, next_ms, state, notice) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, 0, value ->> 8, 'waiting', value ->> 9 FROM json_each(?)";

pub const WAITING_CHANNELS: &str = "SELECT DISTINCT channel FROM outbox WHERE state = 'waiting'";

/// The oldest of a channel, without their content.
pub const WAITING: &str = "SELECT id, project, thread, stage, severity, created_ms, tries, next_ms, EXISTS (SELECT 1 FROM outbox AS opening
    WHERE opening.channel = waiting.channel AND opening.thread = waiting.thread AND opening.stage = 'opening'
    AND opening.state = 'delivered') AS opening_delivered FROM outbox AS waiting WHERE channel = ? AND state = 'waiting'
    ORDER BY id LIMIT ?";

pub const NOTICES: &str =
    "SELECT id, notice FROM outbox WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id";

/// The service's id of the opening.
pub const REPLY_TO: &str = "SELECT message FROM outbox WHERE channel = ? AND thread = ? AND stage = 'opening' AND state = 'delivered'
    AND message IS NOT NULL ORDER BY id LIMIT 1";

pub const ADD_TRIES: &str = "INSERT INTO tries SELECT value, ?, ?, ?, ? FROM json_each(?)";
pub const END: &str = "UPDATE outbox SET state = ?, ended_ms = ?, message = ?, tries = tries + ? WHERE state = 'waiting'
    AND id IN (SELECT value FROM json_each(?))";
pub const END_ALL: &str =
    "UPDATE outbox SET state = 'failed', ended_ms = ? WHERE channel = ? AND state = 'waiting'";
pub const TRY_AGAIN: &str =
    "UPDATE outbox SET tries = tries + 1, next_ms = ? WHERE state = 'waiting'
    AND id IN (SELECT value FROM json_each(?))";

/// Newest first.
pub const DELIVERIES: &str = "SELECT id, created_ms, next_ms, state, ended_ms, notice FROM outbox
    WHERE channel = ? AND id < ? ORDER BY id DESC LIMIT ?";
pub const TRIES: &str = "SELECT delivery, at_ms, took_ms, status, reason FROM tries
    WHERE delivery IN (SELECT value FROM json_each(?)) ORDER BY delivery, at_ms";

/// Of one thread, to every channel, in order.
pub const OF_THREAD: &str =
    "SELECT channel, stage, state, created_ms, next_ms, ended_ms, tries FROM outbox
    WHERE monitor = ? AND thread = ? ORDER BY id";

/// Rows of deleted channels; tries first. Parameter: the live channels as a JSON array of pairs.
pub const KEEP_ONLY: [&str; 2] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE (channel, channel_us) NOT IN
     (SELECT value ->> 0, value ->> 1 FROM json_each(?)))",
    "DELETE FROM outbox WHERE (channel, channel_us) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
];

pub const TRIM: [&str; 2] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE ended_ms < ?)",
    "DELETE FROM outbox WHERE ended_ms < ?",
];
