-- What is watched. Results of checks are in a file of their own (monitors.sqlite).

CREATE TABLE monitors (
    -- AUTOINCREMENT: the number of one that was deleted never names another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- JSON, as analytics::monitor::MonitorSettings has it.
    settings TEXT NOT NULL,
    -- The address as it was given to the original's API, which names a monitor by it.
    original_url TEXT,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX monitors_project ON monitors (project);
