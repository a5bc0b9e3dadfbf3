-- What the dashboard brings: more settings of a project, sessions, share links, ingest health, the demo.

ALTER TABLE projects ADD COLUMN tz TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE projects ADD COLUMN apdex_ms INTEGER NOT NULL DEFAULT 500;
-- Success rates, 0 to 1, below which the page turns amber and red.
ALTER TABLE projects ADD COLUMN success_amber REAL NOT NULL DEFAULT 0.95;
ALTER TABLE projects ADD COLUMN success_red REAL NOT NULL DEFAULT 0.90;
-- Up to which privacy level the hits kept before have been erased; behind privacy_level while that is under way.
ALTER TABLE projects ADD COLUMN erased_level INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET erased_level = privacy_level;
-- NULL: an ordinary project. Else it is the demo, whose hits have been made up to this time.
ALTER TABLE projects ADD COLUMN demo_until_us INTEGER;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    created_us INTEGER NOT NULL,
    last_used_us INTEGER
) STRICT, WITHOUT ROWID;

-- What a session may see, each by the key that it signed in with, the dashboard id (by its generation), or both.
CREATE TABLE session_projects (
    session BLOB NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    key INTEGER REFERENCES keys (id) ON DELETE SET NULL,
    generation INTEGER,
    PRIMARY KEY (session, project)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_projects_project ON session_projects (project);
CREATE INDEX session_projects_key ON session_projects (key);

CREATE TABLE share_links (
    -- AUTOINCREMENT: a revoked link's number never names another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    name TEXT NOT NULL,
    -- The filter that its viewer cannot take off, as it is printed.
    q TEXT NOT NULL,
    addresses INTEGER NOT NULL,
    consumers INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    last_used_us INTEGER
) STRICT;
CREATE INDEX share_links_project ON share_links (project);

-- What came in and what was refused, per project, as the server writes it down now and then.
CREATE TABLE ingest_health (
    project INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    state TEXT NOT NULL
) STRICT;
