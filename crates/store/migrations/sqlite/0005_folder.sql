-- Which data folder this file belongs to (the inbox carries the same id), and how often that was started.

CREATE TABLE folder (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    starts INTEGER NOT NULL,
    -- The key of the ledger of erasures; the inbox has it too, and may be lost.
    ledger_key BLOB NOT NULL CHECK (length(ledger_key) = 32)
) STRICT;
