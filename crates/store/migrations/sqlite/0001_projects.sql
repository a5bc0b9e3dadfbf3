-- Projects, their keys, and what the server knows of itself. Times are microseconds since 1970, days are days since 1970.

CREATE TABLE server (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- Keys, dashboard ids and erased things are named by hashes keyed with this.
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    -- AUTOINCREMENT: a deleted project's number never names another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    privacy_level INTEGER NOT NULL CHECK (privacy_level BETWEEN 0 AND 2),
    -- NULL: as the server's setting says.
    keep_hits_days INTEGER,
    -- Part of the dashboard id; raised to void the old one.
    generation INTEGER NOT NULL DEFAULT 0,
    last_look_us INTEGER,
    -- The day on which the project was first said to be inactive.
    warned_day INTEGER,
    -- Its hits are being erased; the row goes last.
    deleting INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Dashboard ids ("user ids") that came with a migrating operator's keys; void once regenerated.
CREATE TABLE imported_user_ids (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX imported_user_ids_project ON imported_user_ids (project);

CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    -- The first characters, so that its owner recognises it.
    prefix TEXT NOT NULL,
    can TEXT NOT NULL CHECK (can IN ('everything', 'ingest')),
    created_us INTEGER NOT NULL,
    revoked_us INTEGER,
    last_used_us INTEGER
) STRICT;
CREATE INDEX keys_project ON keys (project);

-- The days on which the server ran: the only ones that count towards a project's inactivity.
CREATE TABLE running_days (day INTEGER PRIMARY KEY) STRICT;

-- When each periodic job last ended well.
CREATE TABLE jobs (name TEXT PRIMARY KEY, ended_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
