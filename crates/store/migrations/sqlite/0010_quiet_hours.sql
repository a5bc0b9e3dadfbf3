-- When a channel gets critical notices alone: JSON, as analytics::notice::QuietHours has it. NULL: never.
ALTER TABLE channels ADD COLUMN quiet_hours TEXT;
