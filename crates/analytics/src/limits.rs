//! Every limit, window and duration of the program, in one table: its value, the reason for it, the code that a client
//! sees when it meets it, and whether the operator may change it.
//!
//! Code uses the constants; documents, `check-config` and error messages read the rows. A number is written here and
//! nowhere else. This file does not enforce anything.

use std::fmt;

/// The unit of a limit's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Characters,
    Days,
    Hits,
    Hours,
    Items,
    Milliseconds,
    Minutes,
    Percent,
    Rows,
    Seconds,
}

impl Unit {
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Characters => "characters",
            Unit::Days => "days",
            Unit::Hits => "hits",
            Unit::Hours => "hours",
            Unit::Items => "items",
            Unit::Milliseconds => "milliseconds",
            Unit::Minutes => "minutes",
            Unit::Percent => "percent",
            Unit::Rows => "rows",
            Unit::Seconds => "seconds",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of `LIMITS`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Stable, snake case; the key of a setting where `settable`.
    pub name: &'static str,
    /// In `unit`; `UNLIMITED` if there is no limit until someone sets one.
    pub value: u64,
    pub unit: Unit,
    /// The error code or rejection reason that a client sees; "" if nobody is refused.
    pub code: &'static str,
    pub settable: bool,
    /// Why this number.
    pub reason: &'static str,
}

impl Limit {
    /// None: no limit.
    pub fn value(&self) -> Option<u64> {
        (self.value != UNLIMITED).then_some(self.value)
    }
}

/// The value of a limit that is not set.
pub const UNLIMITED: u64 = u64::MAX;

/// The row of that name.
pub fn find(name: &str) -> Option<&'static Limit> {
    LIMITS.iter().find(|limit| limit.name == name)
}

/// Makes a constant and a row of `LIMITS` of each entry, so that no number is written twice.
macro_rules! limits {
    ($($constant:ident $name:literal = $value:expr, $unit:ident, $settable:ident, $code:literal, $reason:literal;)*) => {
        $(#[doc = $reason] pub const $constant: u64 = $value;)*

        /// All of them, in the order in which a batch meets them.
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: $name,
            value: $constant,
            unit: Unit::$unit,
            code: $code,
            settable: limits!(@ $settable),
            reason: $reason,
        }),*];
    };
    (@ settable) => { true };
    (@ fixed) => { false };
}

