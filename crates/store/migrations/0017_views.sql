-- Saved views: a name, and how a page of a project looks.

CREATE TABLE views (
    -- AUTOINCREMENT: an address that names one that was deleted never shows another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    page TEXT NOT NULL,
    -- May be empty.
    query TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    -- Also the index that a project's views are read by.
    UNIQUE (project, name)
) STRICT;
