-- Settings of monitors hold credentials (headers, a body, an address), so they are encrypted. The program encrypts those that
-- an earlier version wrote when it opens the file, since the key is nothing that SQL has.

ALTER TABLE monitors RENAME COLUMN settings TO plain_settings;
-- Null until then; '' stands in plain_settings from then on.
ALTER TABLE monitors ADD COLUMN sealed BLOB;