limits! {
    // Connections.
    CONNECTIONS "connections" = 10_000, Items, settable, "",
        "Open connections, where the system allows as many files; for further ones the longest idle is closed. Each costs a few kilobytes.";
    CONNECTIONS_PER_ADDRESS "connections_per_address" = 500, Items, settable, "",
        "Of one address (of IPv6: one network), and at most half of all: more than an office behind one address opens. This machine and trusted proxies may have all.";
    LEAST_CONNECTIONS "least_connections" = 64, Items, fixed, "",
        "Where the system allows fewer, the server does not start: some browsers and a few apps would fill them.";
    RESERVED_FILES "reserved_files" = 256, Items, fixed, "",
        "Open files that connections leave to the databases, beside those of the data at the start: logs, spilled queries, files of the months to come.";
    SILENT_MS "silent_ms" = 100, Milliseconds, fixed, "",
        "How long a new connection is left alone before it has to make room: its first call follows right behind the handshake.";
    KEPT_ALIVE_SECONDS "kept_alive_seconds" = 5, Seconds, fixed, "",
        "The same of a kept-alive one between two calls: a call that crosses its closing is lost.";
    FULL_SECONDS "full_seconds" = 3, Seconds, fixed, "",
        "How long new connections wait before those have to make room too: slow bodies are given up within 2 s while others wait.";
    FULL_MS_PER_END "full_ms_per_end" = 20, Milliseconds, fixed, "",
        "By how much new connections wait longer for each one that meanwhile ends by itself or has had its time: while 50 and more do in a second, no other has to be closed.";
    HEADER_READ_SECONDS "header_read_seconds" = 95, Seconds, fixed, "request_timeout",
        "The same timer runs between two calls of a kept-alive connection, and common clients keep one for 90 s: who closes first must be the client.";
    TLS_HANDSHAKE_SECONDS "tls_handshake_seconds" = 10, Seconds, fixed, "",
        "How long a new connection may take to agree on TLS: two round trips on the worst of lines, and as long as draining takes.";
    TLS_LOOK_SECONDS "tls_look_seconds" = 30, Seconds, fixed, "",
        "How often it is looked whether the files of certificate and key have changed: they are renewed weeks before they expire.";
    ACME_NAMES "acme_names" = 20, Items, fixed, "",
        "Domains of the setting acme: each is proven on its own, and Let's Encrypt takes 100.";
    ACME_ORDER_SECONDS "acme_order_seconds" = 180, Seconds, fixed, "",
        "How long an order of a certificate may take, with the authority's look at every name; it takes some ten seconds.";
    ACME_CALL_SECONDS "acme_call_seconds" = 30, Seconds, fixed, "",
        "How long one call of that may take.";
    ACME_RETRY_SECONDS "acme_retry_seconds" = 300, Seconds, fixed, "",
        "The wait after an order that failed, doubled with each: Let's Encrypt allows five failed proofs of a name an hour.";
    ACME_RETRY_MOST_SECONDS "acme_retry_most_seconds" = 6 * 3_600, Seconds, fixed, "",
        "The longest such wait: renewal begins weeks before a certificate expires.";
    ACME_LOOK_SECONDS "acme_look_seconds" = 3_600, Seconds, fixed, "",
        "How often it is looked at least whether the ordered certificate is due to be renewed, which it is for the last third of its time.";
    HSTS_DAYS "hsts_days" = 365, Days, settable, "",
        "How long browsers that came over this server's own TLS shall refuse to come without; off tells them nothing.";
    BODY_READ_SECONDS "body_read_seconds" = 60, Seconds, fixed, "request_timeout",
        "Room for a 15 MB batch over 2 Mbit/s; slower than that is a slow-loris.";
    FIRST_CALL_MS "first_call_ms" = 500, Milliseconds, fixed, "",
        "How long a connection that has called nothing yet may do so after SIGTERM: its client is about to, and may not try again.";
    DRAIN_SECONDS "drain_seconds" = 10, Seconds, settable, "",
        "How long requests in flight may finish after SIGTERM; systemd kills after 90 s by default.";
    UNKNOWN_KEYS_PER_MINUTE "unknown_keys_per_minute" = 60, Items, settable, "too_many_unknown_keys",
        "Posts with an unknown key from one address: guessing UUIDs is hopeless, but looking them up is not free.";
    PROJECT_CREATIONS_PER_HOUR "project_creations_per_hour" = 20, Items, settable, "too_many_projects",
        "Projects that one address may create where registration is open.";
    REFUSAL_LINE_SECONDS "refusal_line_seconds" = 60, Seconds, fixed, "",
        "Posts that are refused for one reason get a line of the log this often: a client that tries again every second must not fill it.";
    CALL_ID_CHARACTERS "call_id_characters" = 128, Characters, fixed, "",
        "The id of a call that its caller gives in X-Request-ID; of a longer one nothing is kept, and the call gets an id of ours. A UUID has 36.";
    HEALTH_SECONDS "health_seconds" = 5, Seconds, fixed, "",
        "How long `api-analytics health` waits for an answer: health is answered from memory.";
    RATE_LIMITED_ADDRESSES "rate_limited_addresses" = 100_000, Items, fixed, "",
        "Addresses that the rate limits remember; beyond it the oldest are forgotten, so that memory stays bounded.";

    // Sessions and access.
    POSTGRES_CONNECTIONS "postgres_connections" = 8, Items, fixed, "",
        "Of one node to PostgreSQL: changes are rare, and reads are answered from memory.";
    POSTGRES_CHECKS_CONNECTIONS "postgres_checks_connections" = 4, Items, fixed, "",
        "Of one node to PostgreSQL for results of checks, beside one for claims: one writes each second, the others read.";
    MOVED_HITS "moved_hits" = 20_000, Hits, fixed, "",
        "Hits that `migrate` reads and inserts at once: some 20 MB in memory, and one file on the new side.";
    COMPARED_HITS "compared_hits" = 100, Hits, fixed, "",
        "Hits at either end of a project that `migrate` compares in full, beside the counts of every day.";
    REPLACED_STRETCHES "replaced_stretches" = 200, Items, fixed, "",
        "Days of projects that `migrate` takes away by one statement before it moves them again: each statement rewrites parts, and has some 80 bytes for each.";
    MOVED_ROWS "moved_rows" = 2_000, Items, fixed, "",
        "Rows of results that `migrate` copies and compares at a time: a megabyte, in a tenth of a second.";
    POSTGRES_CONNECT_SECONDS "postgres_connect_seconds" = 3, Seconds, fixed, "",
        "How long a call waits for a connection to PostgreSQL: somebody waits for the answer, and one that runs answers in milliseconds.";
    TEMPLATES_WAIT_MS "templates_wait_ms" = 1_000, Milliseconds, fixed, "",
        "How long the answer to a batch waits until a route that it taught is written down; it is tried again within a minute.";
    POSTGRES_WAIT_SECONDS "postgres_wait_seconds" = 10, Seconds, fixed, "",
        "How long a statement may run in PostgreSQL or wait for a lock, and a start for a server that has just ended: statements take milliseconds.";
    POSTGRES_ANSWER_SECONDS "postgres_answer_seconds" = 12, Seconds, fixed, "",
        "How long this server waits for the end of a statement: longer than PostgreSQL lets it run, so only one that hangs, or whose network is cut, is given up.";
    META_RELOAD_SECONDS "meta_reload_seconds" = 60, Seconds, fixed, "",
        "How often a server that shares PostgreSQL reads everything again, whatever it heard of changes: how long it may miss one while PostgreSQL can be reached.";
    META_STALE_SECONDS "meta_stale_seconds" = 30, Seconds, fixed, "database_away",
        "How long a server that shares PostgreSQL shows hits without knowing what the others change: a key that was revoked there works here that long. A restart of PostgreSQL takes less.";
    SERVER_BEAT_MS "server_beat_ms" = 1_000, Milliseconds, fixed, "",
        "How often a server that shares PostgreSQL tells the others that it lives, and tries to lead: a row and a lock.";
    SERVER_BEAT_ANSWER_MS "server_beat_answer_ms" = 4_000, Milliseconds, fixed, "",
        "How long such a sign of life may take; then the server no longer leads. With the time between two it is shorter than `server_vanished_ms`, so it stops before another one begins.";
    SERVER_VANISHED_MS "server_vanished_ms" = 7_000, Milliseconds, fixed, "",
        "How long PostgreSQL waits for a server that has vanished or says nothing before it ends its sessions, and another server leads: less than ten seconds in all.";
    CLAIM_IDLE_SECONDS "claim_idle_seconds" = 60, Seconds, fixed, "",
        "How long a server that hangs keeps others from sending the notices of a channel that it was at: several times `notice_send_seconds`.";
    LEADER_REST_SECONDS "leader_rest_seconds" = 3, Seconds, fixed, "",
        "How long a server that was cut off from PostgreSQL, as all are when it restarts, lets the one that led go first: that one has results that are not written yet.";
    SERVER_GONE_SECONDS "server_gone_seconds" = 15, Seconds, fixed, "",
        "A server without a sign of life for so long is reported as gone: longer than another one takes to lead.";
    FOLLOWER_LOOK_SECONDS "follower_look_seconds" = 10, Seconds, fixed, "",
        "How often a server that does not check monitors reads what the one that does has found: an interval of checks is at least 30 s.";
    SECRETS_LOOKED_FOR "secrets_looked_for" = 4, Items, fixed, "",
        "Calls with an unknown key or session whose secret is looked for in PostgreSQL at a time, if servers share it: another one may just have created it. Half of the connections stay free.";
    DRAIN_FOLDER_SECONDS "drain_folder_seconds" = 600, Seconds, fixed, "",
        "How long `drain` waits until a folder's batches are in ClickHouse, 4 GiB at most; then it says what is left.";
    BARRIER_SECONDS "barrier_seconds" = 20, Seconds, fixed, "erasure_waits",
        "How long an erasure waits until the other servers have put what they accepted before into ClickHouse, which takes them seconds.";
    SESSION_IDLE_DAYS "session_idle_days" = 30, Days, fixed, "",
        "A session that nobody used for that long has been left behind on some machine.";
    SESSION_DAYS "session_days" = 365, Days, fixed, "",
        "However often it is used: a stolen cookie must end some day.";
    SESSIONS_PER_PROJECT "sessions_per_project" = 1_000, Items, fixed, "",
        "Sessions that hold one project, so that signing in again and again takes no memory; the longest unused makes room.";
    PROJECTS_PER_SESSION "projects_per_session" = 100, Items, fixed, "",
        "Projects of one session: more than fit a switcher. The one signed in longest ago makes room.";
    KEYS_PER_PROJECT "keys_per_project" = 100, Items, fixed, "too_many_keys",
        "Keys of a project that work; an app of its own for each is still a short list. As many revoked ones are kept to look up.";
    SHARE_LINKS_PER_PROJECT "share_links_per_project" = 100, Items, fixed, "too_many_share_links",
        "Share links of a project: they are answered from memory, and revoking needs a list that can be read.";
    NAME_CHARACTERS "name_characters" = 100, Characters, fixed, "invalid_name",
        "The name of a project or share link is a label on a page, not a text.";

    KEPT_DAYS "kept_days" = 36_500, Days, fixed, "invalid_setting",
        "The longest that a project may say to keep its hits: a century, beyond which days are a mistake.";
    APDEX_MS "apdex_ms" = 3_600_000, Milliseconds, fixed, "invalid_setting",
        "The highest threshold of Apdex: an hour; four of it are still below the longest duration kept.";

    // A body.
    BODY_BYTES "body_bytes" = 64 << 20, Bytes, settable, "body_too_large",
        "A batch after it was inflated. 60,000 hits, a minute of 1,000 requests a second, take 15 MB.";
    BODIES_IN_FLIGHT_BYTES "bodies_in_flight_bytes" = 128 << 20, Bytes, settable, "overloaded",
        "Inflated bodies with a known key that are held at once, over all connections; it bounds the memory of ingest. One project has half at most; bodies whose key is not known yet have a quarter as much.";
    SMALL_BODY_BYTES "small_body_bytes" = 64 << 10, Bytes, fixed, "body_too_large",
        "The start of a body, paid out of a reserve: small batches get in however many large ones are under way. Other calls than posts of hits take no more.";
    SMALL_BODIES_BYTES "small_bodies_bytes" = 16 << 20, Bytes, fixed, "overloaded",
        "That reserve, for bodies with a known key and for others each: 256 whole ones, and many more that have only begun.";
    BODY_LOOK_SECONDS "body_look_seconds" = 2, Seconds, fixed, "",
        "How often it is looked how fast a body comes.";
    UNREAD_LOOK_SECONDS "unread_look_seconds" = 1, Seconds, fixed, "",
        "How often it is looked whether others wait for what an answer holds that its client does not read.";
    SLOW_BODY_SECONDS "slow_body_seconds" = 10, Seconds, fixed, "request_timeout",
        "How often it is looked whether a body still comes.";
    SLOW_BODY_BYTES "slow_body_bytes" = 16 << 10, Bytes, fixed, "request_timeout",
        "Bytes that must have come since: a modem brings twice as many. While connections wait for a slot, within 2 s.";
    SLOW_BODY_BYTES_WHEN_SHORT "slow_body_bytes_when_short" = 128 << 10, Bytes, fixed, "request_timeout",
        "The same of a large body within 2 s, while little memory for bodies is left: half a megabit a second.";
    BODY_WAIT_SECONDS "body_wait_seconds" = 5, Seconds, fixed, "overloaded",
        "How long a body waits for memory before it is refused: longer than one that comes slowly is put up with.";
    DISCARDED_BODY_BYTES "discarded_body_bytes" = 128 << 20, Bytes, fixed, "",
        "The rest of a body that was answered before it had come whole is read and dropped up to here: most clients send all of a body before they look for the answer, and would find a closed connection in place of the error. A body that announces more is broken off.";
    DISCARDED_BODY_SECONDS "discarded_body_seconds" = 10, Seconds, fixed, "",
        "How long that rest may take to come.";
    HITS_PER_BATCH "hits_per_batch" = 100_000, Hits, fixed, "too_many_hits",
        "More than a minute of 1,000 requests a second; the index of a hit in its batch has 17 bits.";
    JSON_NESTING "json_nesting" = 128, Items, fixed, "invalid_json",
        "Depth to which bodies may nest, serde_json's own bound. A batch's is free: what we do not keep is passed over without recursion.";
    REJECTED_LISTED "rejected_listed" = 1_000, Items, fixed, "",
        "Rejected hits that an answer lists and a receipt keeps; further ones are only counted.";

    // A hit's texts.
    PATH_CHARACTERS "path_characters" = 2_048, Characters, fixed, "",
        "Longer paths are cut; what is beyond is no name of an endpoint.";
    ROUTE_CHARACTERS "route_characters" = 2_048, Characters, fixed, "", "As paths.";
    ROUTE_VALUES "route_values" = 100, Items, fixed, "",
        "Different values at one place of the paths without a route, over a project's life, before the place is a parameter: few APIs have as many words behind one prefix.";
    ROUTE_KEPT_PERCENT "route_kept_percent" = 10, Percent, fixed, "",
        "A value with this share of a place's requests keeps its endpoint: /users/me beside /users/{name}. With 100 values the average has 1 %.";
    ROUTE_KEPT_UNLIKE_PERCENT "route_kept_unlike_percent" = 2, Percent, fixed, "",
        "The same for one that looks unlike the other values (a word among slugs): twice the average.";
    ROUTE_KEPT_HITS "route_kept_hits" = 10, Hits, fixed, "",
        "Requests that a value needs to keep its endpoint: a share of fewer says nothing.";
    ROUTE_WORDS "route_words" = 10_000, Items, fixed, "",
        "Words of paths that are known of one project: 1 MB, with its templates 6 MB at the most. Paths beyond keep the route that they have.";
    ROUTE_WORDS_ALL "route_words_all" = 1_000_000, Items, fixed, "",
        "The same of all projects together, about 100 MB.";
    ROUTE_SEGMENTS "route_segments" = 16, Items, fixed, "",
        "Segments of a path from which routes are learned; those of real APIs have at most about ten.";
    ROUTE_TEMPLATE_CHARACTERS "route_template_characters" = 512, Characters, fixed, "",
        "A template, and the paths from which routes are learned: up to 10,000 templates of a project are in memory and in one row.";
    ROUTE_UNMATCHED "route_unmatched" = 100, Items, fixed, "",
        "Different paths of a project that nothing answered which have a row of their own; the rest, a scanner's, share one.";
    ROUTES_SENT "routes_sent" = 2_000, Items, fixed, "",
        "Different routes that a project's clients have sent, which no learned template may change: an application has some hundreds. With more, older requests keep the routes they came with.";
    ROUTE_NAME_CHARACTERS "route_name_characters" = 32, Characters, fixed, "",
        "Name of a parameter in a template; it is shown in every table of endpoints.";
    AGENT_CHARACTERS "agent_characters" = 1_024, Characters, fixed, "",
        "Longer user agents are cut; real ones have 60 to 300 characters.";
    USER_CHARACTERS "user_characters" = 255, Characters, fixed, "",
        "Longer user ids are cut; room for an e-mail address (254).";
    HOST_CHARACTERS "host_characters" = 255, Characters, fixed, "", "A DNS name has at most 253.";
    ADDRESS_CHARACTERS "address_characters" = 1_024, Characters, fixed, "",
        "How far into a list of addresses the first valid one is looked for.";
    REFERRER_CHARACTERS "referrer_characters" = 2_048, Characters, fixed, "", "As paths.";
    REQUEST_ID_CHARACTERS "request_id_characters" = 128, Characters, fixed, "",
        "Longer request ids are cut. A UUID has 36, a W3C trace context 55; each hit has another one, so their length is what they cost.";
    METHOD_CHARACTERS "method_characters" = 32, Characters, fixed, "invalid_method",
        "The longest registered method is UPDATEREDIRECTREF (17); longer ones are garbled.";
    FRAMEWORK_CHARACTERS "framework_characters" = 64, Characters, fixed, "", "A name; longer ones are cut.";
    SDK_CHARACTERS "sdk_characters" = 64, Characters, fixed, "", "A name and a version; longer ones are cut.";
    BATCH_ID_CHARACTERS "batch_id_characters" = 128, Characters, fixed, "invalid_batch_id",
        "Room for any id that is made at random. Cutting one could make two batches the same, so longer is refused.";
    KEY_CHARACTERS "key_characters" = 128, Characters, fixed, "unknown_key", "A UUID has 36.";

    // A hit's numbers.
    DURATION_MS "duration_ms" = 86_400_000, Milliseconds, fixed, "",
        "24 h: longer durations count as this, where the log-buckets of latency end.";
    MAX_AGE_DAYS "max_age" = 365, Days, settable, "too_old",
        "A hit older than this at arrival comes from a broken clock; a year covers any outage of a client.";
    CLOCK_SKEW_SECONDS "clock_skew_seconds" = 300, Seconds, fixed, "",
        "A clock that is further ahead is wrong, and its batch is shifted; NTP keeps within seconds.";

    // Retention.
    KEEP_HITS_DAYS "keep_hits" = UNLIMITED, Days, settable, "too_old",
        "Hits are kept for ever unless the project says otherwise: they take about 20 bytes each.";
    INACTIVE_AFTER_DAYS "inactive_after" = 183, Days, settable, "",
        "Six months without an accepted batch or an authenticated look: nobody misses the project.";
    INACTIVE_GRACE_DAYS "inactive_grace" = 14, Days, fixed, "",
        "How long the page and the log say that an inactive project will be erased, before it is.";
    CLOCK_LEAP_HOURS "clock_leap_hours" = 48, Hours, fixed, "",
        "How far ahead of the last time at which the server ran the clock may be before nothing is erased by age: a weekend of being off.";
    CLOCK_CONFIRM_HOURS "clock_confirm_hours" = 72, Hours, fixed, "",
        "How long a clock that leapt further must run on steadily before it is believed: time for somebody to see the note in health.";
    RECEIPTS "receipts" = 2_000_000, Items, settable, "",
        "Batch ids remembered, by this server and by all that share PostgreSQL; over 24 h, in which clients retry, that is 23 posts a second. Early forgetting is counted.";
    RECEIPT_DAYS "receipt_days" = 7, Days, fixed, "",
        "How long a batch id is remembered; our clients give up after a day.";
    TAKEN_WAIT_SECONDS "taken_wait_seconds" = 60, Seconds, fixed, "",
        "How long hits wait while PostgreSQL can't say which batches another server has taken, and then between two questions: a failover is shorter. Then they are stored, and a batch that its client has sent to two servers may count twice.";
    TAKEN_FORGOTTEN_AT_ONCE "taken_forgotten_at_once" = 50_000, Items, fixed, "",
        "Batch ids that servers have in common which one statement in PostgreSQL forgets: a second at most.";
    REPEAT_WINDOW_MINUTES "repeat_window_minutes" = 10, Minutes, fixed, "",
        "Node's client posts its buffer again while a post is in flight: within seconds, or minutes under a slow network.";

    SAMPLE_CHARACTERS "sample_characters" = 60, Characters, fixed, "",
        "Of the value that a hit was rejected for; enough to see what is wrong with it.";
    HEALTH_SOURCES "health_sources" = 50, Items, fixed, "",
        "Clients (library, framework, host) that ingest health lists for a project; the longest silent makes room.";
    HEALTH_PROJECTS "health_projects" = 20_000, Items, fixed, "",
        "Projects whose ingest is counted in memory until it is next written down, half a kilobyte each. More than post within a minute.";

    DEMO_DAYS "demo_days" = 60, Days, fixed, "",
        "What the demo shows and keeps: two months, so that periods up to 30 days have one before to compare with.";

    // The store.
    INBOX_BYTES "inbox_bytes" = 4 << 30, Bytes, settable, "overloaded",
        "Records that wait to be applied: hours of an engine's outage. Above half of it projects share the rest fairly.";
    DISK_FREE_PERCENT "disk_free_percent" = 5, Percent, settable, "disk_low",
        "Below it ingest is refused while sealing and erasing still have room to work.";
    DISK_FREE_BYTES "disk_free_bytes" = 256 << 20, Bytes, settable, "disk_low",
        "The same in bytes: on a small disk 5 % is less than a merge needs.";
    RESERVE_BYTES "reserve_bytes" = 64 << 20, Bytes, settable, "",
        "Room kept back in the file `reserve` and given up when others fill the disk, so that a start and erasures still succeed.";
    ACTIVE_ROWS "active_rows" = 1_000_000, Rows, settable, "",
        "Hits in the active file at which it is sealed: small enough to sort in memory.";
    CALM_ROWS "calm_rows" = 100_000, Rows, settable, "",
        "Hits in the active file at which it is sealed while no stream of hits pours in: sealed hits are read from rollups.";
    CALM_SECONDS "calm_seconds" = 10, Seconds, settable, "",
        "How old the active file is at least when it is sealed for calm: fewer, larger files.";
    ACTIVE_AGE_SECONDS "active_age_seconds" = 86_400, Seconds, settable, "",
        "Age at which the active file is sealed, however small.";
    CHECKPOINT_MS "checkpoint_ms" = 2_000, Milliseconds, settable, "",
        "Time between checkpoints of the active file; the inbox is trimmed behind them.";
    CHECKPOINT_WAIT_SECONDS "checkpoint_wait_seconds" = 45, Seconds, fixed, "",
        "How long a checkpoint waits for reads of the active file that are in its way, before the engine is taken for broken: longer than a query may take.";
    BAD_LOG_DAYS "bad_log_days" = 7, Days, fixed, "",
        "How long an engine's log that could not be replayed is kept aside for looking at; the next erasure deletes it.";
    IO_TRIES "io_tries" = 4, Items, fixed, "",
        "How often a data file is opened before a disk that cannot be read counts for more than a passing error.";
    IO_PAUSE_MS "io_pause_ms" = 200, Milliseconds, fixed, "",
        "Between two tries to open a data file that the disk did not give.";
    UNREADABLE_RETRY_SECONDS "unreadable_retry_seconds" = 30, Seconds, fixed, "",
        "How often a data file that the disk did not give, and that is left out of answers, is tried again.";
    SET_ASIDE_DAYS "set_aside_days" = 7, Days, fixed, "",
        "How long a data file that no manifest names, and what a repair has replaced, is kept while every file is well: an operator notices within a week. An erasure that it may concern deletes it.";
    MERGE_AT "merge_at" = 4, Items, settable, "",
        "Sealed files that stand side by side before they are merged, none larger than half of all of them.";
    MERGED_ROWS "merged_rows" = 16_800_000, Rows, settable, "",
        "Hits that a merged file holds at most: erasing rewrites whole files, and this many take some 12 seconds.";
    MERGE_PIECE_ROWS "merge_piece_rows" = 480_000, Rows, settable, "",
        "Hits that are sorted at once: about 60 MB, whatever the size of the files, and a little less than four row groups.";
    MERGE_PIECE_TEXT_BYTES "merge_piece_text_bytes" = 16 << 20, Bytes, settable, "",
        "Texts that are sorted at once. Sorting holds them some four times.";
    MERGED_TEXT_BYTES "merged_text_bytes" = 1 << 30, Bytes, settable, "",
        "Texts that a merged file holds at most: each of its pieces may have to look at all of them.";
    MERGE_RETRY_SECONDS "merge_retry_seconds" = 60, Seconds, fixed, "",
        "How long files that could not be merged are left alone; twice as long each time.";
    MERGE_RETRY_MOST_SECONDS "merge_retry_most_seconds" = 21_600, Seconds, fixed, "",
        "The longest of these times: a merge that fails takes the processor and is of no use.";
    ROUTES_QUIET_SECONDS "routes_quiet_seconds" = 600, Seconds, settable, "",
        "How long learned and renamed routes have not changed when stored files are looked at for requests that they join: routes are learned in bursts.";
    ROUTES_REWRITTEN_SECONDS "routes_rewritten_seconds" = 86_400, Seconds, settable, "",
        "How long a file that was rewritten for its routes is left alone: a large one takes minutes of a core.";
    MERGE_PAUSE_MS "merge_pause_ms" = 10_000, Milliseconds, fixed, "",
        "How long a merge waits between two pieces while hits pour in and files are few. An erasure does not wait: the merge is given up for it.";
    ENGINE_MEMORY_BYTES "engine_memory_bytes" = 128 << 20, Bytes, settable, "",
        "Memory of the engine that appends hits. Reads of the newest hits only stream through it.";
    READER_MEMORY_BYTES "reader_memory_bytes" = 80 << 20, Bytes, settable, "query_too_large",
        "Memory of the engine that reads sealed files, all reads together. A read that needs more is refused; the writer has its own.";
    BUILDER_MEMORY_BYTES "builder_memory_bytes" = 192 << 20, Bytes, settable, "",
        "Memory of the engine that seals, merges and erases, while it does; what does not fit is spilled to disk.";
    SPILL_BYTES "spill_bytes" = 4 << 30, Bytes, fixed, "",
        "What one engine may spill to `hits/tmp`: several times what a merge of the largest file sorts.";
    QUERY_SECONDS "query_seconds" = 30, Seconds, settable, "query_timeout",
        "A query that runs longer is stopped: whoever asked has gone.";

    CLOSE_SECONDS "close_seconds" = 15, Seconds, fixed, "",
        "How long a stop tries to bring into a data file what its disk does not take. It is in the inbox, and brought there by the next start.";
    ENGINE_LEAVE_SECONDS "engine_leave_seconds" = 2, Seconds, fixed, "",
        "How long beyond query_seconds an engine that failed may be held before that is said: its files are not free until then.";
    QUEUE_BYTES "queue_bytes" = 48 << 20, Bytes, fixed, "",
        "Records held in memory for the writer; beyond it the writer reads the inbox's file.";
    QUEUED_BATCHES "queued_batches" = 4_096, Items, fixed, "",
        "Batches that wait for a commit; further posts wait before they are handed over.";
    GROUP_BATCHES "group_batches" = 1_024, Items, fixed, "",
        "Batches in one commit of the inbox.";
    GROUP_WAIT_MS "group_wait_ms" = 1, Milliseconds, fixed, "",
        "How long a commit of the inbox waits for company where some is there already: about as long as a commit takes, so half as many are needed.";
    GROUP_WAIT_FROM "group_wait_from" = 4, Items, fixed, "",
        "Batches that come at once and make such a wait worth while; fewer are committed as they come.";
    GROUP_BYTES "group_bytes" = 32 << 20, Bytes, fixed, "",
        "Bytes of one commit: SQLite holds them twice while it writes.";
    SHARE_EPOCH_BYTES "share_epoch_bytes" = 64 << 20, Bytes, fixed, "",
        "The step in which the inbox counts who filled it, so that counting takes no memory per record.";
    REPEATS_REMEMBERED "repeats_remembered" = 1_000_000, Hits, fixed, "",
        "Hits that may be posted again; beyond it the older half is forgotten. 40 bytes each.";
    APPLY_BYTES "apply_bytes" = 3 << 20, Bytes, fixed, "",
        "Records that make a transaction worth while: about 122,880 rows, which DuckDB writes straight into the file.";
    APPLY_PATIENCE_MS "apply_patience_ms" = 150, Milliseconds, fixed, "",
        "How long a record waits for company before it is made visible.";
    BEHIND_MS "behind_ms" = 400, Milliseconds, fixed, "",
        "When what waits to be applied is older, posts are slowed down, so that what was acknowledged is soon visible.";
    SLOWED_MS "slowed_ms" = 250, Milliseconds, fixed, "",
        "How long a post is held back at most while the writer is behind: a broken engine must not stop ingest.";
    FROZEN_FILES "frozen_files" = 3, Items, fixed, "",
        "Files that may wait to be sealed before the active one just grows.";
    ACTIVE_TEXT_BYTES "active_text_bytes" = 48 << 20, Bytes, fixed, "",
        "Texts of the active file at which it is sealed, however few its hits: they are held in memory.";
    ENGINE_CONNECTIONS "engine_connections" = 8, Items, fixed, "",
        "Idle connections to the engine that are kept for the next reader.";

    PROGRESS_LINE_SECONDS "progress_line_seconds" = 60, Seconds, fixed, "",
        "How often a long command says how far it is where no terminal shows a bar: a log is read later.";

    // Answers.
    LISTS_AT_ONCE "lists_at_once" = 16, Items, settable, "overloaded",
        "Lists of hits (exports, /api/data) that are on their way at a time, of one address half as many; each takes answer_share_bytes of memory. Others wait.";
    LISTS_WAITING "lists_waiting" = 64, Items, fixed, "overloaded",
        "Lists that wait for that, of one address half as many: each holds a connection.";
    ANSWER_SHARE_BYTES "answer_share_bytes" = 4 << 20, Bytes, fixed, "",
        "Memory of a list on its way: some thousand hits that are read, the same as text, and a piece that waits to be sent.";
    ANSWER_WAIT_SECONDS "answer_wait_seconds" = 10, Seconds, fixed, "overloaded",
        "How long a list waits for its memory before it is refused: longer than clients that do not read are put up with while others wait.";
    WHOLE_ANSWERS_BYTES "whole_answers_bytes" = 32 << 20, Bytes, fixed, "overloaded",
        "Answers that are made whole and not yet sent, of one address half of it: 500 pages of 60 kB to clients that do not read. Small and large ones have as much each.";
    SMALL_ANSWER_BYTES "small_answer_bytes" = 128 << 10, Bytes, fixed, "",
        "A whole answer up to this size is small. A page is, compressed; a few large answers to clients that do not read must not be in its way.";
    ANSWER_NAMES_BYTES "answer_names_bytes" = 32 << 20, Bytes, fixed, "overloaded",
        "User agents that answers of /api/requests/{user_id} gather, all together: 200,000 different ones.";
    UNREAD_SECONDS "unread_seconds" = 30, Seconds, fixed, "",
        "How long a client may read next to nothing (unread_bytes) of an answer before its connection is closed.";
    UNREAD_WHEN_SHORT_SECONDS "unread_when_short_seconds" = 5, Seconds, fixed, "",
        "The same while others wait for memory of answers or for a connection.";
    UNREAD_BYTES "unread_bytes" = 16 << 10, Bytes, fixed, "",
        "Bytes that count as reading: half a kilobyte a second is slower than any modem.";
    SEND_BUFFER_BYTES "send_buffer_bytes" = 128 << 10, Bytes, fixed, "",
        "The kernel's memory of a connection for what is not sent yet (it doubles it): without a bound it takes megabytes of an answer that nobody reads.";
    CHECKS_PAGE "checks_page" = 1_000, Items, fixed, "invalid_parameter",
        "Results of a monitor that one call may ask for; of a check a minute that is 17 hours.";
    CHECKS_PAGE_DEFAULT "checks_page_default" = 100, Items, fixed, "", "Results of a monitor without `limit`.";
    INCIDENTS_PAGE "incidents_page" = 500, Items, fixed, "invalid_parameter",
        "Incidents that one call may ask for.";
    INCIDENTS_PAGE_DEFAULT "incidents_page_default" = 50, Items, fixed, "", "Incidents without `limit`.";
    DELIVERIES_PAGE "deliveries_page" = 200, Items, fixed, "invalid_parameter",
        "Deliveries of a channel that one call may ask for, each with its tries.";
    DELIVERIES_PAGE_DEFAULT "deliveries_page_default" = 50, Items, fixed, "", "Deliveries without `limit`.";
    UPTIME_BARS "uptime_bars" = 90, Items, fixed, "", "Days that are shown as bars: a quarter of a year fits a line.";
    PANEL_BUCKETS "panel_buckets" = 200, Items, fixed, "invalid_parameter",
        "Buckets of a series: more than a screen can tell apart. The step follows from it.";
    PANEL_ROWS "panel_rows" = 500, Rows, fixed, "invalid_parameter",
        "Rows of a breakdown that one call may ask for: what a person scrolls through.";
    PANEL_ROWS_DEFAULT "panel_rows_default" = 20, Rows, fixed, "", "Rows of a breakdown without `rows`.";
    FIELD_VALUES "field_values" = 200, Items, fixed, "invalid_parameter",
        "Values of a field that one call may ask for: a menu, not an export.";
    FIELD_VALUES_DEFAULT "field_values_default" = 20, Items, fixed, "", "Values of a field without `limit`.";
    ROLLUP_FROM "rollup_from" = 50_000, Hits, fixed, "",
        "A project's hits of the period in one file from which its rollups are read: fewer are summed up sooner than a rollup's five statements are planned (about 2 ms).";
    ROLLED_UP_FROM "rolled_up_from" = 25_000, Hits, fixed, "",
        "A project's hits in one file from which the file has rollups of it: of fewer they are never read, and took 13 bytes a hit. Half of rollup_from, which so can be lowered without making files anew.";
    GATHERED_DURATIONS "gathered_durations" = 200_000, Hits, fixed, "",
        "Durations that are kept one by one for the consumers' table, of a file and thread: 1.6 MB. Beyond it only those of the busiest consumers are kept.";
    GATHERED_CONSUMERS "gathered_consumers" = 200, Items, fixed, "",
        "Consumers whose durations are kept beyond that, 5 kB each at most: twice as many as a table shows. For any other that is shown the hits are read once more.";
    CONSUMERS_SUMMED "consumers_summed" = 65_536, Items, fixed, "",
        "Consumers per file whose errors, country and last call are summed up, at 56 bytes each. Above it only hits are counted, and a second scan sums up the rows that a table shows.";
    ENDPOINTS_SUMMED "endpoints_summed" = 20_000, Items, fixed, "",
        "The same for endpoints, at about 1 kB each with their durations.";
    LISTED_WHOLE "listed_whole" = 20_000, Items, fixed, "",
        "Consumers, endpoints or values per file up to which an answer considers all of them; above it those with most hits.";
    LISTED_OF_FILE "listed_of_file" = 4_096, Items, fixed, "",
        "The length of that list, also of the one that a file keeps: eight times as many as an answer may show, so that a row that one file's list leaves out is in another's.";
    LISTED_OF_DAY "listed_of_day" = 256, Items, fixed, "",
        "Consumers of a day that a file with more than `listed_whole` of them keeps sums of, about 5 kB; of the others a sketch, and the most hits that one has.";
    DISTINCT_EXACT "distinct_exact" = 20_000, Items, fixed, "",
        "Distinct consumers, endpoints or values that an answer counts exactly; above it a sketch of 8 kB estimates them with a relative standard error of 1.2 %.";
    BUCKET_CONSUMERS_EXACT "bucket_consumers_exact" = 2_048, Items, fixed, "",
        "The same for consumers in one bucket of a series. There are up to 200 buckets; so many hashes take twice as much as a sketch.";
    CONSUMER_HITS_KEPT "consumer_hits_kept" = 400_000, Hits, fixed, "",
        "Hits of all files with more than `listed_whole` consumers that a page keeps, 22 bytes each, to look up just their consumers: those at the edges of a period, or those that a filter leaves.";
    CONSUMERS_AT_ONCE "consumers_at_once" = 4 << 20, Items, fixed, "",
        "Consumers of such a file that are counted at once if its hits are more: 16 MB, and 4 MB for each thread, whatever the size of the file; a user counts twice. For each further time its hits are read once more.";
    VALUES_AT_ONCE "values_at_once" = 2 << 20, Items, fixed, "",
        "Addresses, users, paths or request ids of a file that a menu counts at once: at most 16 MB, and as much for each thread. For each further time the file's hits are read once more.";
    NAMES_CACHE_BYTES "names_cache_bytes" = 24 << 20, Bytes, fixed, "",
        "Hashes of texts of sealed files that are kept between reads, 8 bytes each: 3 million of them. Those of consumers are kept only where they are few.";
    NAMES_ENTRY_BYTES "names_entry_bytes" = 8 << 10, Bytes, fixed, "",
        "The least that a file and project count there: they are looked through one by one, so there are at most 3,000.";
    JOINED_ROUTES_BYTES "joined_routes_bytes" = 16 << 20, Bytes, fixed, "",
        "Which routes of sealed files a rule joins, kept between reads until the files are rewritten: 4 bytes for each route, so up to 4 million.";
    SHOWN_NAMES_BYTES "shown_names_bytes" = 4 << 20, Bytes, fixed, "",
        "Names of rows that pages showed, of sealed files, kept for the next page: to find them among 10 million texts takes 70 ms.";
    CLICKHOUSE_ROUTES_AT_ONCE "clickhouse_routes_at_once" = 2_000, Items, fixed, "",
        "Routes that one statement in ClickHouse changes in stored hits: 100 kB of a statement that may have 256 kB. There are a hundred or so for each learned route; more follow in the next statement.";
    CLICKHOUSE_TOKENS "clickhouse_tokens" = 10_000, Items, fixed, "",
        "Inserts into ClickHouse whose repetition is recognized: after a crash one insert is repeated, and several nodes share the number.";
    CLICKHOUSE_TOKEN_SECONDS "clickhouse_token_seconds" = 365 * 86_400, Seconds, fixed, "",
        "How long a cluster recognizes them: a server that was away for months repeats its last insert. The number bounds what it costs.";
    CLICKHOUSE_CLEANUP_SECONDS "clickhouse_cleanup_seconds" = 2, Seconds, fixed, "",
        "How often a ClickHouse host of a cluster deletes parts that were replaced, for which an erasure waits.";
    CLICKHOUSE_GATHER_MS "clickhouse_gather_ms" = 500, Milliseconds, fixed, "",
        "How long a node gathers hits before it inserts them into ClickHouse: each insert makes files that the server has to merge.";
    CLICKHOUSE_BLOCK_ROWS "clickhouse_block_rows" = 4_000_000, Hits, fixed, "",
        "Hits of one insert into ClickHouse, which must be one block: more than a group of the inbox can hold.";
    CLICKHOUSE_GROUP_BYTES "clickhouse_group_bytes" = 1 << 30, Bytes, fixed, "",
        "Memory of a ClickHouse query's groups above which the server continues on disk, so that a million consumers cost time and not the query.";
    CLICKHOUSE_OLD_PARTS_SECONDS "clickhouse_old_parts_seconds" = 60, Seconds, fixed, "",
        "How long an erasure waits until ClickHouse has deleted the files that it replaced, before it is tried again: longer than a query that reads them.";
    CLICKHOUSE_COUNT_SECONDS "clickhouse_count_seconds" = 10, Seconds, fixed, "",
        "Between two counts of all hits in ClickHouse, for the metrics: the server knows the number without reading a hit.";
    CLICKHOUSE_ONE_SCAN_HITS "clickhouse_one_scan_hits" = 10_000_000, Hits, fixed, "",
        "Hits of a period up to which consumers and their numbers by time come from one scan in ClickHouse: half of the processor time where consumers are few, and where each hit has its own half more, in memory that grows with them.";
    CLICKHOUSE_KNOWN_SECONDS "clickhouse_known_seconds" = 60, Seconds, fixed, "",
        "How long a project's hits by day in ClickHouse are not counted again: they only predict what a query costs, and a count takes 15 ms.";
    CLICKHOUSE_EXTENT_SECONDS "clickhouse_extent_seconds" = 3_600, Seconds, fixed, "",
        "How long the times of its oldest and newest hit help to find them again: hits since are looked at.";
    CLICKHOUSE_KNOWN_PROJECTS "clickhouse_known_projects" = 1_000, Items, fixed, "",
        "Projects of which both are kept: 6 kB each for a year. Beyond it all are forgotten.";
    CLICKHOUSE_SILENT_SECONDS "clickhouse_silent_seconds" = 5, Seconds, fixed, "",
        "How long after its time limit a ClickHouse query is waited for: the server reports the limit itself.";
    CLICKHOUSE_CONNECT_SECONDS "clickhouse_connect_seconds" = 5, Seconds, fixed, "",
        "How long it may take to connect to a ClickHouse host before the next one is asked: time for three tries, of which packets may be lost.";
    CLICKHOUSE_IDLE_SECONDS "clickhouse_idle_seconds" = 2, Seconds, fixed, "",
        "How long an unused connection to ClickHouse is kept: older servers close it after three.";
    CLICKHOUSE_PROBE_SECONDS "clickhouse_probe_seconds" = 5, Seconds, fixed, "",
        "After how long without a packet a connection to ClickHouse is probed: a host that has lost its power sends none, like one that is busy with a query.";
    CLICKHOUSE_UNACKNOWLEDGED_SECONDS "clickhouse_unacknowledged_seconds" = 10, Seconds, fixed, "",
        "How long a ClickHouse host may leave packets and probes without acknowledgement before it counts as away.";
    CLICKHOUSE_MERGE_SECONDS "clickhouse_merge_seconds" = 86_400, Seconds, fixed, "",
        "How long after its last change a month of hits becomes one part in ClickHouse: late hits of a day have it merged once.";
    BUSIEST_FROM "busiest_from" = 20_000, Hits, fixed, "",
        "A project's hits of a day, week or month in ClickHouse from which the sums of its busiest consumers are derived: fewer are summed up in a few milliseconds.";
    BUSIEST_OF_DAY "busiest_of_day" = 4_096, Items, fixed, "",
        "Consumers in such a list: with few, the sums of whole days are exact.";
    BUSIEST_HITS "busiest_hits" = 8, Hits, fixed, "",
        "The hits of a consumer in a list that has not room for all, after the first `listed_of_day`: a place takes some 30 bytes, and those below are never among the busiest of a period.";
    BUSIEST_WORTH "busiest_worth" = 500_000, Hits, fixed, "",
        "Hits of the whole days of a period from which these lists are read: fewer are summed up as soon as the lists are read (810,000 took 210 ms of processor time, and their lists 150).";
    ROLLUPS_WORTH "rollups_worth" = 200_000, Hits, fixed, "",
        "Hits of the whole days of a period whose endpoints and values ClickHouse reads from its projections: of 83,000 hits, the values took 65 ms of processor time from five projections, and 26 from the hits at once; of 410,000 both took 60.";
    BUSIEST_GRANULE "busiest_granule" = 512, Items, fixed, "",
        "The least that ClickHouse reads of these lists at once: a consumer's days of more than a year. It keeps a mark for each in memory.";
    BUSIEST_LISTS "busiest_lists" = 20_000, Items, fixed, "",
        "Missing lists, the newest first, that one round notes, at 40 bytes each.";
    BUSIEST_ROUND_SECONDS "busiest_round_seconds" = 10, Seconds, fixed, "",
        "How long a round goes on to the next day: other jobs wait for it. A day of 3 million hits takes about a second.";
    BUSIEST_SECONDS "busiest_seconds" = 60, Seconds, fixed, "",
        "The time in which the sums of one day are to be derived: a hundred million hits on a small server.";
    FILTERS_CACHE_BYTES "filters_cache_bytes" = 8 << 20, Bytes, fixed, "",
        "Which texts of sealed files pass a filter, kept between reads: a bit per text, so that an export looks at a file's texts once.";
    LIST_ROWS "list_rows" = 1 << 20, Rows, fixed, "",
        "Rows of a list that is searched, sorted and paged through: a million endpoints. Of more consumers or values the busiest are listed, and a search looks through all of them.";
    LIST_NAMES_BYTES "list_names_bytes" = 64 << 20, Bytes, fixed, "",
        "The names of those rows together: 64 bytes each where there are as many as there may be.";
    LIST_SUMS_BYTES "list_sums_bytes" = 256 << 20, Bytes, fixed, "",
        "Sums of a list's rows while it is made: 80 bytes for a row with few hits, about 1 kB for one with many.";
    LISTS_MADE_AT_ONCE "lists_made_at_once" = 1, Items, fixed, "",
        "Lists that are summed up at a time: a million rows take some hundred megabytes until they are a list.";
    LISTS_KEPT_BYTES "lists_kept_bytes" = 160 << 20, Bytes, fixed, "",
        "Lists that are kept for the next page, search or sort: one of a million endpoints with its orders, or hundreds of usual ones. They are not kept over an erasure.";
    LISTS_KEPT_SECONDS "lists_kept_seconds" = 600, Seconds, fixed, "",
        "How long an unused list stays cached: longer than it takes to read a page of it. Then its memory is freed.";
    LISTS_SHARED_SECONDS "lists_shared_seconds" = 5, Seconds, fixed, "",
        "How long a cached list is the answer to a new question if other servers store hits, too: longer than a hit takes to be visible, and short for a reader.";
    LIST_ORDERS "list_orders" = 4, Items, fixed, "",
        "Searches and orders of a list whose rows are kept in order: 4 bytes a row each.";
    LIST_PAGE "list_page" = 500, Rows, fixed, "invalid_parameter",
        "Rows of a list that one call may ask for; a file has all of them.";
    LIST_PAGE_DEFAULT "list_page_default" = 50, Rows, fixed, "", "Rows of a list without `limit`.";
    LIST_PIECE_ROWS "list_piece_rows" = 4_000, Rows, fixed, "",
        "Rows of a list that are written at once for a file: a megabyte at most, where names are not very long.";
    LISTS_SENT_BYTES "lists_sent_bytes" = 512 << 20, Bytes, fixed, "overloaded",
        "Lists that files are written from while they are sent, of one address half of it: memory that slow readers hold.";
    LIST_SEARCH_WORDS "list_search_words" = 16, Items, fixed, "invalid_parameter",
        "Words of a search: each is looked for in every row.";
    LIST_SEARCH_CHARACTERS "list_search_characters" = 200, Characters, fixed, "invalid_parameter",
        "Length of a search.";
    LIST_WINDOW_ROWS "list_window_rows" = 20_000, Hits, fixed, "",
        "Hits that a list looks at first, from the newest on; four times as many each time that too few of them pass.";
    LIST_FOUND_AT_ONCE "list_found_at_once" = 25_000, Hits, fixed, "",
        "Hits that a list looks for at once: their keys are in memory, 16 bytes each.";
    PAGE_MADE_WHOLE "page_made_whole" = 200, Hits, fixed, "",
        "A page of so many hits is made whole, which takes a few megabytes at most; a longer one is sent while it is read.";
    AGENTS_PIECE_BYTES "agents_piece_bytes" = 1 << 20, Bytes, fixed, "",
        "User agents of `/api/requests` that are written at once.";
    LIST_PART_ROWS "list_part_rows" = 2_000_000, Hits, fixed, "",
        "Hits that a list looks at before it waits for its next turn: a few tenths of a second.";
    READS_WAITING "reads_waiting" = 400, Items, settable, "too_many_queries",
        "Queries that wait for their turn, of all callers together.";
    READS_WAITING_PER_ADDRESS "reads_waiting_per_address" = 100, Items, settable, "too_many_queries",
        "Queries of one address (of IPv6: one network) that wait for their turn. More than a page asks for at once, and a team behind one address.";
    READ_WAIT_SECONDS "read_wait_seconds" = 30, Seconds, settable, "too_many_queries",
        "A query that would wait longer than about this is refused at once, with the time to wait.";
    READ_ROWS_PER_MS "read_rows_per_ms" = 20_000, Hits, fixed, "",
        "Hits that a query looks at in a millisecond: what it will cost is estimated by it, and so whose turn is next.";
    QUERY_THREADS "query_threads" = 4, Items, fixed, "",
        "Files that one page reads at a time, where there are as many processors: one visitor must not starve the rest.";
    TAIL_WATCHERS "tail_watchers" = 200, Items, settable, "too_many_watchers",
        "Pages and programs that follow /api/v1/tail, of one project half as many. Each holds a connection of the 10,000, and up to half a megabyte where it is slow.";
    TAIL_QUEUE_HITS "tail_queue_hits" = 1_000, Hits, fixed, "",
        "Hits that wait for a slow watcher; the oldest are left out beyond it, and it is told how many. As many may come at once.";
    TAIL_QUEUE_BYTES "tail_queue_bytes" = 512 << 10, Bytes, fixed, "",
        "The same in bytes: 1,000 usual hits. Watchers of one project share what they are sent.";
    TAIL_HITS_PER_SECOND "tail_hits_per_second" = 500, Hits, fixed, "",
        "Hits that a watcher is sent in the long run; of more that match some are left out and counted. Nobody reads 20 a second, and a browser draws no more than these.";
    TAIL_WAITING_BYTES "tail_waiting_bytes" = 8 << 20, Bytes, fixed, "",
        "Records that wait to be shown to watchers: 300,000 hits. Beyond it they are left out, so that no number of watchers delays ingest.";
    TAIL_ERASURE_SECONDS "tail_erasure_seconds" = 10, Seconds, fixed, "",
        "How long an erasure waits until what came before it was shown; it takes milliseconds. After it, the project's watchers are sent away.";
    TAIL_PIECE_BYTES "tail_piece_bytes" = 16 << 10, Bytes, fixed, "",
        "Hits that a watcher is sent at once: what was handed to its connection can no longer be left out.";
    TAIL_HEARTBEAT_SECONDS "tail_heartbeat_seconds" = 15, Seconds, fixed, "",
        "How often a watcher hears something though nothing comes: proxies close what is silent for 30 or 60 s.";
    TAIL_ACCESS_SECONDS "tail_access_seconds" = 5, Seconds, fixed, "",
        "How often it is looked whether a watcher may still look: a key that was revoked, a share link that has expired.";
    TAIL_HEARD "tail_heard" = 100, Items, fixed, "",
        "Messages from other servers that wait until they are taken, which takes no time: PostgreSQL keeps further ones.";
    TAIL_WANTED_SECONDS "tail_wanted_seconds" = 5, Seconds, fixed, "",
        "How long a server that shares PostgreSQL tells another one of new hits of a project that has watchers there, after that one said so; it says it each second.";
    TAIL_BEGIN_MS "tail_begin_ms" = 1_500, Milliseconds, fixed, "",
        "How long a watcher that begins waits until the other servers tell of new hits: it takes milliseconds, unless one of them has just died.";
    TAIL_WANTED_PROJECTS "tail_wanted_projects" = 500, Items, fixed, "",
        "Projects with watchers that one message to other servers names: PostgreSQL passes on 8,000 bytes.";
    TAIL_TOLD_PROJECTS "tail_told_projects" = 15, Items, fixed, "",
        "Projects of whose new hits one such message tells, in up to 400 bytes each.";
    TAIL_SPANS "tail_spans" = 8, Items, fixed, "",
        "Stretches of time in which new hits of another server are looked for: one late hit must not have years searched.";
    TAIL_SPAN_SECONDS "tail_span_seconds" = 600, Seconds, fixed, "",
        "Hits no further apart than this are in one such stretch: what lies between is read in a millisecond.";
    TAIL_READ_HITS "tail_read_hits" = 1_000, Hits, fixed, "",
        "New hits of other servers that are read at once for the watchers of a project: as many as their queues take. Of more, the newest that one of their filters wants.";
    TAIL_READ_ROWS "tail_read_rows" = 20_000_000, Hits, fixed, "",
        "Hits that ClickHouse may look at to find them: a tenth of a second. If it were more, watchers are told that some were left out.";
    TAIL_READ_MS "tail_read_ms" = 500, Milliseconds, fixed, "",
        "Between two readings of new hits of other servers. With the time for which those gather hits, they are shown after a second.";
    TAIL_READ_TRIES "tail_read_tries" = 3, Items, fixed, "",
        "Readings until all hits that another server told of are found: a replica may be behind, and hits may have been erased.";
    TAIL_READS_AT_ONCE "tail_reads_at_once" = 4, Items, fixed, "",
        "Projects whose new hits of other servers are read at the same time.";
    TAIL_RESUMED_SECONDS "tail_resumed_seconds" = 3_600, Seconds, fixed, "",
        "How long a watcher may have been away to be sent the hits of other servers that it missed, and how late those may be: nothing finds them fast but their times.";
    TAIL_RETRY_MS "tail_retry_ms" = 2_000, Milliseconds, fixed, "",
        "How long a watcher waits before it connects again.";
    TAIL_NOTICE_MS "tail_notice_ms" = 800, Milliseconds, fixed, "",
        "How often at most a watcher that doesn't want hits hears that there were some: a page shows a hit within 1.5 s.";
    TAIL_RESUMED_HITS "tail_resumed_hits" = 500, Hits, fixed, "",
        "Hits that a watcher who comes back is sent of what it has missed, the newest; of the others it is told how many.";
    TAIL_RESUMED_COUNTED "tail_resumed_counted" = 10_000, Hits, fixed, "",
        "Missed hits up to which they are counted. A watcher that was away for more begins anew.";
    TAIL_RESUMED_PARTS "tail_resumed_parts" = 5, Items, fixed, "",
        "Turns that looking for them takes at most, each of list_part_rows hits: a filter that little passes must not read years.";
    HITS_PAGE "hits_page" = 10_000, Hits, fixed, "invalid_limit",
        "The most that a page of /api/v1/hits holds; larger answers are exports.";
    HITS_PAGE_DEFAULT "hits_page_default" = 100, Hits, fixed, "", "A page of /api/v1/hits without `limit`.";
    DATA_PAGE "data_page" = 50_000, Hits, fixed, "", "A page of /api/data, as the original's.";
    REQUESTS_PAGE "requests_page" = 250_000, Hits, fixed, "", "A page of /api/requests/{user_id}, as the original's.";
    REQUESTS_ALL "requests_all" = 1_000_000, Hits, fixed, "",
        "What page 0 of /api/requests/{user_id} returns at most.";

    // Comparisons with an earlier time, and deploys.
    CHANGES_SHOWN "changes_shown" = 5, Rows, fixed, "",
        "Rows of what changed: as many as are read at a glance. Lists and the effects of a deploy have the rest.";
    CHANGE_REQUESTS "change_requests" = 30, Hits, fixed, "",
        "Requests of an endpoint, on both sides, before it is compared, and with a duration before its times are: below that a share moves by more than 3 points with each one, and tests of shares are rough.";
    CHANGE_ERRORS "change_errors" = 5, Hits, fixed, "",
        "Server errors of an endpoint before it is said to fail more: a few are somebody's bad luck.";
    CHANGE_ERROR_POINTS "change_error_points" = 1, Percent, fixed, "",
        "By how many percentage points its share of server errors must rise: of very many requests a smaller difference is no chance and no news either.";
    CHANGE_SLOWER_PERCENT "change_slower_percent" = 25, Percent, fixed, "",
        "By how much a 95th percentile must rise to be called slower: people notice about a fifth.";
    CHANGE_SLOWER_MS "change_slower_ms" = 10, Milliseconds, fixed, "",
        "And by how many milliseconds: 3 ms in place of 1 ms is three times as slow and no news.";
    CHANGE_CONSUMER_REQUESTS "change_consumer_requests" = 50, Hits, fixed, "",
        "Requests that a consumer must have had to be missed, or must have now to be new: below that are visitors.";
    CHANGE_QUIET_PERCENT "change_quiet_percent" = 5, Percent, fixed, "",
        "A consumer is quiet with at most this share of the requests that it would have had if it had changed as all did.";
    CHANGE_CONSUMER_PERCENT "change_consumer_percent" = 1, Percent, fixed, "",
        "The least share of all requests of a new consumer: a public API has new callers every hour.";
    DEPLOYS_PER_PROJECT "deploys_per_project" = 500, Items, fixed, "",
        "Deploys of a project: two a day for most of a year. The oldest make room.";
    DEPLOYS_PER_MINUTE "deploys_per_minute" = 120, Items, fixed, "too_many_deploys",
        "Deploys that one address may post: a history that is brought along, and not a pipeline that runs wild. Each is a write to the table of projects.";
    RELEASES_PER_HOUR "releases_per_hour" = 60, Items, fixed, "",
        "New releases of a project, each of which is a write: one a minute is a busy pipeline, more are names that differ per process. Any more are counted as ignored.";
    RELEASES_PER_PROJECT "releases_per_project" = 1_000, Items, fixed, "",
        "Releases remembered for a project, so that each adds only one deploy: twice the number of deploys.";
    RELEASES_REMEMBERED "releases_remembered" = 20_000, Items, fixed, "",
        "Releases of all projects cached in memory, at 16 bytes each. If there are more, the cache is cleared and they are looked up in the table again.";
    RELEASE_POSTED_MINUTES "release_posted_minutes" = 60, Minutes, fixed, "",
        "The longest time between a deploy reported by requests and a posted one of the same version that replaces it: a pipeline reports success some minutes after the first request.";
    DEPLOY_TEXT_CHARACTERS "deploy_text_characters" = 1_000, Characters, fixed, "invalid_deploy",
        "The note of a deploy: a few lines of a change log.";
    DEPLOY_EFFECT_HOURS "deploy_effect_hours" = 24, Hours, fixed, "",
        "The longest time before and after a deploy that is compared: a day has every hour of it on both sides.";
    DEPLOY_EFFECT_ROWS "deploy_effect_rows" = 50, Rows, fixed, "",
        "Endpoints of a deploy's effect, the worst first: what a person scrolls through in a dialog.";

    // Saved views.
    VIEWS_PER_PROJECT "views_per_project" = 100, Items, fixed, "too_many_views",
        "Saved views of a project: more than a team keeps apart by name.";
    VIEW_QUERY_BYTES "view_query_bytes" = 4 << 10, Bytes, fixed, "invalid_view",
        "The query of a saved view: half of the address length that proxies accept, and room for a filter with a hundred values.";

    // Outbound calls.
    TARGET_CHARACTERS "target_characters" = 2_048, Characters, fixed, "invalid_monitor",
        "The address of a check or a notice. Servers refuse longer ones.";
    DIALED_ADDRESSES "dialed_addresses" = 8, Items, fixed, "",
        "Addresses of one name that are tried. Names with more spread their load over them.";
    DIAL_STAGGER_MS "dial_stagger_ms" = 250, Milliseconds, fixed, "",
        "How long an address is tried alone before the next of its name is tried beside it, as RFC 8305 recommends.";
    LOOKUPS_AT_ONCE "lookups_at_once" = 64, Items, fixed, "",
        "Names that are looked up at a time: a local resolver takes more, a home router's takes about as many.";
    LOOKUP_SECONDS "lookup_seconds" = 3, Seconds, fixed, "",
        "How long one name server is waited for before the next try: resolvers answer within 2 s, or not at all.";
    NAME_SERVERS_WAIT_MS "name_servers_wait_ms" = 2_000, Milliseconds, fixed, "",
        "How long name servers that failed about one name are waited for about another, which tells whose fault it is: resolvers answer within 2 s, or not at all.";
    NAME_SERVERS_FRESH_MS "name_servers_fresh_ms" = 5_000, Milliseconds, fixed, "",
        "How long that is believed: without name servers all checks fail together, and one of them asks.";
    FETCHED_HEAD_BYTES "fetched_head_bytes" = 32 << 10, Bytes, fixed, "",
        "The head of an answer to a check or a notice; servers send a few kilobytes.";
    FETCHED_HEADERS "fetched_headers" = 128, Items, fixed, "",
        "Header lines of such an answer.";
    FETCHED_BODY_BYTES "fetched_body_bytes" = 1 << 20, Bytes, fixed, "",
        "The body of such an answer: a page that tells whether a service is well has a few kilobytes.";
    REDIRECTS "redirects" = 5, Items, fixed, "",
        "Redirects that are followed: from http to https, to www, to a language, and two more.";
    CERTIFICATE_NAMES "certificate_names" = 100, Items, fixed, "",
        "Names of a certificate that are kept: what an authority puts into one.";

    // Monitors.
    MONITORS_PER_PROJECT "monitors_per_project" = 200, Items, settable, "too_many_monitors",
        "Monitors of a project: every endpoint that matters to a large API, and some jobs. Each check is a call to somebody.";
    MONITOR_INTERVAL_SECONDS "monitor_interval_seconds" = 60, Seconds, fixed, "",
        "Time between two checks of a monitor that does not say otherwise.";
    MONITOR_INTERVAL_LEAST_SECONDS "monitor_interval_least_seconds" = 20, Seconds, fixed, "invalid_monitor",
        "The shortest such time: three failures are confirmed within a minute, and the host that is checked hardly notices.";
    MONITOR_INTERVAL_MOST_SECONDS "monitor_interval_most_seconds" = 86_400, Seconds, fixed, "invalid_monitor",
        "The longest such time: less often than daily is no watching.";
    CHECK_TIMEOUT_MS "check_timeout_ms" = 10_000, Milliseconds, fixed, "",
        "How long a check of a monitor that does not say otherwise may take: people give up sooner.";
    CHECK_TIMEOUT_LEAST_MS "check_timeout_least_ms" = 100, Milliseconds, fixed, "invalid_monitor",
        "The shortest such time: a handshake over an ocean takes 300 ms, in a data centre 1.";
    CHECK_TIMEOUT_MOST_MS "check_timeout_most_ms" = 60_000, Milliseconds, fixed, "invalid_monitor",
        "The longest such time, also below the interval. A check that hangs holds a connection that others wait for.";
    DOWN_AFTER "down_after" = 3, Items, fixed, "",
        "Failures in a row until a monitor is down that does not say otherwise: a lost packet is none, a restart is about two.";
    UP_AFTER "up_after" = 2, Items, fixed, "",
        "Successes in a row until it is up again: a service that starts answers once and fails again.";
    CONFIRM_MOST "confirm_most" = 20, Items, fixed, "invalid_monitor",
        "The most of either: results of a run are kept in memory until it is confirmed.";
    MONITOR_BODY_BYTES "monitor_body_bytes" = 16 << 10, Bytes, fixed, "invalid_monitor",
        "The body that a check sends; it is in memory for as long as the monitor exists.";
    MONITOR_HEADERS "monitor_headers" = 20, Items, fixed, "invalid_monitor",
        "Headers that a check sends besides its own: credentials, a version, a few switches.";
    MONITOR_HEADER_NAME_CHARACTERS "monitor_header_name_characters" = 100, Characters, fixed, "invalid_monitor",
        "The name of such a header.";
    MONITOR_HEADER_CHARACTERS "monitor_header_characters" = 4_096, Characters, fixed, "invalid_monitor",
        "The value of such a header: room for a token with many claims.";
    MONITOR_STATUSES "monitor_statuses" = 20, Items, fixed, "invalid_monitor",
        "Statuses and ranges of them that count as success.";
    MONITOR_TEXT_CHARACTERS "monitor_text_characters" = 1_024, Characters, fixed, "invalid_monitor",
        "A text that a body must or must not contain.";
    JSON_PATH_CHARACTERS "json_path_characters" = 200, Characters, fixed, "invalid_monitor",
        "The path to a value in a JSON body.";
    JSON_PATH_STEPS "json_path_steps" = 4, Items, fixed, "invalid_monitor",
        "Steps of such a path that look at more than one value: each may multiply the work.";
    HEARTBEAT_LEAST_SECONDS "heartbeat_least_seconds" = 30, Seconds, fixed, "invalid_monitor",
        "The shortest period of a heartbeat: what happens more often is watched by its requests.";
    HEARTBEAT_GRACE_SECONDS "heartbeat_grace_seconds" = 60, Seconds, fixed, "",
        "How long after it is due a heartbeat may come that does not say otherwise: jobs start a little late.";

    CHECKS_AT_ONCE "checks_at_once" = 512, Items, settable, "",
        "Checks that are under way at a time, of one project half as many, and no more than a quarter of the open files that the data leaves: each is a connection. Further ones wait.";
    CHECK_LATE_MS "check_late_ms" = 30_000, Milliseconds, fixed, "",
        "How long a check may wait for its turn, at most half of its interval, before its slot counts as missed: later it would say nothing about its slot.";
    CHECKS_BY_HAND_PER_MINUTE "checks_by_hand_per_minute" = 30, Items, fixed, "too_many_checks",
        "Checks that one address may ask for: a person who tries settings. More would make of the server a tool to call others with.";
    PLANNER_LOOK_MS "planner_look_ms" = 1_000, Milliseconds, fixed, "",
        "How often checks are planned where none is due sooner, and the clocks compared.";
    PLANNER_STALL_MS "planner_stall_ms" = 10_000, Milliseconds, fixed, "",
        "Where more time has passed between two such looks, the process stood still, and what was due meanwhile is missed.";
    PLANNER_SILENT_SECONDS "planner_silent_seconds" = 30, Seconds, fixed, "",
        "Where no look was taken for so long, health says that checks are not planned.";
    CLOCK_BREAK_MS "clock_break_ms" = 1_000, Milliseconds, fixed, "",
        "How far the wall clock may go apart from the time that passes between two such looks; beyond it it was set, or the machine slept.";
    JUDGED_ASIDE_BYTES "judged_aside_bytes" = 64 << 10, Bytes, fixed, "",
        "A body from which on it is looked into on a thread of its own: a megabyte of JSON takes milliseconds.";
    RESULTS_PAUSE_MS "results_pause_ms" = 1_000, Milliseconds, fixed, "",
        "How often results of checks are written: a killed process costs at most as much of them.";
    RESULTS_GROUP "results_group" = 2_000, Items, fixed, "",
        "Results in one transaction: some milliseconds.";
    RESULTS_WAITING "results_waiting" = 50_000, Items, fixed, "",
        "Results that wait for a disk that takes none; beyond it new ones are dropped, and their time is unknown. A kilobyte each.";
    RAW_CHECK_HOURS "raw_check_hours" = 48, Hours, fixed, "",
        "How long every single result of a check is kept: time to look at an outage of the weekend's eve on Sunday.";
    CHECK_SUM_DAYS "check_sum_days" = 396, Days, fixed, "",
        "How long sums of 5 minutes are kept: 13 months, so that a month can be compared with the same one of last year.";

    // Queries.
    QUERY_CHARACTERS "query_characters" = 4_096, Characters, fixed, "invalid_query",
        "Length of `q`; it has to fit a URL.";
    QUERY_CONDITIONS "query_conditions" = 50, Items, fixed, "invalid_query", "Conditions of one `q`.";
    QUERY_VALUES "query_values" = 100, Items, fixed, "invalid_query", "Values of one condition.";
    DOCS_SEARCH_RESULTS "docs_search_results" = 40, Items, fixed, "",
        "Parts of the documentation that a search shows: whoever needs more writes another word.";
    DOCS_SEARCH_WORDS "docs_search_words" = 10, Items, fixed, "",
        "Words that a search through the documentation looks for; each is one pass over all texts.";
    QUERY_WILDCARDS "query_wildcards" = 100, Items, fixed, "invalid_query",
        "`*` in one `q` together with the filter of a share link: each is one search in every different text of a project.";

    // Caches.
    AGENTS_CACHED "agents_cached" = 160_000, Items, fixed, "",
        "User agents whose traits are remembered: reading one takes 10 us, remembering it 40 bytes.";
    AGENT_TRAITS_CACHED "agent_traits_cached" = 20_000, Items, fixed, "",
        "Different traits (client, system and device) among them: 200 bytes each.";

    // Uptime.
    RESULT_HOLD_INTERVALS "result_hold_intervals" = 2, Items, fixed, "",
        "Intervals for which a check's result holds when no other follows: one late check is no gap, two missed ones are.";
    RUN_GAP_INTERVALS "run_gap_intervals" = 10, Items, fixed, "",
        "Intervals without a result after which failures that were not confirmed yet are counted anew: what failed before a long pause says nothing about now.";
    UPTIME_SLOT_MINUTES "uptime_slot_minutes" = 5, Minutes, fixed, "",
        "Milliseconds per state are kept per slot of this length: 113,000 rows of a monitor in 13 months.";
    UPTIME_COVERAGE_PERCENT "uptime_coverage_percent" = 50, Percent, fixed, "",
        "Share of a window, without maintenance, that must be known for its uptime to be shown: of less it would be a guess.";

    // Incidents.
    WITNESS_REQUESTS "witness_requests" = 5, Items, fixed, "",
        "Requests that succeeded since a check began to fail, on the same host, from which on the outage is unconfirmed: one or two may have been answered by a cache.";
    WITNESS_CONSUMERS "witness_consumers" = 2, Items, fixed, "",
        "Consumers of these requests: a single one may sit beside the server, where our check does not pass.";
    WITNESS_WAIT_MS "witness_wait_ms" = 5_000, Milliseconds, fixed, "",
        "How long a change of an incident waits for what the requests say: a busy server must not hold up the notice that it is down.";
    INCIDENT_NOTE_CHARACTERS "incident_note_characters" = 2_000, Characters, fixed, "invalid_incident",
        "The note of an incident, or one update: a screen of text.";
    INCIDENT_UPDATES "incident_updates" = 50, Items, fixed, "invalid_incident",
        "Updates of one incident: two days of one an hour.";
    INCIDENT_DAYS "incident_days" = 396, Days, fixed, "",
        "How long an incident that is over is kept: as long as the uptime that it lowered.";
    FLAPPING_RESULTS "flapping_results" = 20, Items, fixed, "",
        "Newest results in which changes are counted for flapping, as in Icinga and Nagios.";
    FLAPPING_ON_PERCENT "flapping_on_percent" = 30, Percent, fixed, "",
        "Weighted share of changes from which a monitor flaps: six of twenty, an outage every few minutes.";
    FLAPPING_OFF_PERCENT "flapping_off_percent" = 25, Percent, fixed, "",
        "Below it flapping has ended; lower than where it begins, so that flapping itself does not flap.";
    CERTIFICATE_WARN_DAYS "certificate_warn_days" = 14, Days, fixed, "",
        "A certificate with less left is worth a warning, however long its life: clients renew a month ahead.";
    CERTIFICATE_WARN_PERCENT "certificate_warn_percent" = 25, Percent, fixed, "",
        "The same as share of its life: clients renew when a third is left, also of certificates of six days.";
    CERTIFICATE_CRITICAL_DAYS "certificate_critical_days" = 3, Days, fixed, "",
        "A certificate with less left expires before the next working day is over.";
    CERTIFICATE_CRITICAL_PERCENT "certificate_critical_percent" = 10, Percent, fixed, "",
        "The same as share of its life.";

    // Status pages.
    STATUS_SLUG_LEAST_CHARACTERS "status_slug_least_characters" = 3, Characters, fixed, "invalid_status_page",
        "The shortest last part of a status page's address that its owner may choose.";
    STATUS_SLUG_CHARACTERS "status_slug_characters" = 60, Characters, fixed, "invalid_status_page",
        "The longest one: a label of a host name has 63.";
    STATUS_TITLE_CHARACTERS "status_title_characters" = 100, Characters, fixed, "invalid_status_page",
        "The title of a status page, or of an incident on it: one line.";
    STATUS_NAME_CHARACTERS "status_name_characters" = 100, Characters, fixed, "invalid_status_page",
        "The name of a service or of a group of them, as that of a project.";
    STATUS_GROUPS "status_groups" = 20, Items, fixed, "invalid_status_page",
        "Groups of services on a status page: more headings than services would hide them.";
    STATUS_SERVICES "status_services" = 200, Items, fixed, "invalid_status_page",
        "Services on a status page: all monitors that a project has, unless its operator allows more.";
    STATUS_LOGO_BYTES "status_logo_bytes" = 32 << 10, Bytes, fixed, "invalid_status_page",
        "The logo of a status page. It is drawn at 26 pixels; as base64 it fits into a small body with the rest of the page.";
    STATUS_FRESH_SECONDS "status_fresh_seconds" = 20, Seconds, fixed, "",
        "How long an answer of a status page is shown again before it is put together anew, here and in caches on the way: a crowd that comes with an outage costs one look at the files, and sees its end within as long as the shortest interval of a check.";
    STATUS_REQUESTS_FRESH_SECONDS "status_requests_fresh_seconds" = 600, Seconds, fixed, "",
        "The same of the share of requests that succeeded: a look at 90 days of hits, of which ten minutes change nothing that is seen.";
    STATUS_REQUESTS_WAIT_MS "status_requests_wait_ms" = 5_000, Milliseconds, fixed, "",
        "How long a status page waits for that share; then it is shown without, or with the one before.";
    STATUS_ASSETS_SECONDS "status_assets_seconds" = 3_600, Seconds, fixed, "",
        "How long style, script and logo of a status page are kept by browsers.";
    STATUS_ANNOUNCED_DAYS "status_announced_days" = 14, Days, fixed, "",
        "How long before it begins published maintenance is announced: time to plan around it, and a weekly window is named twice at most.";
    STATUS_DAY_PERCENT "status_day_percent" = 1, Percent, fixed, "",
        "Share of a day that was down, or degraded, from which its bar is drawn so: a quarter of an hour. Less than that down is drawn as degraded.";
    STATUS_INCIDENTS "status_incidents" = 50, Items, fixed, "",
        "Published incidents that a status page and its feed show, the newest of 90 days: more is a log, which its owner has.";

    // Subscribers of a status page.
    SUBSCRIBERS_PER_PROJECT "subscribers_per_project" = 5_000, Items, settable, "too_many_subscribers",
        "Addresses that the subscribers of one status page have, unconfirmed ones among them: at 600 mails a minute an update reaches the last one within ten minutes.";
    SUBSCRIPTIONS_PER_DAY "subscriptions_per_day" = 500, Items, settable, "too_many_subscriptions",
        "Different addresses that one status page takes in 24 hours: each may cost a mail to somebody who never asked. Three days of them, all unconfirmed, leave room for subscribers.";
    SUBSCRIPTIONS_PER_HOUR "subscriptions_per_hour" = 10, Items, settable, "too_many_subscriptions",
        "Subscriptions that one client address may ask for: a person with several addresses, or a small office.";
    SUBSCRIPTION_REPEAT_HOURS "subscription_repeat_hours" = 24, Hours, fixed, "",
        "How long the confirmation for an address is not repeated by the same page: typing a stranger's address again and again sends one mail a day.";
    SUBSCRIPTION_MAILBOX_MAILS "subscription_mailbox_mails" = 3, Items, fixed, "",
        "Confirmations to one mailbox in 24 hours, over all status pages and all addresses that differ after a `+`: many pages together fill no mailbox either.";
    SUBSCRIPTION_CONFIRM_DAYS "subscription_confirm_days" = 3, Days, fixed, "",
        "How long a confirmation link works, and an unconfirmed address is kept: over a weekend.";
    SUBSCRIBER_ADDRESS_CHARACTERS "subscriber_address_characters" = 254, Characters, fixed, "invalid_subscription",
        "The longest e-mail address, by RFC 5321.";
    SUBSCRIBER_MAILS_AT_ONCE "subscriber_mails_at_once" = 4, Items, fixed, "",
        "Mails to subscribers on their way at a time, beside all other notices: a mail server that hangs holds up nothing else.";
    SUBSCRIBER_MAIL_GAP_MS "subscriber_mail_gap_ms" = 100, Milliseconds, fixed, "",
        "The least time between two mails to subscribers: 600 a minute, which common mail servers take from one sender.";
    SUBSCRIBER_MAILS_PLANNED "subscriber_mails_planned" = 50, Items, fixed, "",
        "Mails to subscribers that are planned at a time, in turns of the projects: five seconds' worth, so that a page with few subscribers does not wait behind one with thousands.";
    SUBSCRIBER_REST_SECONDS "subscriber_rest_seconds" = 30, Seconds, fixed, "",
        "How long no subscriber is mailed after the mail server could not be used: each further mail would only wait for the same.";
    SUBSCRIBERS_PAGE "subscribers_page" = 1_000, Items, fixed, "invalid_parameter",
        "Subscribers that one answer of the API lists at most.";

    // Maintenance.
    CRON_CHARACTERS "cron_characters" = 120, Characters, fixed, "invalid_schedule",
        "Length of a cron expression; lists of minutes and days still fit.";
    MAINTENANCE_DAYS "maintenance_days" = 400, Days, fixed, "invalid_schedule",
        "The longest window: beyond a year it is a pause.";
    MAINTENANCE_STARTS_PER_YEAR "maintenance_starts_per_year" = 9_000, Items, fixed, "invalid_schedule",
        "Windows of one schedule in a year: every hour (8,784). 13 months of those take some 30 ms to compute.";
    MONITORS_IN_FILE "monitors_in_file" = 5_000, Items, fixed, "",
        "Monitors in the operator's file: as many as one process is measured with.";
    MAINTENANCE_UPCOMING "maintenance_upcoming" = 3, Items, fixed, "",
        "Times that are shown of a maintenance window to come: enough to see that the schedule is the one that was meant.";
    MAINTENANCE_CRON_MINUTES "maintenance_cron_minutes" = 10_080, Minutes, fixed, "invalid_schedule",
        "The longest window by cron, a week: for each check all windows that may still last are walked through.";
    MAINTENANCE_PER_PROJECT "maintenance_per_project" = 50, Items, settable, "too_many_maintenance_windows",
        "Maintenance windows of one project: each is looked at for each check.";
    MAINTENANCE_MONITORS "maintenance_monitors" = 200, Items, fixed, "invalid_maintenance",
        "Monitors that one maintenance window names; it concerns all where it names none.";
    MAINTENANCE_TEXT_CHARACTERS "maintenance_text_characters" = 2_000, Characters, fixed, "invalid_maintenance",
        "The text of a maintenance window: a screen, as an incident's note.";
    PARENTS_FOLLOWED "parents_followed" = 10, Items, fixed, "invalid_monitor",
        "How many times over a monitor may be part of another: host, network, site. Also the end of a circle, should one come to be.";

    // Alert rules.
    RULE_EVERY_SECONDS "rule_every_seconds" = 60, Seconds, fixed, "",
        "How often rules are judged: all rules of a kind by one grouped question.";
    RULES_PER_PROJECT "rules_per_project" = 20, Items, settable, "too_many_rules",
        "Rules of a project: all ready-made ones, and some of its own. One with a filter costs a question of its own each minute.";
    RULE_DELAY_SECONDS "rule_delay_seconds" = 75, Seconds, fixed, "",
        "How long before now the window of a rule ends while too little is known of how late requests arrive: clients send once a minute, and 15 s are for the way.";
    RULE_DELAY_LEAST_SECONDS "rule_delay_least_seconds" = 15, Seconds, fixed, "",
        "The shortest such time, of projects whose requests arrive at once: three times as long as our clients hold them.";
    RULE_DELAY_MOST_SECONDS "rule_delay_most_seconds" = 300, Seconds, fixed, "",
        "The longest such time. What is later was kept back, and no alert waits for it.";
    RULE_DELAY_BATCHES "rule_delay_batches" = 30, Items, fixed, "",
        "Batches of a project from which this time is measured, the 99th percentile of the last hours: half an hour of a client that sends once a minute.";
    RULE_LATE_SECONDS "rule_late_seconds" = 15, Seconds, fixed, "",
        "How long an accepted request may wait to be readable before rules rest: what is missing would look like silence.";
    RULE_REREAD_MINUTES "rule_reread_minutes" = 15, Minutes, fixed, "",
        "Minutes that are counted anew each time: requests that a client kept back arrive in them. Each hour all of them are.";
    RULE_QUESTIONS_MS "rule_questions_ms" = 1_000, Milliseconds, fixed, "",
        "Time in a round, as estimated, for the questions of rules with a filter, about consumers or about response times; one project has half of it at most. Rules that find none left are judged in the next round.";
    RULE_REACHES "rule_reaches" = 20, Items, fixed, "",
        "Alerts of one minute whose endpoints and consumers are looked up: each is a question of its own, and the next are about the same outage.";
    RULES_SILENT_SECONDS "rules_silent_seconds" = 300, Seconds, fixed, "",
        "How long the loop that judges rules may not have looked before health says so: it looks every minute.";
    RULE_RESOLVE_PERCENT "rule_resolve_percent" = 80, Percent, fixed, "",
        "Share of its threshold below which an alert ends: five errors in five minutes vary by two without any cause.";
    RULE_OUTAGE_MINUTES "rule_outage_minutes" = 60, Minutes, fixed, "",
        "How long rules may go unjudged before a pending alert begins anew; a firing one stays, and what is judged next decides.";
    RULES_LATE_MINUTES "rules_late_minutes" = 5, Minutes, fixed, "",
        "How long requests may arrive late before a notice says that rules cannot be judged.";
    RULE_SERIES "rule_series" = 1_000, Items, fixed, "",
        "Endpoints or consumers that one rule remembers; further ones are not judged.";
    RULE_SERIES_DAYS "rule_series_days" = 7, Days, fixed, "",
        "How long an endpoint or consumer may be missing from the answers before a rule about too little forgets it: a job that runs once a week is still known.";
    RULE_WINDOW_MINUTES "rule_window_minutes" = 1_440, Minutes, fixed, "",
        "The longest window of a rule: a question over more than a day each minute would be felt.";
    RULE_WAIT_MINUTES "rule_wait_minutes" = 1_440, Minutes, fixed, "",
        "The longest `for` and `keep` of a rule.";
    SILENT_CONSUMERS "silent_consumers" = 200, Items, fixed, "",
        "Consumers of a project whose silence is noticed, the busiest of a week: 400 bytes each, and who calls less often than these rarely calls regularly.";
    SILENT_KNOWN_DAYS "silent_known_days" = 9, Days, fixed, "",
        "How far back it is known when each of them called: the week that shows its gaps, and two days of silence.";
    SILENT_HITS "silent_hits" = 2_000_000, Hits, fixed, "",
        "Hits that one round looks through for what is not known yet, an hour of them at least: about a tenth of a second. After a start the rest follows minute by minute.";
    SILENT_QUESTIONS "silent_questions" = 20, Items, fixed, "",
        "Questions of one round for the same, and projects whose busiest consumers it lists, once a day each. After a start a thousand projects are known within an hour.";
    BURN_BAD_LONG "burn_bad_long" = 10, Hits, fixed, "",
        "Bad requests in the long window from which a burn rate is judged: with ten requests an hour one failure burns a month's budget by arithmetic.";
    BURN_BAD_SHORT "burn_bad_short" = 3, Hits, fixed, "",
        "The same in the short window.";
    BASE_WEEKS "base_weeks" = 3, Items, fixed, "",
        "Weeks whose same time makes the base: their median leaves out one holiday or outage.";
    BASE_DISAGREES_TIMES "base_disagrees_times" = 3, Items, fixed, "",
        "How many times as many requests one of these weeks may have as another before the base expects nothing.";
    EXPECTED_REQUESTS "expected_requests" = 20, Hits, fixed, "",
        "Requests that a window must expect before their absence means anything: by chance none come in one of 500 million windows.";
    STOPPED_WINDOW_MINUTES "stopped_window_minutes" = 360, Minutes, fixed, "",
        "The longest window in which so many requests may be expected: of less traffic nothing is said.";

    // Notices.
    NOTICE_NAME_CHARACTERS "notice_name_characters" = 200, Characters, fixed, "",
        "Names of endpoints, consumers and monitors in a notice: strangers choose some of them, and a phone shows few.";
    NOTICE_LISTED "notice_listed" = 20, Items, fixed, "",
        "Endpoints, consumers or incidents that one notice lists; further ones are counted.";
    NOTICE_ANSWER_CHARACTERS "notice_answer_characters" = 200, Characters, fixed, "",
        "Of the far side's answer to a notice, kept beside the delivery: its error messages are shorter.";
    NOTICE_GROUP_SECONDS "notice_group_seconds" = 20, Seconds, fixed, "",
        "How long the first notice of a project waits for others of the same cause: monitors of one server fail within an interval.";
    NOTICE_DIGEST_OPENINGS "notice_digest_openings" = 5, Items, fixed, "",
        "Openings of a project in a minute above which they are told as one digest.";
    NOTICE_DIGEST_SECONDS "notice_digest_seconds" = 60, Seconds, fixed, "",
        "That minute, after which the digest is sent.";
    NOTICE_GIVE_UP_HOURS "notice_give_up_hours" = 24, Hours, fixed, "",
        "How long a notice is tried; what is told a day late is history.";
    NOTICE_RETRY_SECONDS "notice_retry_seconds" = 5, Seconds, fixed, "",
        "The wait before a notice is tried for the second time, and four times as long each time: over 10 tries in a day.";
    NOTICE_RETRY_MOST_SECONDS "notice_retry_most_seconds" = 7_200, Seconds, fixed, "",
        "The longest of these waits: a channel that is back in the morning tells what happened at night.";
    NOTICE_RETRY_AFTER_SECONDS "notice_retry_after_seconds" = 3_600, Seconds, fixed, "",
        "The longest wait that a channel may ask for.";
    NOTICE_JITTER_PERCENT "notice_jitter_percent" = 20, Percent, fixed, "",
        "By how much waits between tries vary, so that channels that failed together do not return together.";
    NOTICE_FAILING_MINUTES "notice_failing_minutes" = 60, Minutes, fixed, "",
        "How long a channel may fail to deliver a notice before the others tell of it: by then it was tried six times.";
    CHANNELS_PER_PROJECT "channels_per_project" = 20, Items, settable, "too_many_channels",
        "Channels of a project: each of its notices is sent to all of them.";
    QUIET_HOURS "quiet_hours" = 16, Hours, fixed, "invalid_channel",
        "The longest quiet hours of a channel: a notice that waits for their end must not be given up (24 hours) meanwhile.";
    NOTICE_SEND_SECONDS "notice_send_seconds" = 15, Seconds, fixed, "",
        "How long one try to send a notice may take, by the Standard Webhooks' advice.";
    NOTICES_AT_ONCE "notices_at_once" = 32, Items, fixed, "",
        "Notices on their way at a time, one of each channel: each is a connection that may hang for its whole time.";
    NOTICE_LOOK_MS "notice_look_ms" = 5_000, Milliseconds, fixed, "",
        "How often the outbox is looked at where nothing is due sooner.";
    NOTICE_SILENT_SECONDS "notice_silent_seconds" = 60, Seconds, fixed, "",
        "Where no look was taken for so long, health says that notices are not sent.";
    NOTICE_KEPT_DAYS "notice_kept_days" = 90, Days, fixed, "",
        "How long a notice that was delivered or given up is kept with its tries.";
    NOTICE_ANSWER_BYTES "notice_answer_bytes" = 4_096, Bytes, fixed, "",
        "How much of an answer is looked at to judge it: every channel says what it has to say in a line.";
    NOTICES_WAITING "notices_waiting" = 2_000, Items, fixed, "",
        "Notices of one channel that are planned at a time, the oldest first; more have not come together since the channel failed.";
    CHANNEL_TESTS_PER_MINUTE "channel_tests_per_minute" = 10, Items, fixed, "too_many_tests",
        "Test notices that one address may send: a person who sets up a channel.";
    WEBHOOK_SECRET_BYTES "webhook_secret_bytes" = 64, Bytes, fixed, "invalid_channel",
        "The longest signing secret, by Standard Webhooks; the shortest is 24 bytes.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_reason() {
        let mut names: Vec<&str> = LIMITS.iter().map(|limit| limit.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LIMITS.len(), "a name is used twice");
        for limit in LIMITS {
            assert!(
                limit.reason.len() > 5 && limit.reason.ends_with('.'),
                "{} has no reason",
                limit.name
            );
            assert!(limit.value > 0, "{} refuses everything", limit.name);
            assert!(
                limit.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{} is not snake case",
                limit.name
            );
        }
    }

    #[test]
    fn rollups_are_read_of_projects_that_have_them() {
        const { assert!(ROLLED_UP_FROM <= ROLLUP_FROM) };
    }

    #[test]
    fn the_index_of_a_hit_in_its_batch_fits_its_hit_id() {
        const { assert!(HITS_PER_BATCH < 1 << crate::hit::HitId::INDEX_BITS) };
        assert_eq!(DURATION_MS * 1_000, crate::latency::MAX_US);
    }

    #[test]
    fn a_limit_is_found_by_name_and_for_ever_has_no_value() {
        assert_eq!(find("hits_per_batch").and_then(Limit::value), Some(100_000));
        assert_eq!(find("keep_hits").map(Limit::value), Some(None));
        assert!(find("nothing").is_none());
    }
}
