-- Alert rules of projects.

CREATE TABLE rules (
    -- AUTOINCREMENT: the number of one that was deleted never names another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- analytics::alert::RuleSettings as JSON.
    settings TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX rules_project ON rules (project);
