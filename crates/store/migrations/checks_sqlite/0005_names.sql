-- The names that these tables have beside those of projects and settings in one PostgreSQL database.
ALTER TABLE monitors RENAME TO monitor_states;
ALTER TABLE rules RENAME TO rule_states;
