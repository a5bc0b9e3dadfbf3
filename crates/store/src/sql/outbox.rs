//! Statements about the outbox of notices, for SQLite (`monitors.sqlite`) and PostgreSQL.

/// A notice is written once for each channel, however often its transition is handled.
pub const PUT: &str = "INSERT INTO outbox (channel, channel_us, project, monitor, key, thread, stage, severity, created_ms,
    tries, next_ms, state, notice) SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT),
    CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5, value ->> 6, value ->> 7, CAST(value ->> 8 AS BIGINT), 0,
    CAST(value ->> 8 AS BIGINT), 'waiting', value ->> 9 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";

pub const WAITING_CHANNELS: &str =
    "SELECT DISTINCT channel FROM outbox WHERE state = 'waiting' ORDER BY channel";

/// The oldest of a channel, without their content.
pub const WAITING: &str = "SELECT id, project, thread, stage, severity, created_ms, tries, next_ms, CASE WHEN EXISTS (SELECT 1 FROM outbox AS opening
    WHERE opening.channel = waiting.channel AND opening.thread = waiting.thread AND opening.stage = 'opening'
    AND opening.state = 'delivered') THEN 1 ELSE 0 END AS opening_delivered FROM outbox AS waiting WHERE channel = $1 AND state = 'waiting'
    ORDER BY id LIMIT $2";

pub const NOTICES: &str = "SELECT id, notice FROM outbox WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY id";

/// The service's id of the opening.
pub const REPLY_TO: &str = "SELECT message FROM outbox WHERE channel = $1 AND thread = $2 AND stage = 'opening' AND state = 'delivered'
    AND message IS NOT NULL ORDER BY id LIMIT 1";

pub const ADD_TRIES: &str = "INSERT INTO tries (delivery, at_ms, took_ms, status, reason)
    SELECT CAST(value AS BIGINT), $2, $3, $4, $5 FROM json_each($1)";
pub const END: &str = "UPDATE outbox SET state = $2, ended_ms = $3, message = $4, tries = tries + $5 WHERE state = 'waiting'
    AND id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
pub const END_ALL: &str =
    "UPDATE outbox SET state = 'failed', ended_ms = $1 WHERE channel = $2 AND state = 'waiting'";
pub const TRY_AGAIN: &str =
    "UPDATE outbox SET tries = tries + 1, next_ms = $2 WHERE state = 'waiting'
    AND id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";

/// Newest first.
pub const DELIVERIES: &str = "SELECT id, created_ms, next_ms, state, ended_ms, notice FROM outbox
    WHERE channel = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
pub const TRIES: &str = "SELECT delivery, at_ms, took_ms, status, reason FROM tries
    WHERE delivery IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY delivery, at_ms";

/// Of one thread, to every channel, in order.
pub const OF_THREAD: &str =
    "SELECT channel, stage, state, created_ms, next_ms, ended_ms, tries FROM outbox
    WHERE monitor = $1 AND thread = $2 ORDER BY id";

/// Rows of deleted channels; tries first. Parameter: the live channels as a JSON array of pairs.
pub const KEEP_ONLY: [&str; 2] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE (channel, channel_us) NOT IN
     (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) FROM json_each($1)))",
    "DELETE FROM outbox WHERE (channel, channel_us) NOT IN (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) FROM json_each($1))",
];

pub const TRIM: [&str; 2] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE ended_ms < $1)",
    "DELETE FROM outbox WHERE ended_ms < $1",
];
