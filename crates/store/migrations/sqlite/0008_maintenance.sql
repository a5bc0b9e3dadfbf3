-- Planned maintenance of a project's monitors.

CREATE TABLE maintenance (
    -- AUTOINCREMENT: the number of one that was deleted never names another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- JSON, as analytics::maintenance::MaintenanceSettings has it.
    settings TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX maintenance_project ON maintenance (project);
