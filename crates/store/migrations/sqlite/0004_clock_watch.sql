-- Whether the wall clock is believed (analytics::clock_watch). The last three are NULL while it is.

CREATE TABLE clock_watch (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    believed_us INTEGER NOT NULL,
    ahead_us INTEGER,
    last_us INTEGER,
    ran_us INTEGER
) STRICT;
