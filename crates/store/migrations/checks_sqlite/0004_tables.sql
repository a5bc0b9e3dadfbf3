-- The tables of `monitors.sqlite` up to version 4, for a new file and for any older one.

-- `checks`: every result, for some days; times in microseconds. `sums`: per 5 minutes, milliseconds per state (unknown
-- time is in none), counts, and the times of successful checks. `days`: the same per day (UTC, counted from 1970).
-- `monitors`: the state of each.
CREATE TABLE IF NOT EXISTS checks (monitor INTEGER NOT NULL, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, failure TEXT,
    detail TEXT, status INTEGER, missed INTEGER NOT NULL, late_ms INTEGER NOT NULL, dns_us INTEGER, connect_us INTEGER,
    tls_us INTEGER, first_byte_us INTEGER, body_us INTEGER, PRIMARY KEY (monitor, at_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (monitor INTEGER NOT NULL, from_ms INTEGER NOT NULL, up_ms INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL, down_ms INTEGER NOT NULL, maintenance_ms INTEGER NOT NULL, checks INTEGER NOT NULL,
    failures INTEGER NOT NULL, timed INTEGER NOT NULL, dns_us INTEGER NOT NULL, connect_us INTEGER NOT NULL,
    tls_us INTEGER NOT NULL, first_byte_us INTEGER NOT NULL, body_us INTEGER NOT NULL, slowest_us INTEGER NOT NULL,
    PRIMARY KEY (monitor, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (monitor INTEGER NOT NULL, day INTEGER NOT NULL, up_ms INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL, down_ms INTEGER NOT NULL, maintenance_ms INTEGER NOT NULL, checks INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0, timed INTEGER NOT NULL DEFAULT 0, dns_us INTEGER NOT NULL DEFAULT 0,
    connect_us INTEGER NOT NULL DEFAULT 0, tls_us INTEGER NOT NULL DEFAULT 0, first_byte_us INTEGER NOT NULL DEFAULT 0,
    body_us INTEGER NOT NULL DEFAULT 0, slowest_us INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (monitor, day)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS monitors (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, state TEXT NOT NULL) STRICT;

-- `incidents`: one row each, by source and the incident's number. `monitor` is the monitor's number, or the rule's, negated
-- (`IncidentSource`). `transitions`: its history. `incident_updates`: texts for visitors of a status page, which shows them
-- once the incident has a public title.
CREATE TABLE IF NOT EXISTS incidents (monitor INTEGER NOT NULL, number INTEGER NOT NULL, project INTEGER NOT NULL,
    cause TEXT NOT NULL, since_ms INTEGER NOT NULL, found_ms INTEGER NOT NULL, until_ms INTEGER, unconfirmed INTEGER NOT NULL,
    failure TEXT, detail TEXT, status INTEGER, phases TEXT, last_good_ms INTEGER, hit TEXT, acknowledged_ms INTEGER, note TEXT,
    public_title TEXT, severity TEXT, PRIMARY KEY (monitor, number)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incidents_project ON incidents (project, since_ms);
CREATE TABLE IF NOT EXISTS transitions (monitor INTEGER NOT NULL, number INTEGER NOT NULL, transition INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, change TEXT NOT NULL, muted TEXT, PRIMARY KEY (monitor, number, transition)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident_updates (id INTEGER PRIMARY KEY, monitor INTEGER NOT NULL, number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, stage TEXT NOT NULL DEFAULT 'investigating', text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS incident_updates_incident ON incident_updates (monitor, number);

-- `outbox`: a row for each notice and channel, `state` one of `waiting`, `delivered`, `failed`, `given_up`. `tries`: the
-- result of each try.
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, channel INTEGER NOT NULL, channel_us INTEGER NOT NULL,
    project INTEGER NOT NULL, monitor INTEGER NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, stage TEXT NOT NULL,
    severity TEXT NOT NULL, created_ms INTEGER NOT NULL, tries INTEGER NOT NULL, next_ms INTEGER NOT NULL, state TEXT NOT NULL,
    ended_ms INTEGER, message TEXT, notice TEXT NOT NULL, UNIQUE (channel, key)) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (channel, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS outbox_thread ON outbox (channel, thread);
CREATE INDEX IF NOT EXISTS outbox_monitor ON outbox (monitor);
CREATE TABLE IF NOT EXISTS tries (delivery INTEGER NOT NULL, at_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL, status INTEGER,
    reason TEXT) STRICT;
CREATE INDEX IF NOT EXISTS tries_delivery ON tries (delivery);

-- `rules`: the state of each one's alerts. `rule_lateness`: the time since which none can be judged.
CREATE TABLE IF NOT EXISTS rules (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rule_lateness (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), state TEXT NOT NULL) STRICT;

-- `bulletins`: something published. About an incident (`monitor` as in `incidents`), or about the maintenance that
-- visitors know by `maintenance`, which is '' for incidents. `spread` is 1 once it has its `mailings`: one for each
-- subscriber who has not received it yet. They hold no addresses.
CREATE TABLE IF NOT EXISTS bulletins (id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, monitor INTEGER NOT NULL,
    number INTEGER NOT NULL, maintenance TEXT NOT NULL, at_ms INTEGER NOT NULL, spread INTEGER NOT NULL, bulletin TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS bulletins_maintenance ON bulletins (project, maintenance) WHERE maintenance <> '';
CREATE INDEX IF NOT EXISTS bulletins_incident ON bulletins (monitor, number);
CREATE TABLE IF NOT EXISTS mailings (bulletin INTEGER NOT NULL, subscriber INTEGER NOT NULL, tries INTEGER NOT NULL,
    next_ms INTEGER NOT NULL, PRIMARY KEY (bulletin, subscriber)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mailings_subscriber ON mailings (subscriber);
