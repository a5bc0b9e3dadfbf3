-- The batches of hits that servers have taken. A client that got no answer sends its batch again, perhaps to another server:
-- the first one that is about to store it writes its row, and nobody else stores it.
CREATE TABLE taken_batches (
    -- 64 bits of the hash of project and batch id.
    batch BIGINT PRIMARY KEY,
    -- Whose it is: the server, and its number for the batch.
    node SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    -- Minutes since 1970 by the clock of this database. Old rows are deleted.
    minute INTEGER NOT NULL
);

-- How many erasures are complete. Servers keep lists with names in memory, which they drop when it has risen.
CREATE SEQUENCE erasures_noted;
