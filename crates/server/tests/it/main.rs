//! The server as its callers see it: the real router on a real data folder, over real HTTP on loopback. Only the clock
//! is ours. The crate's only integration binary; a module per area.

mod app;
mod changes;
mod channels;
#[path = "../../../store/tests/it/clickhouse/front.rs"]
#[expect(dead_code, reason = "tests of the store need the rest")]
mod clickhouse;
mod contract;
mod control;
mod dashboard;
mod data;
mod deletion;
mod demo;
mod deploys;
mod dial;
mod docs;
mod errors;
mod hits;
mod incidents;
mod ingest;
mod ingest_health;
mod isolation;
mod jobs;
mod keys;
mod learned_routes;
mod lifecycle;
mod lists;
mod maintenance;
mod managing;
mod monitor_history;
mod monitors;
mod openapi;
mod operation;
mod page;
#[path = "../../../store/tests/it/postgres.rs"]
mod postgres;
mod releases;
mod requests;
mod rules;
mod scenarios;
mod session;
mod settings;
mod sharing;
mod source;
mod status_page;
mod subscriptions;
mod tail;
mod tls;
mod views;
mod watching;
