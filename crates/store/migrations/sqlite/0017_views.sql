-- Saved views: a name, a page of a project and the page's state.

CREATE TABLE views (
    -- AUTOINCREMENT: a link to a deleted view never opens another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    page TEXT NOT NULL,
    -- May be empty.
    query TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    -- Also the index for reading a project's views.
    UNIQUE (project, name)
) STRICT;
