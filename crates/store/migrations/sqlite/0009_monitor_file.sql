-- The `id` of a monitor in the operator's file of monitors, where it is kept there.
ALTER TABLE monitors ADD COLUMN file_entry TEXT;
