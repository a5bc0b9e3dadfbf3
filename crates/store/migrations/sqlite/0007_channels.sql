-- Where a project's notices go.

CREATE TABLE channels (
    -- AUTOINCREMENT: the number of one that was deleted never names another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- analytics::notice::ChannelConfig as JSON, encrypted with a key that follows from the server's secret: a nonce of 12
    -- bytes, then ChaCha20-Poly1305.
    sealed BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    -- Why it was switched off, where the far side said that it is gone.
    problem TEXT,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX channels_project ON channels (project);
