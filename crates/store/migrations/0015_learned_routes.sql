-- What the paths of a project have taught about its routes: one text, which SQL does not look into.
CREATE TABLE learned_routes (
    project INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    state TEXT NOT NULL
) STRICT;
