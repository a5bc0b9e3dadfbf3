-- Releases reported by requests. Each adds a deploy only once, so a deleted deploy does not come back.

ALTER TABLE deploys ADD COLUMN from_requests INTEGER NOT NULL DEFAULT 0;

CREATE TABLE releases (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    -- First seen by the server.
    seen_us INTEGER NOT NULL,
    PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;
