-- Public status pages, at most one of a project.

CREATE TABLE status_pages (
    project INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    -- The last part of its address; no two pages share one.
    slug TEXT NOT NULL UNIQUE,
    -- JSON, as analytics::status_page::StatusPage has it.
    settings TEXT NOT NULL,
    -- An image; none for the mark of API Analytics.
    logo BLOB
) STRICT;
