-- Deploys of the apps that are watched: marks on the time axis of a project.

CREATE TABLE deploys (
    -- AUTOINCREMENT: a link to one that was deleted never shows another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    -- May be empty.
    text TEXT NOT NULL,
    -- Also the index that a project's deploys are read by.
    UNIQUE (project, at_us, version)
) STRICT;
