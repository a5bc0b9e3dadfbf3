-- E-mail addresses that are subscribed to a status page, and those that were asked to confirm it.

CREATE TABLE subscribers (
    -- AUTOINCREMENT: a mail that waits for one who left never goes to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- With its status page a project's subscribers go.
    project INTEGER NOT NULL REFERENCES status_pages (project) ON DELETE CASCADE,
    address TEXT NOT NULL COLLATE NOCASE,
    -- Keyed hash of the mailbox that the address leads to.
    mailbox BLOB NOT NULL,
    -- Keyed hash of the secret in the links of its mails.
    link BLOB NOT NULL UNIQUE,
    created_us INTEGER NOT NULL,
    -- When its subscription was last asked for.
    asked_us INTEGER NOT NULL,
    -- When its newest confirmation was written; none where the mailbox had as many as it may get.
    written_us INTEGER,
    -- When that is sent, or tried again; none where there is nothing to send.
    next_us INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    -- None: it waits to be confirmed, and gets nothing else.
    confirmed_us INTEGER,
    UNIQUE (project, address)
) STRICT;
CREATE INDEX subscribers_mailbox ON subscribers (mailbox, written_us);
CREATE INDEX subscribers_waiting ON subscribers (next_us) WHERE next_us IS NOT NULL;
