-- What the paths of a project have taught about its routes: one text, which SQL does not look into.
CREATE TABLE learned_routes (
    project INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    -- 1 after a restore: words of paths in it may be those of someone who has been erased since.
    restored INTEGER NOT NULL DEFAULT 0
) STRICT;
