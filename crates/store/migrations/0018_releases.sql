-- Releases that requests came with: each makes one deploy, which a person may delete for good.

ALTER TABLE deploys ADD COLUMN from_requests INTEGER NOT NULL DEFAULT 0;

CREATE TABLE releases (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    -- When the server first saw it.
    seen_us INTEGER NOT NULL,
    PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;
